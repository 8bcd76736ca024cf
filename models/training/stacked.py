"""Models that share batches, trained as one: each learns what it would learn alone, bit for bit.

Runs of a sweep that differ in β alone see the same images, the same noise and the same learning
rate at every step. Their weights lie side by side, (K, out, in), and every model keeps views of its
part, so that it is scored, saved and resumed like any other. A layer of all models is computed in
one call; so are its matrix products where that gives the bits of single ones on this machine, which
is tried out, else they are made one by one. Adam updates every model's parameters on their own.

Numerics: a vectorised loop treats the last elements, those that do not fill a vector, with other
instructions. Hence every model's part begins where a tensor of its own would, and batches are of
whole vectors: `models.sweeps.plan.can_stack`.

It pays where a step is mostly overhead (tests/benchmarks/sweep.py).
"""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.config import RunConfig
from models.objectives.schedules import StepObjective, kl_weight
from models.training.events import EpochEnd
from models.training.optimizer import Adam
from models.training.trainer import CHECK_EVERY, Training

ALIGNMENT = 16
"""Every model's part begins at a multiple of so many numbers, 64 bytes."""


class StackedLinear(nn.Module):
    r"""K linear layers side by side.

    .. math:: y_k = W_k x_k + b_k, \quad k = 1 … K

    Args:
        layers: K of the same shape; their parameters become views of this one's.

    Example:
        >>> layer = StackedLinear([nn.Linear(4, 3), nn.Linear(4, 3)])
        >>> layer(torch.zeros(5, 4)).shape  # shared by both
        torch.Size([2, 5, 3])
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = _side_by_side([layer.weight for layer in layers])
        self.bias = _side_by_side([layer.bias for layer in layers])
        self._agrees: dict[tuple[int, ...], bool] = {}

    def forward(self, x: Tensor) -> Tensor:
        """From (B, in), shared, or (K, B, in) to (K, B, out)."""
        inputs = x.expand(len(self.weight), *x.shape[-2:])
        products = _BatchedProducts.apply if self._can_batch(inputs) else _single_products
        return products(inputs, self.weight, self.bias)

    def _can_batch(self, x: Tensor) -> bool:
        """Whether batched products may stand for single ones; tried out once for every shape."""
        if torch.is_autocast_enabled(x.device.type):
            return False
        kind = (*x.shape, *x.stride())
        if kind not in self._agrees:
            self._agrees[kind] = products_agree(x, self.weight, self.bias)
        return self._agrees[kind]


def _side_by_side(parameters: Sequence[nn.Parameter]) -> nn.Parameter:
    """Moves K parameters of one shape into one, (K, …), of which they become views."""
    first = parameters[0]
    padded = -(-first.numel() // ALIGNMENT) * ALIGNMENT
    whole = first.new_zeros(len(parameters), padded)[:, : first.numel()]
    whole = whole.unflatten(1, first.shape)
    for part, parameter in zip(whole, parameters, strict=True):
        part.copy_(parameter.detach())
        parameter.data = part
    return nn.Parameter(whole)


class _BatchedProducts(torch.autograd.Function):
    """K products in one call: y (K, B, out), and the gradients of x, W and b."""

    @staticmethod
    def forward(context, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        context.save_for_backward(x, weight)
        return torch.baddbmm(bias[:, None], x, weight.mT)

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = context.saved_tensors
        of_x = torch.bmm(gradient, weight) if context.needs_input_grad[0] else None
        return of_x, torch.bmm(gradient.mT, x), gradient.sum(1)


def _single_products(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """K products one by one, each as its layer would make it."""
    return torch.stack([F.linear(*parts) for parts in zip(x, weight, bias, strict=True)])


def products_agree(x: Tensor, weight: Tensor, bias: Tensor) -> bool:
    """Tries whether batched products and their gradients equal single ones, bit for bit.

    A library may add in another order when it makes several products at once. The order depends
    on shapes and strides, so random numbers bring it to light.

    Args:
        x: Input of a layer, shape (K, B, in): as an example, its numbers are not used.
        weight: W, shape (K, out, in), likewise.
        bias: b, shape (K, out), likewise.

    Example:
        >>> products_agree(torch.zeros(1, 32, 4), torch.zeros(1, 8, 4), torch.zeros(1, 8))
        True
    """
    generator = torch.Generator(x.device).manual_seed(0)
    given = [_random_like(tensor, generator) for tensor in (x, weight, bias)]
    y = _single_products(*(tensor.detach() for tensor in given))
    gradient = _random_like(y, generator)

    def outcome(products) -> list[Tensor]:
        inputs = [tensor.detach().requires_grad_() for tensor in given]
        y = products(*inputs)
        return [y, *torch.autograd.grad(y, inputs, gradient)]

    pairs = zip(outcome(_BatchedProducts.apply), outcome(_alone), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def _alone(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Single products of tensors that share no memory, as in runs of their own."""
    return _single_products(*([part.clone() for part in whole] for whole in (x, weight, bias)))


def _random_like(tensor: Tensor, generator: torch.Generator) -> Tensor:
    """Normal random numbers of the same shape and strides."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    shape = [1 if stride == 0 else size for size, stride in sizes]
    memory = torch.empty_strided(shape, tensor.stride(), device=tensor.device)
    return memory.normal_(generator=generator).expand(tensor.shape)


def stack_models(models: Sequence[nn.Module]) -> nn.Module:
    """Stacks K models of the same shape to one that answers with a leading dimension K.

    Args:
        models: K of them, with no parameters but those of linear layers, which become views of
            the stack's.

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


class StackedAdam(Adam):
    """Adam of K models of a stack: each parameter and its moments stay the model's own.

    Args:
        stack: From `stack_models`; its parameters have the gradients.
        models: What it was made of.
        optimizers: Of the models; their state is kept up.
    """

    def __init__(
        self, stack: nn.Module, models: Sequence[nn.Module], optimizers: Sequence[Adam]
    ) -> None:
        self._wholes = dict(stack.named_parameters())
        named = [dict(model.named_parameters()) for model in models]
        self._parts = {name: [parameters[name] for parameters in named] for name in self._wholes}
        super().__init__(
            [part for parts in self._parts.values() for part in parts],
            optimizers[0].rate,
            optimizers[0].betas,
        )
        step = optimizers[0].state_of(self.parameters[0])["step"]
        for parts in self._parts.values():
            for part, optimizer in zip(parts, optimizers, strict=True):
                self.state[part] = optimizer.state_of(part)
                self.state[part]["step"] = step  # the same for all, counted once

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        super().zero_grad()
        for whole in self._wholes.values():
            whole.grad = None

    def step(self) -> None:
        """Updates every model by its part of the gradients."""
        for name, whole in self._wholes.items():
            if whole.grad is not None:
                for part, gradient in zip(self._parts[name], whole.grad, strict=True):
                    part.grad = gradient
        super().step()


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
        models = [member.model for member in members]
        self.model = stack_models(models)
        (player,) = first.optimizers  # only models of one player are stacked
        theirs = [member.optimizers[player] for member in members]
        self.optimizers = {player: StackedAdam(self.model, models, theirs)}
        self._gone: set[Member] = set()
        self.follow([])
        self._objectives = [member.config.objective for member in members]
        self._waiting: dict[Member, deque[Tensor]] = {member: deque() for member in members}
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


def _shared(config: RunConfig) -> str:
    """What the members of a stack have in common, as text."""
    document = config.to_json()
    del document["objective"]["beta"]
    return repr(document)
