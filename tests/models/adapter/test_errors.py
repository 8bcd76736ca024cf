"""Errors in the user's code are described on one line, with the user's own line."""

import pytest
import torch

from models.adapter.definitions import Definitions
from models.adapter.errors import AdapterError, describe_exception, describe_value
from models.adapter.model import AdaptedModel
from models.config import ModelConfig


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "nothing"), ((1, 2, 3), "3 values"), ([], "0 values"), (torch.zeros(1), "Tensor")],
)
def test_a_value_is_named_by_its_type(value, words):
    assert describe_value(value) == words


def test_no_line_of_this_package_is_blamed():
    """A function without a line of its own, as a built-in one, leaves out where it failed."""
    own = Definitions({"encode": int, "decode": int})
    model = AdaptedModel(own, ModelConfig(image_shape=(1, 8, 8)))
    failure = r"^encode must not fail, but it did: \w+Error: "
    with pytest.raises(AdapterError, match=failure) as caught:
        model.encode(torch.zeros(2, 1, 8, 8))
    assert ".py" not in str(caught.value)


def test_an_exception_is_one_line_and_names_the_last_line_of_the_user():
    try:
        raise KeyError("a\nb\x1b[31m")
    except KeyError as error:
        described = describe_exception(error)
    assert described.startswith("KeyError: ") and described.isprintable()
    assert described.endswith(")") and "(test_errors.py, line " in described
