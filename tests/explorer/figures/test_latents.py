"""Charts per latent dimension show the numbers they are given."""

import re

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer.figures.latents import kl_bars

RNG = np.random.default_rng(0)


def assert_sendable(figure):
    """What every figure owes: it can be sent, and holds no number that JSON has not."""
    text = figure.to_json(engine="json")
    assert not re.search(r"\b(NaN|Infinity)\b", text)
    for trace in figure.data:
        for name in ("x", "y"):
            assert np.isfinite(np.asarray(trace[name], float)).all()
    assert figure.layout.xaxis.title.text and figure.layout.yaxis.title.text


@pytest.mark.parametrize("size", [1, 3, 256])
def test_kl_bars_show_the_image_beside_the_mean(size):
    kl, mean = RNG.random(size), RNG.random(size)
    figure = kl_bars(kl, mean)
    assert_sendable(figure)
    bars, marks = figure.data
    assert isinstance(bars, go.Bar)
    assert list(bars.x) == list(marks.x) == list(range(1, size + 1))
    assert list(bars.y) == kl.tolist() and list(marks.y) == mean.tolist()
    assert "nats" in figure.layout.yaxis.title.text and "nats" in bars.hovertemplate
