"""Models that share batches, trained as one: each layer's matrix products in one batched call.

Runs of a sweep that differ in β alone see the same images, the same noise and the same learning
rate at every step. Their weights are stacked, (out, in) → (K, in, out), and so are Adam's moments;
every model keeps views of its part, so that it is scored, saved and resumed like any other. What a
model learns does not depend on its neighbours in the stack, not even on one that diverges.

It pays where a step is mostly overhead (tests/benchmarks/sweep.py). Inputs before outputs, since
the gradient of a batched product has that order: the other way round it would be turned at every
step, which makes a large stack slower than its members one by one.
"""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.config import RunConfig
from models.objectives.schedules import StepObjective, kl_weight
from models.training.events import EpochEnd
from models.training.optimizer import Adam
from models.training.trainer import CHECK_EVERY, Training


class StackedLinear(nn.Module):
    r"""K linear layers side by side.

    .. math:: y_k = x_k W_k + b_k, \quad k = 1 … K

    Example:
        >>> layer = StackedLinear([nn.Linear(4, 3), nn.Linear(4, 3)])
        >>> layer(torch.zeros(5, 4)).shape  # shared by both
        torch.Size([2, 5, 3])
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().T for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))

    def forward(self, x: Tensor) -> Tensor:
        """From (B, in), shared, or (K, B, in) to (K, B, out)."""
        shared = x.expand(len(self.weight), *x.shape[-2:])
        return torch.baddbmm(self.bias[:, None], shared, self.weight)


def stack_models(models: Sequence[nn.Module]) -> nn.Module:
    """Stacks K models of the same shape to one that answers with a leading dimension K.

    Args:
        models: K of them, with no parameters but those of linear layers; they are copied.

    Raises:
        ValueError: If a model has other parameters.

    Example:
        >>> from models.families.registry import build_model
        >>> from models.config import ModelConfig
        >>> stack = stack_models([build_model(ModelConfig(), seed) for seed in (0, 1)])
        >>> mean, log_variance = stack.encode(torch.zeros(3, 1, 28, 28))
        >>> tuple(mean.shape), tuple(stack.log_likelihood(torch.zeros(3, 1, 28, 28), mean).shape)
        ((2, 3, 2), (2, 3))
    """
    stack = copy.deepcopy(models[0])
    for name, module in models[0].named_modules():
        if isinstance(module, nn.Linear):
            layers = [model.get_submodule(name) for model in models]
            stack.set_submodule(name, StackedLinear(layers))
        elif list(module.parameters(recurse=False)):
            raise ValueError(f"a stack must be of linear layers, got {type(module).__name__}")
    return stack


class Member(Training):
    """A training run that can join a stack: from then on the stack makes its steps.

    The order of events, the checks, the scores and the state are those of `Training`.
    """

    stack: Stack | None = None

    def _step(self, chosen: Tensor) -> Tensor:
        if self.stack is None:
            return super()._step(chosen)
        self.step += 1
        return self.stack.terms_of(self, chosen)

    def _end(self, epoch: int, seconds: float) -> EpochEnd:
        if self.stack is not None:
            seconds = time.perf_counter() - self.stack.epoch_began
        return super()._end(epoch, seconds)

    def share(self, parameter: nn.Parameter, weight: Tensor, state: dict[str, Tensor]) -> None:
        """Makes the weight and its moments views of a stack's."""
        parameter.data = weight
        (optimizer,) = self.optimizers.values()
        optimizer.state[parameter] = state


class Stack(Training):
    """Several training runs at the same step, whose steps are made together.

    The first member that asks for a step has it made for all; the others find theirs waiting. So
    members must take turns, event by event; between two rounds all are at the same step, whole.
    One that ends before the others has to `leave`.

    Args:
        members: Their settings differ in β alone, and they are at the same step.

    Raises:
        ValueError: If they do not fit together.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        first = members[0]
        if len({(_shared(member.config), member.step) for member in members}) > 1:
            raise ValueError("the members of a stack must differ in beta alone, at the same step")
        self.config, self.device = first.config, first.device
        self.train_images = first.train_images
        self.step, self.total_steps = first.step, first.total_steps
        self.steps_per_epoch = first.steps_per_epoch
        self.epoch_began = time.perf_counter()
        self.model = stack_models([member.model for member in members])
        ((player, optimizer),) = first.optimizers.items()  # only models of one player are stacked
        stacked = Adam(self.model.parameters(), optimizer.rate, optimizer.betas)
        self.optimizers = {player: stacked}
        self._gone: set[Member] = set()
        self.follow([])
        self._objectives = [member.config.objective for member in members]
        self._waiting: dict[Member, deque[Tensor]] = {member: deque() for member in members}
        self._tie()

    def _tie(self) -> None:
        """Gathers the members' moments; makes their weights and moments views of the stack's."""
        members = list(self._waiting)
        ((name_of_player, optimizer),) = self.optimizers.items()
        theirs = [dict(member.model.named_parameters()) for member in members]
        for name, parameter in self.model.named_parameters():
            parts = [parameters[name] for parameters in theirs]
            found = [
                member.optimizers[name_of_player].moments(part)
                for member, part in zip(members, parts, strict=True)
            ]
            state = {
                key: torch.stack([_turned(moments[key]) for moments in found])
                for key in ("exp_avg", "exp_avg_sq")
            }
            step = torch.tensor(float(self.step), device=self.device)
            optimizer.state[parameter] = state | {"step": step}
            for k, (member, part) in enumerate(zip(members, parts, strict=True)):
                views = {key: _turned(value[k]) for key, value in state.items()}
                member.share(part, _turned(parameter.data[k]), views | {"step": step})
        for member in members:
            member.stack = self

    def terms_of(self, member: Member, chosen: Tensor) -> Tensor:
        """Returns the terms of a member's loss at its next step, not yet checked.

        Args:
            member: Of this stack.
            chosen: The images of that step, the same for every member, by number, shape (B,).
        """
        if not self._waiting[member]:
            assert max(map(len, self._waiting.values())) < CHECK_EVERY, "members take turns"
            if self.step % self.steps_per_epoch == 0:
                self.epoch_began = time.perf_counter()
            made = self._step(chosen)
            for k, (other, queue) in enumerate(self._waiting.items()):
                if other not in self._gone:
                    queue.append(made[k])
        return self._waiting[member].popleft()

    def leave(self, member: Member) -> None:
        """Stops keeping steps for this member."""
        self._gone.add(member)
        self._waiting[member].clear()

    def _objective(self) -> StepObjective:
        """What this step asks of the rates: its weight differs by member, shape (K,)."""
        weights = [kl_weight(self.step, self.total_steps, each) for each in self._objectives]
        return super()._objective()._replace(weight=torch.tensor(weights, device=self.device))


def _turned(tensor: Tensor) -> Tensor:
    """Rows for columns of a weight, from a layer's order to a stack's and back; a bias as it is."""
    return tensor.T if tensor.dim() == 2 else tensor


def _shared(config: RunConfig) -> str:
    """What the members of a stack have in common, as text."""
    document = config.to_json()
    del document["objective"]["beta"]
    return repr(document)
