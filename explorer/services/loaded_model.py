"""One model as the pages use it: opened once per rerun and handed down to every part.

The checkpoint is there at once. The network and the test images are found when a part first
needs them, so that a map is on screen before torch is imported, and are shared by all sessions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from explorer.assets.map_spec import with_codes
from explorer.services import adapter_model, catalogue, data_sets
from explorer.services.catalogue import Entry
from models.data.image_set import ImageSet
from models.latents.codes import Codes
from models.runs.verdict import verdict
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint, restore
from models.storage.tensors import CheckpointError

if TYPE_CHECKING:  # it imports torch
    from models.adapter.measure import MeasuredModel

MAX_CLASSES = 20
"""Classes whose mean codes are decoded."""


class LoadedModel:
    """A checkpoint with its network and its test images.

    Two are equal if their networks are and their data has the same classes.

    Args:
        entry: A usable model of the catalogue.
    """

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.checkpoint: Checkpoint = with_codes(catalogue.checkpoint(entry))

    @property
    def card(self) -> Card:
        """What the file says of itself, with the title that its owner gave last."""
        return self.checkpoint.card

    @property
    def codes(self) -> Codes:
        """The test set in latent space; of no image, where the family has only a decoder."""
        return self.checkpoint.codes

    @property
    def has_points(self) -> bool:
        """Whether test images have codes: points of the map."""
        return len(self.codes) > 0

    @functools.cached_property
    def key(self) -> str:
        """Tells models apart: by their tensors, and by what these are to be taken for."""
        card = self.card
        return repr((self.checkpoint.fingerprint, card.config.model, card.class_names))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoadedModel) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def adapted(self) -> MeasuredModel | None:
        """The custom model behind it; None if the project trained it."""
        return adapter_model.model_of(self.checkpoint)

    @property
    def is_whole(self) -> bool:
        """Whether it encodes, decodes and scores images, as codes without a model do not."""
        return self.adapted is None or self.adapted.is_whole

    @property
    def notes(self) -> str:
        """What was assumed of a custom model, or is wrong with any, on one line; often empty."""
        found = verdict(self.card)
        wrong = f"{found[0].upper()}{found[1:]}." if found else ""
        return adapter_model.notes(self.checkpoint) or wrong

    @property
    def test_images(self) -> ImageSet | None:
        """The images behind the codes, or None where they are not on this machine."""
        adapted = self.adapted
        return data_sets.test_images(self.card) if adapted is None else adapted.images

    @property
    def shipped_levels(self) -> np.ndarray | None:
        """The first test images as they ship: grey levels 0 to 255, uint8, shape (N, C, H, W); None
        where none do."""
        return data_sets.shipped_levels(self.card) if self.adapted is None else None

    @property
    def network(self) -> Any:
        """The torch module, in evaluation mode.

        Raises:
            CheckpointError: If the weights do not fit the settings.
        """
        return _network(self)

    @property
    def problem(self) -> str:
        """Why the network cannot be built, in one sentence; empty if it can."""
        try:
            _network(self)
        except CheckpointError as error:
            return str(error)
        return ""

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Decodes codes (N, Z) to the mean images E[x|z], shape (N, C, H, W).

        Where an image is made from noise, the code is x_T in any length: it is scaled to √Z.
        """
        import torch

        codes = torch.as_tensor(z, dtype=torch.float32)
        config = self.card.config.model
        with torch.inference_mode():
            if config.capabilities.has_decoder:
                return self.network.decode(codes).numpy()
            start = codes * (codes.shape[1] ** 0.5 / codes.norm(dim=1, keepdim=True))
            return self.network.decode_noise(start.view(-1, *config.image_shape)).numpy()

    def sample(self, z: np.ndarray, seed: int) -> np.ndarray:
        """Draws once from p(x|z) for every code (N, Z), shape (N, C, H, W)."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        with torch.inference_mode():
            return self.network.sample(torch.as_tensor(z, dtype=torch.float32), generator).numpy()

    def class_means(self) -> dict[int, np.ndarray]:
        """Decodes the mean code of every class (C, H, W), by its number; without labels, none."""
        codes = self.codes
        present = [] if codes.labels is None else np.unique(codes.labels)[:MAX_CLASSES].tolist()
        if not present:
            return {}
        means = np.stack([codes.mean[codes.labels == label].mean(0) for label in present])
        return dict(zip(present, self.decode(means), strict=True))


@functools.lru_cache(20)
def _network(model: LoadedModel) -> Any:
    import torch

    torch.set_num_threads(1)
    adapted = model.adapted
    return restore(model.checkpoint) if adapted is None else adapted.model


def has_network() -> bool:
    """Whether one was built already: the first waits until torch is imported."""
    return _network.cache_info().currsize > 0


def kept_per_model(max_entries: int, show_spinner: str | bool = False) -> Callable:
    """Keeps what a function finds of a model, for all sessions.

    Equal models have one result, and another one once their test images have come or gone.

    Args:
        max_entries: Results that are kept.
        show_spinner: What is shown meanwhile.
    """
    same = {LoadedModel: lambda model: (model.key, model.test_images is not None)}
    return st.cache_resource(max_entries=max_entries, show_spinner=show_spinner, hash_funcs=same)
