"""A notebook's model as the program sees it: what it returns is checked as an adapter's is."""

import numpy as np
import pytest

from explorer.kernel.model import NotebookModel
from explorer.kernel.remote import RemoteModel


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (np.zeros((20, 2)), "encode must return mean and log_variance, got Tensor"),
        ((np.zeros((20, 2)), np.zeros((20, 3))), "mean and log_variance must have the same shape"),
        ((np.zeros((20, 2, 1)),) * 2, "mean must have shape"),
        ({"mean": 1}, "encode must return arrays of numbers, got dict"),
        (None, "encode must return arrays of numbers, got nothing"),
    ],
)
def test_wrong_codes_are_said_in_one_sentence(answer, sentence):
    class Wrong:
        def encode(self, images):
            parts = answer if isinstance(answer, tuple) else [answer]
            cut = [part[: len(images)] if isinstance(part, np.ndarray) else part for part in parts]
            return tuple(cut) if isinstance(answer, tuple) else cut[0]

        def decode(self, z):
            return np.full((len(z), 1, 8, 8), 0.5)

    images = np.zeros((20, 1, 8, 8), np.float32)
    with pytest.raises(ValueError, match=sentence):
        RemoteModel({}, {}, NotebookModel(Wrong()).call).encode(images)


def test_wrong_images_are_said_in_one_sentence():
    class Wrong:
        def encode(self, images):
            return images[:, 0, 0, :2], images[:, 0, 0, :2]

        def decode(self, z):
            return np.full((len(z), 64), 0.5)

    remote = RemoteModel({}, {}, NotebookModel(Wrong()).call)
    with pytest.raises(ValueError, match=r"of shape \(3, 1, 8, 8\) .* got \(3, 64\): return"):
        remote.decode(np.zeros((3, 2), np.float32), (1, 8, 8))
