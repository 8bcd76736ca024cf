"""A stranger's trained PyTorch VAE as a model of this project: two functions in a Python file.

    encode(images) → (mean, log_variance)   images (N, C, H, W) float32 in [0, 1]; both (N, Z)
    decode(z)      → images                 z (N, Z) float32; images (N, C, H, W) in [0, 1]

The file may also define

    data            a name for `models.data.load`, or a path from the working folder or from the
                    file's own; the test split is taken; or
    images          an array or tensor (N, C, H, W) or (N, H, W), float in [0, 1] or uint8,
    labels          with whole numbers or texts (N,), and
    class_names     their names
    likelihood      "gaussian-optimal" (default), "bernoulli", or "gaussian" with
    sigma           its standard deviation
    beta            the weight of the rate in its training (default 1)
    title           a label (default: the file's name)
    device          where encode and decode want their tensors (default "cpu")
    decoder         the nn.Module behind decode, or a function that returns it

This is the one place where a user's code runs: `python -m explorer --adapter FILE` is typed by
the user on their own command line. No screen, link or file can name an adapter.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import checkpoint
from models.autoencoder import ImageModel
from models.checkpoint import Card
from models.config import (
    MIN_SIGMA,
    ModelConfig,
    ObjectiveConfig,
    RunConfig,
    TrainingConfig,
)
from models.data import DATA_SETS, load
from models.distributions import reparameterize
from models.export import grid_layer, module_layers, nearest_layer, run_layers
from models.imageset import MAX_BYTES, MIN_IMAGES, ImageSet, clean_name
from models.latents import MAX_CODES, Codes
from models.metrics.likelihood import summarize
from models.metrics.reconstruction import squared_error
from models.npz import read_labels
from models.objectives import Terms, elbo_terms

LIKELIHOODS = ("gaussian-optimal", "bernoulli", "gaussian")
MAX_LATENTS = 256
MAX_LOG_VARIANCE = 80.0
TOLERANCE = 1e-3
"""How far a decoded pixel may leave [0, 1]."""
ROWS = 256
"""Images or codes that the user's functions see at once."""
EXACT = 1e-4
"""How near the browser's layers must come to the decoder to count as the decoder itself."""
MAX_NUMBERS = 2**21
"""Of decoded images that the browser is given where it cannot decode."""
REACH = 4.0
"""Standard deviations of the prior that a decoded grid covers at least."""
MOST_GRID = {1: 513, 2: 65}
"""Most grid points along a latent, by the number of latents."""
EPS = 1e-6
"""How near to 0 and 1 a decoded probability may come before it is scored."""

_MODULE = "latent_adapter"
"""The name under which the user's file runs."""

Progress = Callable[[str, float], None]


class AdapterError(ValueError):
    """An adapter that cannot be used; the message is one sentence for its author."""


class Adapted(ImageModel):
    """A stranger's model, answering what this project asks of its own.

    Args:
        functions: What the adapter's file defines; `encode` and `decode` are used.
        config: Image shape, latent dimension and likelihood.
        device: Where the two functions want their tensors.

    Raises:
        AdapterError: From every method, if one of the functions fails or answers with the wrong
            type, shape or range.

    Example:
        >>> functions = {"encode": lambda x: (x[:, 0, 0, :2], 0 * x[:, 0, 0, :2]),
        ...              "decode": lambda z: torch.full((len(z), 1, 8, 8), 0.5)}
        >>> model = Adapted(functions, ModelConfig(image_shape=(1, 8, 8)))
        >>> tuple(model.encode(torch.zeros(3, 1, 8, 8))[0].shape)
        (3, 2)
    """

    def __init__(self, functions: Mapping[str, Any], config: ModelConfig, device: str = "cpu"):
        super().__init__(config)
        self.browser_layers: tuple[list, list] = ([], [])
        self._functions, self._device = functions, device
        self._lock = threading.Lock()
        self.eval()

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), each of shape (B, Z)."""
        parts = [check_codes(self._ask("encode", x), len(x)) for x in images.split(ROWS)]
        means, log_variances = zip(*parts, strict=True)
        mean = torch.cat(means)
        if mean.shape[1] != self.latent_dim:
            raise AdapterError(
                f"encode must give {self.latent_dim} latents each time, got {mean.shape[1]}"
            )
        return mean, torch.cat(log_variances)

    def decode(self, z: Tensor) -> Tensor:
        """The mean image E[x|z] of every code, shape (B, C, H, W)."""
        shape = self.config.image_shape
        return torch.cat(
            [check_images(self._ask("decode", part), len(part), shape) for part in z.split(ROWS)]
        )

    def _output(self, z: Tensor) -> Tensor:
        """What the likelihood reads: log-odds of a probability kept off 0 and 1, or the mean."""
        images = self.decode(z)
        if self.config.likelihood != "bernoulli":
            return images
        return torch.logit(images.double(), eps=EPS).float()

    def _ask(self, name: str, given: Tensor) -> Any:
        """What the user's function answers; one question at a time, as it may not expect more."""
        with self._lock, torch.no_grad():
            try:
                return self._functions[name](given.float().to(self._device))
            except Exception as error:  # a stranger's code may fail in any way
                raise AdapterError(f"{name} must not fail, but it did: {_told(error)}") from error


def check_codes(answer: Any, count: int) -> tuple[Tensor, Tensor]:
    """What `encode` answered for `count` images, as float32 on the CPU.

    Raises:
        AdapterError: Unless it is two finite tensors (count, Z), Z at most 256.

    Example:
        >>> check_codes((torch.zeros(3, 2), torch.zeros(3)), 3)
        Traceback (most recent call last):
        models.adapter.AdapterError: log_variance must have shape (3, Z), one row an image, got (3,)
    """
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise AdapterError(f"encode must return mean and log_variance, got {_kind(answer)}")
    parts = []
    for name, part in zip(("mean", "log_variance"), answer, strict=True):
        if not isinstance(part, Tensor):
            raise AdapterError(f"{name} must be a torch tensor, got {_kind(part)}")
        if part.ndim != 2 or len(part) != count or part.shape[1] < 1:
            raise AdapterError(
                f"{name} must have shape ({count}, Z), one row an image, got {tuple(part.shape)}"
            )
        part = part.detach().float().cpu()
        if not part.isfinite().all():
            raise AdapterError(f"{name} must be finite, got NaN or infinity from encode")
        parts.append(part)
    mean, log_variance = parts
    if mean.shape != log_variance.shape:
        raise AdapterError(
            "mean and log_variance must have the same shape, "
            f"got {tuple(mean.shape)} and {tuple(log_variance.shape)}"
        )
    if mean.shape[1] > MAX_LATENTS:
        raise AdapterError(f"there must be at most {MAX_LATENTS} latents, got {mean.shape[1]}")
    if log_variance.abs().max() > MAX_LOG_VARIANCE:
        raise AdapterError(
            f"log_variance must lie within ±{MAX_LOG_VARIANCE:g}, "
            f"got {_largest(log_variance):.4g}: return ln σ², not σ² or σ"
        )
    return mean, log_variance


def check_images(answer: Any, count: int, shape: tuple[int, ...]) -> Tensor:
    """What `decode` answered for `count` codes, as float32 on the CPU.

    Raises:
        AdapterError: Unless it is a finite tensor (count, *shape) in [0, 1].

    Example:
        >>> check_images(torch.full((2, 1, 8, 8), 3.0), 2, (1, 8, 8))
        Traceback (most recent call last):
        models.adapter.AdapterError: decode must give images in [0, 1], got 3 to 3: end it with \
a sigmoid, or clamp it
    """
    if not isinstance(answer, Tensor):
        raise AdapterError(f"decode must return a torch tensor, got {_kind(answer)}")
    expected = (count, *shape)
    if tuple(answer.shape) != expected:
        raise AdapterError(
            f"decode must give images of shape {expected} for {count} codes, "
            f"got {tuple(answer.shape)}: reshape them"
        )
    images = answer.detach().float().cpu()
    if not images.isfinite().all():
        raise AdapterError("decode must give finite images, got NaN or infinity")
    low, high = images.min().item(), images.max().item()
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise AdapterError(
            f"decode must give images in [0, 1], got {low:.4g} to {high:.4g}: "
            "end it with a sigmoid, or clamp it"
        )
    return images


def _largest(values: Tensor) -> float:
    """The value of largest size, with its sign."""
    flat = values.flatten()
    return flat[flat.abs().argmax()].item()


def _kind(value: Any) -> str:
    """What a stranger's value is, in a word or two."""
    if isinstance(value, (tuple, list)):
        return f"{len(value)} values"
    return "nothing" if value is None else type(value).__name__


def _told(error: BaseException) -> str:
    """A stranger's exception on one line, with the line of the file it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if f.filename != __file__ and "<" not in f.filename]
    folder = Path(getattr(sys.modules.get(_MODULE), "__file__", "")).parent
    line = next((f for f in reversed(theirs) if Path(f.filename).parent == folder), None)
    line = line or (theirs[-1] if theirs else None)
    where = f" ({Path(line.filename).name}, line {line.lineno})" if line else ""
    return f"{type(error).__name__}: {clean_name(error, 'no message')}{where}"


# --- reading the file ----------------------------------------------------------------------------


def read_adapter(path: str | Path) -> dict[str, Any]:
    """Runs the user's file, as `python FILE` would, and returns what it defines.

    Raises:
        AdapterError: If there is no such file, it fails, or it lacks one of the two functions.

    Example:
        >>> read_adapter("nowhere")
        Traceback (most recent call last):
        models.adapter.AdapterError: the adapter must be a Python file, got 'nowhere', \
which is none
    """
    path = Path(path)
    if not path.is_file() or path.suffix != ".py":
        raise AdapterError(
            f"the adapter must be a Python file, got {clean_name(path.name)!r}, which is none"
        )
    sys.path.insert(0, str(path.resolve().parent))  # its own imports, as beside a script
    defined = vars(_run_file(path))
    for name in ("encode", "decode"):
        if not callable(defined.get(name)):
            raise AdapterError(
                f"the adapter must define encode(images) and decode(z), but {name} is "
                f"{'no function' if name in defined else 'missing'}"
            )
    return defined


def _run_file(path: Path) -> ModuleType:
    """The file as a module of its own name."""
    spec = importlib.util.spec_from_file_location(_MODULE, path.resolve())
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sentence = f"the adapter must run to its end, but it stopped: {_told(error)}"
        raise AdapterError(sentence) from error
    return module


def read_images(
    defined: Mapping[str, Any], name: str, data: str | None = None, data_dir: Any = None
) -> ImageSet:
    """The test images of an adapter.

    Args:
        defined: What its file defines.
        name: Of the data, where the file gives arrays.
        data: A name or path that goes before what the file says.
        data_dir: See `models.data.load`.

    Raises:
        AdapterError: If there are none.
        DataError: If they cannot be used, in one sentence.

    Example:
        >>> len(read_images({"data": "digits"}, ""))
        500
    """
    given = next((found for found in (data, defined.get("data"), defined.get("images"))
                  if found is not None), None)  # fmt: skip
    if given is None:
        raise AdapterError(
            "there must be images to show: define data or images in the adapter, or give --data"
        )
    if isinstance(given, (str, Path)):
        return load(given if data else _beside(defined, given), "test", data_dir)
    images, notes = _pixels(given)
    labels, names = (_array(key, defined.get(key)) for key in ("labels", "class_names"))
    if labels is None:
        return ImageSet(images, None, (), "test", name, notes)
    classes = read_labels(labels, names, len(images))
    return ImageSet(images, *classes, "test", name, notes)


def _beside(defined: Mapping[str, Any], given: str | Path) -> str | Path:
    """The path as the adapter means it: from the working folder, else from its own."""
    path = Path(str(defined.get("__file__", ""))).parent / given
    return path if path.exists() and not Path(given).exists() and given not in DATA_SETS else given


def _pixels(given: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """A stranger's images as float32 (N, C, H, W), and what was converted."""
    images, notes = _array("images", given), ()
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or images.dtype.kind not in "fu":
        raise AdapterError(
            "images must be float or uint8 of shape (N, C, H, W) or (N, H, W), "
            f"got {images.dtype} {images.shape}"
        )
    if len(images) < MIN_IMAGES:
        raise AdapterError(f"there must be at least {MIN_IMAGES} images, got {len(images)}")
    if images.nbytes > MAX_BYTES:
        raise AdapterError(
            f"images must take at most {MAX_BYTES >> 20} MiB, got {images.nbytes >> 20}: "
            "give fewer of them"
        )
    if images.dtype == np.uint8:
        return images.astype(np.float32) / 255, ("grey levels 0 to 255 were divided by 255",)
    return images.astype(np.float32), notes


def _array(name: str, given: Any) -> np.ndarray | None:
    """A stranger's tensor, array or list as an array."""
    if given is None:
        return None
    try:
        array = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
    except Exception as error:
        raise AdapterError(f"{name} must be an array, got {_kind(given)}") from error
    if array.dtype.kind == "O":
        raise AdapterError(f"{name} must be an array of numbers or texts, got objects")
    return array


# --- measuring -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """A stranger's model, measured on its images: all that the screens ask for.

    Attributes:
        model: Answers as a model of the project.
        card: With its scores, nats per image.
        codes: Of the images.
        images: The test images.
        notes: What was assumed or looks like a mistake, without full stops; perhaps none.
        decoding: How the browser decodes; empty if exactly as the model does.

    Example:
        >>> functions = {"data": "digits", "encode": lambda x: (x[:, 0, 3, 2:4], x[:, 0, 0, :2]),
        ...              "decode": lambda z: torch.full((len(z), 1, 8, 8), 0.5)}
        >>> opened = open_model(functions, "grey")
        >>> opened.card.metrics["images"], opened.card.config.model.latent_dim
        (500, 2)
    """

    model: Adapted
    card: Card
    codes: Codes
    images: ImageSet
    notes: tuple[str, ...]
    decoding: str

    def write(self, path: str | Path) -> None:
        """Writes card and codes as a checkpoint, without the model.

        A fingerprint of what the browser decodes with stands for the weights, so that another
        decoder makes another file.
        """
        digest = hashlib.sha256(repr(self.model.browser_layers[0]).encode())
        for array in self.model.browser_layers[1]:
            digest.update(np.ascontiguousarray(array))
        levels = np.frombuffer(digest.digest(), np.uint8).astype(np.float32)
        checkpoint.write(path, self.card, {"decoder_digest": levels}, self.codes)


def open_model(
    defined: Mapping[str, Any],
    title: str,
    data: str | None = None,
    data_dir: Any = None,
    progress: Progress | None = None,
) -> Opened:
    """Checks a stranger's model and measures it on its images.

    Args:
        defined: What `read_adapter` returns.
        title: A label, where the adapter has none.
        data: A name or path of data that goes before what the adapter says.
        data_dir: See `models.data.load`.
        progress: Told what is being done, and the share of it that is done.

    Raises:
        AdapterError: One sentence on what is wrong with the adapter.
        DataError: One sentence on what is wrong with its images.

    Example:
        >>> blind = {"data": "digits", "encode": lambda x: (x[:, 0, 0, :3],) * 2,
        ...          "decode": lambda z: torch.zeros(len(z), 1, 8, 8), "likelihood": "bernoulli"}
        >>> open_model(blind, "blind").model.config.likelihood
        'bernoulli'
    """
    progress = progress or (lambda _what, _share: None)
    title = clean_name(defined.get("title") or title)
    images = read_images(defined, f"images of {title}", data, data_dir)
    x = torch.tensor(images.images)
    config = _model_config(defined, x)
    model = Adapted(defined, config, _device(defined))
    _check_steady(model, x[:8])
    if config.likelihood == "gaussian-optimal":
        config = replace(config, sigma=_best_sigma(model, x, progress))
        model = Adapted(defined, config, _device(defined))
    terms = Terms(*map(torch.cat, zip(*_score(model, x, progress), strict=True)))
    codes = _codes(terms, images)
    model.browser_layers, decoding = _browser_layers(model, defined, codes)
    error = squared_error(model, x).mean().item()
    card = Card(
        config=_run_config(defined, config, images, data),
        title=title,
        data_name=images.name,
        data_fingerprint=images.fingerprint,
        class_names=images.class_names,
        metrics=summarize(terms) | {"squared_error_per_pixel": error},
        torch=torch.__version__,
    )
    return Opened(model, card, codes, images, _notes(defined, card, terms, images), decoding)


def _device(defined: Mapping[str, Any]) -> str:
    """The device that the adapter asks for."""
    device = str(defined.get("device", "cpu"))
    try:
        torch.zeros(1, device=device).cpu()
    except Exception as error:
        raise AdapterError(
            f"device must be one that torch has here, like cpu, got {clean_name(device)!r}"
        ) from error
    return device


def _model_config(defined: Mapping[str, Any], x: Tensor) -> ModelConfig:
    """Shape and likelihood; the latent dimension is what `encode` answers with."""
    likelihood, sigma = defined.get("likelihood", LIKELIHOODS[0]), defined.get("sigma", 0.1)
    if likelihood not in LIKELIHOODS:
        raise AdapterError(
            f"likelihood must be one of {', '.join(LIKELIHOODS)}, got {likelihood!r:.40}"
        )
    if likelihood == "gaussian" and "sigma" not in defined:
        raise AdapterError(
            "sigma must be given beside the gaussian likelihood: define it, or say gaussian-optimal"
        )
    shape = tuple(x.shape[1:])
    probe = Adapted(defined, ModelConfig(image_shape=shape), _device(defined))
    mean, _ = check_codes(probe._ask("encode", x[:2]), 2)
    return ModelConfig(
        image_shape=shape,
        latent_dim=mean.shape[1],
        hidden=(1,),  # what a stranger's network is made of is not known here
        likelihood=likelihood,
        sigma=sigma,
    )


def _run_config(
    defined: Mapping[str, Any], config: ModelConfig, images: ImageSet, data: str | None
) -> RunConfig:
    """The settings that the screens read; how it was trained is not known here."""
    named = data or defined.get("data")
    return RunConfig(
        data=str(named) if isinstance(named, (str, Path)) else images.name,
        model=config,
        objective=ObjectiveConfig(beta=defined.get("beta", 1.0)),
        training=TrainingConfig(epochs=1),
    )


def _check_steady(model: Adapted, x: Tensor) -> None:
    """Refuses a model that answers differently each time, or by who else is in the batch."""
    mean, again = model.encode(x)[0], model.encode(x)[0]
    alone = torch.cat([model.encode(x[:3])[0], model.encode(x[3:])[0]])
    decoded = model.decode(mean)
    apart = torch.cat([model.decode(mean[:3]), model.decode(mean[3:])])
    pairs = {"encode": [(mean, again), (mean, alone)], "decode": [(decoded, apart)]}
    for name, found in pairs.items():
        for first, second in found:
            if not torch.allclose(first, second, rtol=1e-3, atol=1e-3):
                raise AdapterError(
                    f"{name} must answer the same each time and for each batch, but it does not: "
                    "call model.eval() in the adapter, and draw no noise there"
                )
    model.decode(torch.randn(64, mean.shape[1], generator=torch.Generator().manual_seed(0)))


def _noise(model: Adapted, x: Tensor) -> Tensor:
    """The noise of `models.metrics.likelihood.elbo` with seed 0."""
    return torch.randn(len(x), model.latent_dim, generator=torch.Generator().manual_seed(0))


def _best_sigma(model: Adapted, x: Tensor, progress: Progress) -> float:
    r"""The σ of least D: the root of the mean squared error of x̂(z), z ~ q(z|x)."""
    total = 0.0
    for done, batch, noise in _batches(x, _noise(model, x)):
        decoded = model.decode(reparameterize(*model.encode(batch), noise))
        total += (batch - decoded).double().square().sum().item()
        progress("fitting σ", done)
    return min(max(math.sqrt(total / x.numel()), MIN_SIGMA), 10.0)


def _score(model: Adapted, x: Tensor, progress: Progress) -> Iterator[Terms]:
    """D, R and codes, batch by batch: those of `models.metrics.likelihood.elbo`."""
    for done, batch, noise in _batches(x, _noise(model, x)):
        yield elbo_terms(model, batch, noise)
        progress("measuring D and R", done)


def _batches(x: Tensor, noise: Tensor) -> Iterator[tuple[float, Tensor, Tensor]]:
    """Images with their noise, and the share that is done after each."""
    for start in range(0, len(x), ROWS):
        batch = x[start : start + ROWS]
        yield (start + len(batch)) / len(x), batch, noise[start : start + ROWS]


def _codes(terms: Terms, images: ImageSet) -> Codes:
    """The codes to show: as many as a checkpoint holds."""
    kept = slice(MAX_CODES // terms.mean.shape[1])
    return Codes(
        terms.mean[kept].numpy(),
        terms.log_variance[kept].numpy(),
        terms.distortion[kept].numpy(),
        None if images.labels is None else images.labels[kept],
    )


def _notes(
    defined: Mapping[str, Any], card: Card, terms: Terms, images: ImageSet
) -> tuple[str, ...]:
    """What looks like a mistake, or was assumed."""
    notes = list(images.notes)
    if (terms.log_variance > 0).all():
        notes.append("every σ is above 1: encode must give ln σ², not σ² or σ")
    if card.config.model.likelihood == "gaussian-optimal":
        notes.append(
            f"Gaussian likelihood with σ = {card.config.model.sigma:.4g}, fitted to these images"
        )
    if "beta" not in defined:
        notes.append("β is not known and shown as 1: define beta in the adapter")
    return tuple(notes)


# --- decoding in the browser ---------------------------------------------------------------------


def _browser_layers(
    model: Adapted, defined: Mapping[str, Any], codes: Codes
) -> tuple[tuple[list, list], str]:
    """What the browser decodes with, and a sentence on it where it is not the decoder itself."""
    layers, why = _exact_layers(model, defined)
    if layers is not None:
        return layers, ""
    if model.latent_dim <= 2:
        return _grid(model, codes, why)
    return _nearest(model, codes, why)


def _exact_layers(
    model: Adapted, defined: Mapping[str, Any]
) -> tuple[tuple[list, list] | None, str]:
    """The decoder's own layers, if they answer as `decode` does; else None, and why not."""
    decoder = defined.get("decoder")
    if callable(decoder) and not isinstance(decoder, nn.Module):
        try:
            decoder = decoder()
        except Exception as error:
            raise AdapterError(f"decoder must not fail, but it did: {_told(error)}") from error
    if decoder is None:
        return None, "the adapter names no decoder"
    if not isinstance(decoder, nn.Module):
        raise AdapterError(f"decoder must be an nn.Module, got {_kind(decoder)}")
    generator = torch.Generator().manual_seed(1)
    z = 2 * torch.randn(64, model.latent_dim, generator=generator)
    try:
        layers, arrays = module_layers(decoder, model.latent_dim, model.config.image_shape)
        found = run_layers(layers, arrays, z)
    except ValueError as error:
        return None, str(error)
    except (RuntimeError, IndexError):
        return None, "the layers of decoder do not follow one another as they were made"
    expected = model.decode(z).flatten(1)
    if found.shape != expected.shape or not (found - expected).abs().max() <= EXACT:
        return None, "decode does more than the layers of decoder, one after another"
    return (layers, arrays), ""


def _grid(model: Adapted, codes: Codes, why: str) -> tuple[tuple[list, list], str]:
    """Decoded images on a grid over codes and prior, and how far between them is from decode."""
    size = math.prod(model.config.image_shape)
    most = int((MAX_NUMBERS / size) ** (1 / model.latent_dim))
    side = max(2, min(MOST_GRID[model.latent_dim], most))
    low = np.minimum(codes.mean.min(0), -REACH)
    high = np.maximum(codes.mean.max(0), REACH)
    lines = [torch.linspace(*ends, side) for ends in zip(low.tolist(), high.tolist(), strict=True)]
    z = torch.cartesian_prod(*lines).reshape(-1, model.latent_dim)
    images = model.decode(z).flatten(1).numpy().reshape(*[side] * model.latent_dim, size)
    layers = grid_layer(low.tolist(), high.tolist(), images)
    rows = codes.mean[:: max(1, len(codes) // 500)]
    found = interpolate(layers[0][0], images, rows)
    error = np.abs(found - model.decode(torch.tensor(rows)).flatten(1).numpy())
    points = " × ".join([str(side)] * model.latent_dim)
    return layers, (
        "Under the pointer, at pins and on walks: between decoded grid points "
        f"({points} of them; at the test codes "
        f"{error.mean():.3f} from the decoder on average, {error.max():.3f} at most; white is 1), "
        f"as {why}. The inspector and the panels below ask the decoder itself."
    )


def interpolate(layer: Mapping[str, Any], images: np.ndarray, z: np.ndarray) -> np.ndarray:
    """What the browser shows between grid points: linear along every latent.

    Args:
        layer: Of `models.export.grid_layer`.
        images: Its images, shape (n, d) or (n, m, d).
        z: Codes, shape (N, Z); beyond the grid its edge counts.

    Returns:
        Shape (N, d).

    Example:
        >>> images = np.array([[0.0], [1.0], [4.0]])
        >>> layer = {"low": [0.0], "high": [2.0], "counts": [3]}
        >>> interpolate(layer, images, np.array([[1.5], [9.0]])).ravel().tolist()
        [2.5, 4.0]
    """
    counts = np.array(layer["counts"])
    low, high = np.array(layer["low"]), np.array(layer["high"])
    place = ((z - low) / (high - low) * (counts - 1)).clip(0, counts - 1)
    first = np.minimum(place.astype(int), counts - 2)
    share = place - first
    found = np.zeros((len(z), images.shape[-1]))
    for corner in np.ndindex(*[2] * len(counts)):
        weight = np.where(corner, share, 1 - share).prod(1)
        found += weight[:, None] * images[tuple((first + corner).T)]
    return found


def _nearest(model: Adapted, codes: Codes, why: str) -> tuple[tuple[list, list], str]:
    """The test images' codes, decoded: as many as the browser may be given."""
    most = max(1, MAX_NUMBERS // math.prod(model.config.image_shape))
    kept = codes.mean[:: math.ceil(len(codes) / most)]
    images = model.decode(torch.tensor(kept)).flatten(1).numpy()
    return nearest_layer(kept, images), (
        "Under the pointer, at pins and on walks: "
        f"the nearest of {len(kept):,} decoded test codes, not the spot "
        f"itself, as {why}. The inspector and the panels below ask the decoder itself."
    )
