"""Plain words for the short names of settings and files, as they stand on the screen.

A name without an entry, such as that of a user's own data set, is shown as it is. Knows no
Streamlit.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.metrics.names import score_name

DATA = {
    "digits": "Digits",
    "sprites": "Sprites",
    "sprites-colour": "Sprites in colour",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "Kuzushiji-MNIST",
}
LIKELIHOODS = {
    "bernoulli": "Bernoulli pixels",
    "gaussian": "Gaussian pixels, σ fixed",
    "gaussian-shared": "Gaussian pixels, one σ learned",
    "gaussian-optimal": "Gaussian pixels, σ fitted",
    "gaussian-pixel": "Gaussian pixels, a σ for each learned",
}
FAMILIES = {
    "vae": "VAE",
    "autoencoder": "Autoencoder",
    "multirate": "VAE for every β",
    "vq-vae": "VQ-VAE",
    "gan": "GAN",
    "ddpm": "Diffusion (DDPM)",
}
STABILISERS = {"none": "None", "r1": "R1, a penalty on slopes"}
NETWORKS = {"mlp": "Fully connected", "conv": "Convolutional"}
PRESETS = {
    "digits-2d": "Digits, 2 latents",
    "digits-2d-quick": "Digits, 2 latents, quick",
    "digits-ae": "Digits, autoencoder",
    "digits-ddpm": "Digits, diffusion",
    "digits-multirate": "Digits, one model for every β",
    "digits-linear": "Digits, linear VAE",
    "digits-gan": "Digits, GAN",
    "digits-gan-collapsing": "Digits, GAN that collapses",
    "mnist-gan": "MNIST, GAN",
    "sprites-5d": "Sprites, 5 latents",
    "sprites-10d": "Sprites, 10 latents",
    "sprites-multirate": "Sprites, one model for every β",
    "mnist-2d": "MNIST, 2 latents",
    "mnist-2d-multirate": "MNIST, one model for every β",
    "mnist-20d": "MNIST, 20 latents",
    "mnist-2d-quick": "MNIST, 2 latents, quick",
    "mnist-20d-quick": "MNIST, 20 latents, quick",
    "digits-vq": "Digits, VQ-VAE",
    "mnist-vq": "MNIST, VQ-VAE",
    "mnist-ddpm": "MNIST, diffusion",
}
GREY = (
    "Under a Bernoulli, −ELBO of grey images is a bound for random black-and-white versions of "
    "them, not for the grey images."
)
"""What a score of grey images says."""
WORDS = DATA | LIKELIHOODS | FAMILIES | NETWORKS | STABILISERS | PRESETS


def words(name: str) -> str:
    """Returns the plain words for a name, or the name itself.

    Example:
        >>> words("gaussian-optimal"), words("my faces")
        ('Gaussian pixels, σ fitted', 'my faces')
    """
    return WORDS.get(name, name)


def score_words(name: str) -> tuple[str, str]:
    """Returns how a score is called on the screen, and its unit in full; empty if it has none.

    Example:
        >>> score_words("negative_elbo"), score_words("noise_error")[1]
        (('−ELBO', 'nats per image'), '')
    """
    found = score_name(name)
    return found.symbol.replace("-", "−"), found.unit.replace("/", " per ")


def list_of_words(names: Iterable[str]) -> str:
    """Joins words, each once: with commas, and before the last with “and”.

    Example:
        >>> list_of_words(["a VAE", "a GAN", "a VAE"])
        'a VAE and a GAN'
    """
    *most, last = dict.fromkeys(names)
    return f"{', '.join(most)} and {last}" if most else last
