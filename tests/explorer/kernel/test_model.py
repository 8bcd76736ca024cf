"""A notebook's model: tensors for a torch module, arrays for others, one sentence if it fails."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.kernel.model import NotebookModel, as_array

IMAGES = np.random.default_rng(0).random((3, 1, 4, 4)).astype(np.float32)


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(16, 2).bfloat16()

    def encode(self, images):
        found = self.layer(images.flatten(1).bfloat16())
        return found, found

    def decode(self, z):
        assert not torch.is_grad_enabled()
        return (z @ torch.ones(2, 16)).view(-1, 1, 4, 4)


def test_a_torch_module_gets_tensors_without_gradients():
    own = NotebookModel(Module().eval())
    fields, (mean, log_variance) = own.call("encode", IMAGES)
    assert fields == {"is_pair": True} and mean.dtype == np.float32
    np.testing.assert_array_equal(mean, log_variance)
    np.testing.assert_array_equal(own.decode(np.full((1, 2), 2), (1, 4, 4)), np.ones((1, 1, 4, 4)))


def test_a_model_that_still_trains_is_refused():
    with pytest.raises(ValueError, match=r"in evaluation mode: call model\.eval\(\) first"):
        NotebookModel(Module())


def test_whatever_the_model_raises_becomes_one_sentence():
    class Failing:
        def encode(self, images):
            raise RuntimeError("size mismatch")

        def decode(self, z):
            return z

    own = NotebookModel(Failing())
    with pytest.raises(
        ValueError, match="encode must not fail, but it did: RuntimeError: size mismatch"
    ):
        own.call("encode", IMAGES)
    with pytest.raises(ValueError, match=r"decode must give images of shape \(2, 1, 4, 4\)"):
        own.decode(np.zeros((2, 2)), (1, 4, 4))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.ones(2, requires_grad=True), [1, 1]),
        (torch.ones(2, dtype=torch.bfloat16), [1, 1]),
        (["a", "b"], ["a", "b"]),
        (object(), None),
        ([[1], [1, 2]], None),
    ],
)
def test_whatever_holds_numbers_is_an_array(value, expected):
    found = as_array(value)
    assert found is None if expected is None else found.tolist() == expected
