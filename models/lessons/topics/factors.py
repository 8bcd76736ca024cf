"""The lesson about known factors: does β disentangle?"""

from __future__ import annotations

from models.lessons.lesson import Chart, Lesson, Link, Verdict, listed
from models.lessons.measurement import Measurement
from models.metrics.disentanglement.effect import beta_effect


def disentangle(found: Measurement) -> Verdict:
    """Says what β from 1 upwards does to one factor in one latent, and what it costs."""
    gap, kept = (beta_effect(_from_one(found, name)) for name in ("mig", "infoe"))
    return Verdict(
        f"{gap.sentence('MIG')} And what a linear predictor finds: {kept.sentence('InfoE')} "
        f"MIG by β: {listed(found, 'mig', digits=3)}. Active latents by β: "
        f"{listed(found, 'active', digits=1)}. ({found.evidence}.)",
        {1: 0, -1: 1, 0: 2}[gap.sign],
    )


def _from_one(found: Measurement, quantity: str) -> dict[float, tuple[float, ...]]:
    """A quantity by β, from 1 upwards."""
    return {float(beta): row for beta, row in found.values[quantity].items() if float(beta) >= 1}


LESSONS = (
    Lesson(
        id="disentangle",
        question="Does a larger β disentangle?",
        text="Sprites are drawn from known factors: shape, size, angle and place. If every latent "
        "followed one factor, the code would be disentangled. Models with ten latents are trained "
        "with several β and several seeds, and scored: MIG asks for one factor in one latent; "
        "InfoE asks how much of the factors a linear predictor finds in all latents. What does a "
        "β above 1 do to MIG?",
        choices=(
            "It raises MIG",
            "It lowers MIG",
            "Nothing that can be told from the spread over seeds",
        ),
        verdict=disentangle,
        why="The ELBO does not care how the code is turned: under a prior N(0, I), a turned code "
        "has the same R and, with the decoder turned back, the same D. What breaks the tie is that "
        "posteriors have no covariance, so latents like to follow directions that need different "
        "precision. A large β also silences latents: the few that are left are easily modular and "
        "know little of the other factors. So look at both kinds of score, and turn the perfect "
        "code below.",
        source="Locatello et al., Challenging Common Assumptions in the Unsupervised Learning of "
        "Disentangled Representations, 2019, arXiv:1811.12359; Rolínek et al., 2019, "
        "arXiv:1812.06775",
        touch=(
            Link(
                "Move one latent at a time",
                "latent-map",
                {"model": "sprites-10d-beta-1", "colour": "factor-4"},
            ),
            Link("Compare the scores of a sweep", "trade-off", {"model": "sprites-10d-beta-1"}),
            Link("Train on sprites", "train", {"preset": "sprites-10d"}),
        ),
        experiment="disentangle",
        panel="rotation",
        charts=(
            Chart("mig", "MIG (0 to 1)", "β", True),
            Chart("infoe", "InfoE (0 to 1)", "β", True),
            Chart("rate", "R, nats per image", "β", True),
        ),
        asked=("Which β disentangles?",),
        words=("beta", "rate", "active"),
        images="sprites",
    ),
)
