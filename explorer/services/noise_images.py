"""A model that makes images from noise, at work: one image noised, and noise turned into images.

Turning noise into images may take long. It is done in a thread of its own, a few evaluations of the
network at a time, so that no page waits for it, it can be cancelled, and its progress can be shown;
what is made is kept for all sessions.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from explorer.services.loaded_model import LoadedModel

PIXELS = 16_384
"""At most so many at once: an evaluation then takes little time, and progress is seen."""
KEPT = 40
"""Results that are kept."""

_worker = ThreadPoolExecutor(1, "noise")
_lock = threading.Lock()
_made: OrderedDict[tuple, Making] = OrderedDict()


class Noised(NamedTuple):
    """An image on the scale from -1 to 1 at one t, each of shape (C, H, W), and the mean squared
    error of ε̂ per number.

    Attributes:
        noise: ε.
        noisy: x_t.
        guess: ε̂.
        clean: x̂_0.
        image_share: √ᾱ_t.
        noise_share: √(1 - ᾱ_t).
        error: ‖ε - ε̂‖² / d.
    """

    noise: np.ndarray
    noisy: np.ndarray
    guess: np.ndarray
    clean: np.ndarray
    image_share: float
    noise_share: float
    error: float


def noised(model: LoadedModel, image: np.ndarray, noise: np.ndarray, time_step: int) -> Noised:
    """Adds noise to an image and asks the model for it.

    Args:
        model: Of a family that makes images from noise.
        image: In [0, 1], shape (C, H, W).
        noise: ε, of the same shape.
        time_step: t, 0 (the image itself) to T.
    """
    import torch

    from models.objectives.denoising import add_noise, alpha_bars, guess_clean

    share = float(alpha_bars(model.network.noise_steps)[time_step])
    clean, epsilon = torch.as_tensor(2 * image - 1)[None], torch.as_tensor(noise)[None]
    noisy = add_noise(clean, epsilon, share)
    with torch.inference_mode():
        guess = model.network.guess_at(noisy, time_step)
    found = guess_clean(noisy, guess, share)
    error = (guess - epsilon).square().mean().item()
    arrays = (each[0].numpy() for each in (epsilon, noisy, guess, found))
    return Noised(*arrays, share**0.5, (1 - share) ** 0.5, error)


class Making:
    """Noise on its way to images, followed from other threads.

    Attributes:
        share: Of the evaluations that are done.
        images: Once it is done: in [0, 1], shape (N, C, H, W); before, None.
        seconds: Once it is done: those of the wall clock.
        moments: Once it is done: t of every evaluation that `noisy` and `clean` show.
        noisy: x_t there, from -1 to 1, shape (M, N, C, H, W).
        clean: x̂_0 there.
        problem: Why it failed; empty if it did not.
    """

    def __init__(self) -> None:
        self.share = 0.0
        self.images: np.ndarray | None = None
        self.seconds = 0.0
        self.moments: list[int] = []
        self.noisy = self.clean = np.empty(0)
        self.problem = ""
        self._is_cancelled = False
        self._end = threading.Event()

    def cancel(self) -> None:
        """Has it end after the evaluation that is under way."""
        self._is_cancelled = True

    def wait(self, seconds: float) -> bool:
        """Waits until it has ended, but no longer than this; returns whether it has."""
        return self._end.wait(seconds)

    def run(self, network: object, noise: np.ndarray, steps: int, shown: Sequence[int]) -> None:
        """Does the work; see `make`."""
        try:
            self._run(network, noise, steps, shown)
        except Exception as error:  # it is shown where the images would be
            self.problem = str(error) or type(error).__name__
        finally:
            self._end.set()

    def _run(self, network: object, noise: np.ndarray, steps: int, shown: Sequence[int]) -> None:
        import torch

        from models.families.ddpm import BEST
        from models.objectives.denoising import step_times

        torch.set_num_threads(1)
        times = step_times(network.noise_steps, steps)
        size = max(1, PIXELS // noise[0, 0].size)
        parts, began = torch.as_tensor(noise).split(size), time.perf_counter()
        ends, seen = [], []
        for part in parts:
            moments = []
            for number, moment in enumerate(network.path(part, times, BEST)):
                if self._is_cancelled:
                    return
                self.share += 1 / (len(parts) * len(times))
                if number in shown:
                    moments.append(moment)
            ends.append(((moment.clean + 1) / 2).clamp(0, 1))
            seen.append(moments)
        self.moments = [moment.time for moment in seen[0]]
        for name in ("noisy", "clean"):
            rows = [torch.stack([getattr(m, name) for m in part]) for part in seen if part]
            setattr(self, name, torch.cat(rows, 1).numpy() if rows else np.empty(0))
        self.seconds = time.perf_counter() - began
        self.images = torch.cat(ends).numpy()


def make(model: LoadedModel, noise: np.ndarray, steps: int, shown: Sequence[int] = ()) -> Making:
    """Has noise turned into images, unless it is under way or done already.

    Args:
        model: Of a family that makes images from noise.
        noise: x_T, shape (N, C, H, W), float32.
        steps: Evaluations of the network for each image, 1 to T.
        shown: Which evaluations are kept to be looked at, counted from 0; `steps` is the end.
    """
    key = (model.key, noise.tobytes(), noise.shape, steps, tuple(shown))
    with _lock:
        making = _made.get(key)
        if making is None:
            making = _made[key] = Making()
            _worker.submit(making.run, model.network, noise, steps, shown)
        _made.move_to_end(key)
        while len(_made) > KEPT:
            _made.popitem(last=False)[1].cancel()
    return making


def forget(making: Making) -> None:
    """Ends one, so that it starts from the beginning when it is next asked for."""
    making.cancel()
    with _lock:
        for key in [key for key, each in _made.items() if each is making]:
            del _made[key]
