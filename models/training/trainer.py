"""Training: one loop over data in memory that yields events and can stop and resume anywhere.

It trains whatever answers as `models.objectives.trainable.Trainable`, with one player or more.

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

import numpy as np
import torch
from torch import Tensor, nn

from models.config import RunConfig
from models.data.byte_images import ByteImages
from models.objectives.schedules import StepObjective, kl_weight, objective_at
from models.objectives.trainable import Batch, Trainable
from models.training.control import ActiveSettings, Change, active_settings
from models.training.events import EpochEnd, StepsDone, TrainingDivergedError
from models.training.image_store import to_device
from models.training.linear_start import start_linear
from models.training.optimizer import Adam, learning_rate, optimizers_for

CHECK_EVERY = 20
"""Steps between two looks at the losses: events, finite check and a chance to stop."""

_ORDER, _NOISE = 0, 1
_LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def _seeded(seed: int, stream: int, index: int, device: torch.device) -> torch.Generator:
    """A generator that depends on these three numbers alone."""
    mixed = np.random.SeedSequence((seed, stream, index)).generate_state(2, np.uint32)
    return torch.Generator(device).manual_seed(int(mixed[0]) << 31 | int(mixed[1]) >> 1)


class Training:
    """A model being trained, with everything a resume needs.

    Args:
        model: A `Trainable` module; moved to `device`.
        config: The run.
        train_images: x in [0, 1], float32, shape (N, C, H, W); an array is copied, a tensor shared,
            those of a large set stay as they are stored.
        test_images: Likewise; scored after every epoch.
        device: "cpu", "cuda" or "mps".

    Raises:
        ValueError: If the batch is larger than the training set, or there are more cycles of
            the weight than steps, or a parameter belongs to two players.

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
        model: Trainable,
        config: RunConfig,
        train_images: np.ndarray | Tensor | ByteImages,
        test_images: np.ndarray | Tensor,
        device: str = "cpu",
    ) -> None:
        settings = config.training
        self.total_steps = config.total_steps(len(train_images))
        self.config = config
        self.device = torch.device(device)
        self.train_images = to_device(train_images, self.device)
        self.test_images = to_device(test_images, self.device)
        model.start_at(self.train_images)
        if settings.start == "linear":
            start_linear(model, self.train_images)
        self.model = model.to(self.device, memory_format=_LAYOUTS[settings.layout])
        self.optimizers = optimizers_for(model.players(), settings.learning_rate)
        self.steps_per_epoch = len(train_images) // settings.batch_size
        self.step = 0
        self._sums = torch.zeros(len(model.terms), dtype=torch.float64)  # where float64 is
        self.follow([])

    def follow(self, changes: Sequence[Change]) -> None:
        """Changes settings while it runs: each from the update after its step on.

        Raises:
            ValueError: If a change is not valid for this run.
        """
        self._in_force = active_settings(self.config, changes)

    @property
    def now(self) -> ActiveSettings:
        """The settings of the update that was begun last."""
        return next(each for each in reversed(self._in_force) if each.step < max(1, self.step))

    def events(self) -> Iterator[StepsDone | EpochEnd]:
        """Trains to the end, yielding as it goes; stop iterating to pause.

        Raises:
            TrainingDivergedError: At the first step with a term, or the first epoch with a score,
                that is not finite.
        """
        while self.step < self.total_steps:
            yield from self._epoch(self.step // self.steps_per_epoch)

    def _epoch(self, epoch: int) -> Iterator[StepsDone | EpochEnd]:
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

    def rehearse(self) -> None:
        """Makes an update on the first images, as an epoch would: to measure how long it takes."""
        self._step(torch.arange(self.config.training.batch_size, device=self.device))

    def _step(self, chosen: Tensor) -> Tensor:
        """Lets every player take its turn on these images; returns the terms, not yet checked."""
        self.step += 1
        batch = self._batch(chosen)
        rate = learning_rate(self.step, self.total_steps, self.now.training)
        terms: dict[str, Tensor] = {}
        for player, optimizer in self.optimizers.items():
            with self._autocast():
                loss, reported = self.model.losses(player, batch)
            optimizer.rate = rate
            optimizer.zero_grad()
            loss.sum().backward()  # one number, or one for each model of a stack
            optimizer.step()
            terms |= reported
        return torch.stack([terms[name] for name in self.model.terms], -1)

    def _batch(self, chosen: Tensor) -> Batch:
        """Draws what this step is made of, always in the same order, so that it repeats."""
        images = self.train_images[chosen]
        generator = _seeded(self.config.training.seed, _NOISE, self.step, self.device)
        noise = self.model.noise(len(images), generator)
        if self.config.training.binarize:
            images = torch.bernoulli(images, generator=generator)
        return Batch(images, noise, generator, self._objective())

    def _objective(self) -> StepObjective:
        """What this step asks of the rate."""
        return objective_at(self.step, self.total_steps, self.now.objective)

    def _autocast(self) -> contextlib.AbstractContextManager:
        if self.config.training.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _check(self, epoch: int, recent: Tensor) -> StepsDone:
        """Adds up the terms of the last K steps, shape (K, terms), or names one not finite."""
        recent = recent.cpu()
        bad = (~recent.isfinite()).nonzero()
        if len(bad):
            row, column = bad[0].tolist()
            step = self.step - len(recent) + row + 1
            raise self._diverged(self.model.terms[column], recent[row, column].item(), step)
        self._sums += recent.double().sum(0)
        return StepsDone(epoch, self.step, self.total_steps, self._by_name(recent.mean(0)))

    def _by_name(self, terms: Tensor) -> dict[str, float]:
        return dict(zip(self.model.terms, terms.tolist(), strict=True))

    def _diverged(self, term: str, value: float, step: int) -> TrainingDivergedError:
        return TrainingDivergedError(
            f"every term of the loss must stay finite, but the {term} became {value} at step "
            f"{step} of {self.total_steps}: {self.model.remedy}"
        )

    def _end(self, epoch: int, seconds: float) -> EpochEnd:
        train = self._by_name(self._sums / self.steps_per_epoch)
        self._sums.zero_()
        test = self.model.score(self.test_images, self.config.training.seed)
        for name, value in test.items():
            for number in value if isinstance(value, list) else [value]:
                if not math.isfinite(number):
                    raise self._diverged(f"test {name}", number, self.step)
        return EpochEnd(
            epoch=epoch,
            step=self.step,
            seconds=seconds,
            learning_rate=learning_rate(self.step, self.total_steps, self.now.training),
            kl_weight=kl_weight(self.step, self.total_steps, self.now.objective),
            train=train,
            test=test,
        )

    def state(self) -> dict[str, Tensor]:
        """Returns every tensor a resume needs, by name; valid between two events.

        Raises:
            TrainingDivergedError: If one is not finite.
        """
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for name, parameter, optimizer in self._parameters():
            for key, value in optimizer.moments(parameter).items():
                tensors[f"adam.{key}.{name}"] = value
        tensors["step"] = torch.tensor([self.step])
        tensors["sums"] = self._sums
        for name, value in tensors.items():
            if not value.isfinite().all():
                raise self._diverged(name, value[~value.isfinite()][0].item(), self.step)
        return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter, Adam]]:
        """Every parameter that a player moves, with its name and its optimiser."""
        names = {parameter: name for name, parameter in self.model.named_parameters()}
        for optimizer in self.optimizers.values():
            for parameter in optimizer.parameters:
                yield names[parameter], parameter, optimizer

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
                "does not fit: start a new run"
            )
        step = int(tensors["step"])
        if not 0 <= step <= self.total_steps:
            raise ValueError(f"the step must be 0 to {self.total_steps}, got {step}")
        self.model.load_state_dict(
            {name[6:]: value for name, value in tensors.items() if name.startswith("model.")}
        )
        for name, parameter, optimizer in self._parameters():
            keys = ("exp_avg", "exp_avg_sq", "step")
            optimizer.restore(parameter, {key: tensors[f"adam.{key}.{name}"] for key in keys})
        self._sums = tensors["sums"].clone()
        self.step = step
