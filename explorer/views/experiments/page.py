"""Small experiments with known answers: each a live plot and one sentence of what to see."""

from __future__ import annotations

from explorer import page_queue, state
from explorer.services import warm_up
from explorer.views.experiments import bounds, divergences, gradients, posteriors
from explorer.widgets import inputs

EXPERIMENTS = {
    "kl": "KL, both ways",
    "gradient": "Two gradients",
    "samples": "One sample or many",
    "beta": "β and q(z|x)",
}
PARTS = {"kl": divergences, "gradient": gradients, "samples": bounds, "beta": posteriors}


def show() -> None:
    """Shows the whole screen."""
    state.load()
    _experiment()
    warm_up.start()


@page_queue.fragment
def _experiment() -> None:
    """Shows the chosen experiment; it is run again by itself."""
    hidden = {"label_visibility": "collapsed"}
    chosen = inputs.segments("experiment", "Experiment", EXPERIMENTS, **hidden)
    PARTS[chosen].show()
    state.publish()
