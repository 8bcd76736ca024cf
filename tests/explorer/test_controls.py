"""Controls: what a browser falls back to, where it has lost a widget, is what the widget shows."""

import pytest
from drive import open_view

LINKS = {
    "latent_map": "model=digits-2d-beta-4&view=pca&x=2&y=1&colour=elbo&panel=grid&side=4",
    "latent_map ": "model=digits-2d-beta-4&z=0.5,-1.25",
    "experiments": "mean=2&deviation=1.5",
    "experiments ": "experiment=gradient&target=-1&by=deviation&samples=2",
    "trade_off": "seeds=3&betas=1,2&sweep=mnist-2d",
    "collapse": "warmup-percent=20&cycles=7&free-bits=0.5&capacity=9&beta-divisor=9",
    "train": "preset=mnist-20d&latents=7&epochs=9&learning-rate=0.02&title=mine&hidden=9,9",
}
CLEARED = ("control-point",)
"""Empty is their default, or nobody could empty them."""


def fallback_and_value(widget):
    """What the browser starts a widget with, and what it shows."""
    default = widget.proto.default
    match widget.type:
        case "slider":
            return list(default), [widget.value]
        case "selectbox":
            return default, widget.index
        case "button_group":
            return list(default), list(widget.indices)
    return default, widget.value


@pytest.mark.parametrize("view", LINKS)
def test_what_a_widget_falls_back_to_is_what_it_shows(view, no_runs):
    link = dict(part.split("=") for part in LINKS[view].split("&"))
    at = open_view(view.strip(), **link)
    kinds = (at.slider, at.number_input, at.selectbox, at.button_group, at.text_input)
    found = {
        widget.key: fallback_and_value(widget)
        for kind in kinds
        for widget in kind
        if widget.key not in CLEARED
    }
    assert found and not at.toast
    assert {key: pair for key, pair in found.items() if pair[0] != pair[1]} == {}
