"""The lesson on what helps against posterior collapse."""

from __future__ import annotations

from models.lessons.lesson import Chart, Lesson, Link, Verdict, listed
from models.lessons.measurement import Measurement
from models.training.remedies import NO_REMEDY

SMALLER = "smaller β"


def helps(found: Measurement) -> Verdict:
    """Says which remedies bring the codes back to life, and which have the best score."""
    onset = found.facts["onset"]
    tried = [name for name in found.conditions("rate") if name != NO_REMEDY]
    helped = [name for name in tried if _lives(found, name, onset)]
    without = _lives(found, NO_REMEDY, onset)
    start = (
        f"{len(helped)} of {len(tried)} remedies help"
        if helped
        else "None of the remedies can be said to help"
    )
    before = "did not collapse either" if without else "collapsed"
    vain = [name for name in tried if name not in helped]
    others = f"Not, or not for every seed: {', '.join(vain)}. " if vain else ""
    return Verdict(
        f"{start}: with them R stays above {onset:g} nats. The training without any, at β = "
        f"{found.facts['beta']:g}, {before}. {others}R: {listed(found, 'rate', 'nats')}. Active "
        f"latents: {listed(found, 'active', digits=1)}. −ELBO, where the likelihood is the same: "
        f"{listed(found, 'elbo', 'nats per image')}. ({found.evidence}.)",
        _answer(helped, tried),
    )


def _lives(found: Measurement, name: str, onset: float) -> bool:
    """Whether R is above the onset for every repeat."""
    return min(found.values["rate"][name]) > onset


def _answer(helped: list[str], tried: list[str]) -> int | None:
    """The choice that is borne out, of those below."""
    if helped in ([], [SMALLER]):
        return 2 - len(helped)
    return 0 if 2 * len(helped) > len(tried) else None


LESSONS = (
    Lesson(
        id="remedies",
        question="What helps against collapse?",
        text="A VAE is trained with so large a β that it collapses. Then again, from the same seed "
        "and for as many steps, each time with one thing changed: β rises slowly, or in cycles; "
        "the first nat of every latent is free; R is held at a value; σ is learned; or β is "
        "simply smaller. Which of these bring the codes back to life?",
        choices=("Most of them", "Only the smaller β", "None of them"),
        verdict=helps,
        why="Collapse above β* is where the objective leads, so a slow start only delays it: once "
        "β has risen, R falls again. What changes the objective for good does help: free bits and "
        "a capacity take the price off the first nats, a learned σ makes errors cost more, and a "
        "smaller β is below β*.",
        source="Bowman et al., 2016, arXiv:1511.06349; Kingma et al., 2016, arXiv:1606.04934; "
        "Burgess et al., 2018, arXiv:1804.03599; Rybkin et al., 2021, arXiv:2006.13202",
        touch=(
            Link(
                "See the collapsed model, train them", "collapse", {"collapsed": "digits-2d-beta-4"}
            ),
        ),
        experiment="helps",
        charts=(
            Chart("rate", "R, nats per image"),
            Chart("active", "active latents"),
        ),
        asked=("It collapsed: what now?",),
        words=("verdict", "rate", "kl_weight"),
    ),
)
