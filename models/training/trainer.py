"""Training: one loop over data in memory that yields events and can stop and resume anywhere.

Randomness is counter-based. The order of epoch e and the noise of step t are functions of
(seed, e) and (seed, t), so there is no generator state: weights, optimiser moments, the step
number and the sums of the running epoch are all that a bit-exact resume needs (on the same
torch, processor kind and thread count).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.config import RunConfig, TrainingConfig
from models.metrics.likelihood import elbo
from models.objectives.elbo import Terms, elbo_terms
from models.objectives.schedules import beta_loss, capacity, kl_weight
from models.training.control import ActiveSettings, Change, active_settings
from models.training.optimizer import Adam

CHECK_EVERY = 20
"""Steps between two looks at the losses: events, finite check and a chance to stop."""

_ORDER, _NOISE = 0, 1


class TrainingDivergedError(ValueError):
    """A term of the loss stopped being finite; the message names the step and the term."""


@dataclass(frozen=True)
class Progress:
    """`CHECK_EVERY` more steps are done; `distortion` and `rate` are their mean, nats/image."""

    epoch: int
    step: int
    total_steps: int
    distortion: float
    rate: float


@dataclass(frozen=True)
class EpochEnd:
    """One pass is over. Terms in nats per image: `train` while it ran, `test` at its end.

    The parts of `test_rate`, one for every latent, are in `test_kl_per_dimension`.
    """

    epoch: int
    step: int
    seconds: float
    learning_rate: float
    kl_weight: float
    train_distortion: float
    train_rate: float
    test_distortion: float
    test_rate: float
    test_kl_per_dimension: list[float]

    @property
    def test_negative_elbo(self) -> float:
        """D + R on the test set, z sampled, weight 1, nats per image."""
        return self.test_distortion + self.test_rate


def learning_rate(step: int, total_steps: int, config: TrainingConfig) -> float:
    r"""Linear warm-up to the peak, then half a cosine down to the final rate.

    Args:
        step: t, counted from 1.
        total_steps: T.
        config: Peak, final rate and length of the warm-up W.

    Returns:
        Adam's learning rate at this step.

    Source:
        Loshchilov & Hutter, SGDR, ICLR 2017, arXiv:1608.03983, equation 5.

    Example:
        >>> learning_rate(100, 1000, TrainingConfig(learning_rate=1e-3, warmup_steps=200))
        0.0005
    """
    warmup = min(config.warmup_steps, total_steps)
    if step <= warmup:
        return config.learning_rate * step / warmup
    progress = (step - warmup) / max(1, total_steps - warmup)
    drop = config.learning_rate - config.final_learning_rate
    return config.final_learning_rate + drop * 0.5 * (1 + math.cos(math.pi * progress))


def _seeded(seed: int, stream: int, index: int, device: torch.device) -> torch.Generator:
    """A generator that depends on these three numbers alone."""
    mixed = np.random.SeedSequence((seed, stream, index)).generate_state(2, np.uint32)
    return torch.Generator(device).manual_seed(int(mixed[0]) << 31 | int(mixed[1]) >> 1)


class Training:
    """A model being trained, with everything a resume needs.

    Args:
        model: Built from `config.model`; moved to `device`.
        config: The run.
        train_images: x in [0, 1], float32, shape (N, C, H, W); an array is copied, a tensor shared.
        test_images: Likewise; scored after every epoch.
        device: "cpu" or "cuda".

    Raises:
        ValueError: If the batch is larger than the training set, or there are more cycles of
            the weight than steps.

    Example:
        >>> import numpy as np
        >>> from models.presets import preset
        >>> from models.families.registry import build_model
        >>> config = preset("digits-2d")
        >>> images = np.zeros((64, 1, 8, 8), np.float32)
        >>> training = Training(build_model(config.model), config, images, images)
        >>> training.total_steps
        200
    """

    def __init__(
        self,
        model: nn.Module,
        config: RunConfig,
        train_images: np.ndarray | Tensor,
        test_images: np.ndarray | Tensor,
        device: str = "cpu",
    ) -> None:
        settings = config.training
        self.total_steps = config.total_steps(len(train_images))
        self.config = config
        self.device = torch.device(device)
        self.train_images = _tensor(train_images, self.device)
        self.test_images = _tensor(test_images, self.device)
        model.start_at(self.train_images.mean(0).cpu())
        self.model = model.to(self.device)
        self.optimizer = Adam(model.parameters(), settings.learning_rate)
        self.steps_per_epoch = len(train_images) // settings.batch_size
        self.step = 0
        self._sums = torch.zeros(2, dtype=torch.float64, device=self.device)
        self.follow([])

    def follow(self, changes: Sequence[Change]) -> None:
        """Settings change while it runs: each from the update after its step on.

        Raises:
            ValueError: If a change is not lawful for this run.
        """
        self._in_force = active_settings(self.config, changes)

    @property
    def now(self) -> ActiveSettings:
        """The settings of the update that was begun last."""
        return next(each for each in reversed(self._in_force) if each.step < max(1, self.step))

    def events(self) -> Iterator[Progress | EpochEnd]:
        """Trains to the end, yielding as it goes; stop iterating to pause.

        Raises:
            TrainingDivergedError: At the first step whose distortion or rate is not finite.
        """
        while self.step < self.total_steps:
            yield from self._epoch(self.step // self.steps_per_epoch)

    def _epoch(self, epoch: int) -> Iterator[Progress | EpochEnd]:
        seed, batch_size = self.config.training.seed, self.config.training.batch_size
        start = time.perf_counter()
        order = torch.randperm(
            len(self.train_images),
            generator=_seeded(seed, _ORDER, epoch, self.device),
            device=self.device,
        )
        self.model.train()
        recent: list[Tensor] = []
        done = self.step - epoch * self.steps_per_epoch
        for batch in range(done, self.steps_per_epoch):
            chosen = order[batch * batch_size : (batch + 1) * batch_size]
            recent.append(self._step(chosen))
            if len(recent) == CHECK_EVERY and batch + 1 < self.steps_per_epoch:
                yield self._check(epoch, torch.stack(recent))
                recent.clear()
        if recent:
            self._check(epoch, torch.stack(recent))
        yield self._end(epoch, time.perf_counter() - start)

    def _step(self, chosen: Tensor) -> Tensor:
        """One update of the weights by the chosen images; returns (D, R), not yet looked at."""
        self.step += 1
        images = self.train_images[chosen]
        self.optimizer.rate = learning_rate(self.step, self.total_steps, self.now.training)
        generator = _seeded(self.config.training.seed, _NOISE, self.step, self.device)
        rows = self.model.draws * len(images)
        noise = torch.randn(rows, self.model.latent_dim, generator=generator, device=self.device)
        if self.config.training.binarize:
            images = torch.bernoulli(images, generator=generator)
        model, images, *weights = self.model.draw(images, generator)
        with self._autocast():
            terms = elbo_terms(model, images, noise)
        objective = self.now.objective
        weight = self._weight()
        target = capacity(self.step, objective)
        distortion, rate = weights[0] * terms.distortion, weights[1] * terms.rate
        loss = beta_loss(distortion, rate, weight, objective.free_bits, target)
        self.optimizer.zero_grad()
        loss.sum().backward()  # one number, or one for each model of a stack
        self.optimizer.step()
        return _means(terms)

    def _weight(self) -> float | Tensor:
        """The weight of the rate at this step."""
        return kl_weight(self.step, self.total_steps, self.now.objective)

    def _autocast(self) -> contextlib.AbstractContextManager:
        if self.config.training.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _check(self, epoch: int, recent: Tensor) -> Progress:
        """Looks at the last steps' terms, shape (K, 2): adds them up, or names the bad one."""
        finite = recent.isfinite()
        if not finite.all():
            row = int((~finite.all(1)).nonzero()[0])
            term = "distortion" if not finite[row, 0] else "rate"
            value = recent[row, 0 if term == "distortion" else 1].item()
            raise self._diverged(term, value, self.step - len(recent) + row + 1)
        self._sums += recent.double().sum(0)
        distortion, rate = recent.mean(0).tolist()
        return Progress(epoch, self.step, self.total_steps, distortion, rate)

    def _diverged(self, term: str, value: float, step: int) -> TrainingDivergedError:
        return TrainingDivergedError(
            f"every term of the loss must stay finite, but the {term} became {value} at step "
            f"{step} of {self.total_steps}: lower the learning rate or lengthen the warm-up"
        )

    def _end(self, epoch: int, seconds: float) -> EpochEnd:
        train_distortion, train_rate = (self._sums / self.steps_per_epoch).tolist()
        self._sums.zero_()
        scores = elbo(self.model, self.test_images, seed=self.config.training.seed)
        test_distortion = scores.distortion.mean().item()
        test_rate = scores.rate.sum(1).mean().item()
        for term, value in (("test distortion", test_distortion), ("test rate", test_rate)):
            if not math.isfinite(value):
                raise self._diverged(term, value, self.step)
        return EpochEnd(
            epoch=epoch,
            step=self.step,
            seconds=seconds,
            learning_rate=learning_rate(self.step, self.total_steps, self.now.training),
            kl_weight=kl_weight(self.step, self.total_steps, self.now.objective),
            train_distortion=train_distortion,
            train_rate=train_rate,
            test_distortion=test_distortion,
            test_rate=test_rate,
            test_kl_per_dimension=scores.rate.double().mean(0).tolist(),
        )

    def state(self) -> dict[str, Tensor]:
        """Every tensor a resume needs, by name; valid between two events.

        Raises:
            TrainingDivergedError: If one is not finite.
        """
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self._moments(parameter).items():
                tensors[f"adam.{key}.{name}"] = value
        tensors["step"] = torch.tensor([self.step])
        tensors["sums"] = self._sums
        for name, value in tensors.items():
            if not value.isfinite().all():
                raise self._diverged(name, value[~value.isfinite()][0].item(), self.step)
        return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}

    def _moments(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """Adam's state of one parameter, with zeros where no step has been made yet."""
        zero = torch.zeros_like(parameter)
        start = {"exp_avg": zero, "exp_avg_sq": zero, "step": torch.zeros(1)}
        state = self.optimizer.state.get(parameter, start)
        return {key: state[key].reshape(start[key].shape) for key in start}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Continues from `state()`.

        Raises:
            ValueError: If a tensor is missing, unknown or of another shape.
        """
        expected = {name: tuple(value.shape) for name, value in self.state().items()}
        given = {name: tuple(value.shape) for name, value in tensors.items()}
        wrong = sorted(set(expected.items()) ^ set(given.items()))
        if wrong:
            raise ValueError(
                f"the training state must hold the tensors of this run, but {wrong[0][0]!r} "
                "does not fit: start the run anew"
            )
        step = int(tensors["step"])
        if not 0 <= step <= self.total_steps:
            raise ValueError(f"the step must be 0 to {self.total_steps}, got {step}")
        self.model.load_state_dict(
            {name[6:]: value for name, value in tensors.items() if name.startswith("model.")}
        )
        for name, parameter in self.model.named_parameters():
            self.optimizer.state[parameter] = {
                key: tensors[f"adam.{key}.{name}"].clone().to(self.device)
                for key in ("exp_avg", "exp_avg_sq")
            } | {"step": tensors[f"adam.step.{name}"].clone().reshape(()).to(self.device)}
        self._sums = tensors["sums"].clone().to(self.device)
        self.step = step


def _means(terms: Terms) -> Tensor:
    """(D, R) of a batch, detached, shape (2,)."""
    return torch.stack([terms.distortion.mean(-1), terms.rate.sum(-1).mean(-1)], -1).detach()


def _tensor(images: np.ndarray | Tensor, device: torch.device) -> Tensor:
    """An array is copied, for it may be read-only; a tensor is shared."""
    return images.to(device) if isinstance(images, Tensor) else torch.tensor(images, device=device)
