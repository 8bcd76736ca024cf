"""Lessons on the families beside the VAE."""

from __future__ import annotations

from models.lessons.lesson import Chart, Lesson, Link, Verdict, listed, phrase
from models.lessons.measurement import Measurement

GANS = NO_PENALTY, PENALTY = "no penalty", "R1 penalty"


def mode_collapse(found: Measurement) -> Verdict:
    """Says which of the two collapsed, and whether the penalty goes with more varied images."""
    gone = [name for name in GANS if min(found.values["collapsed"][name]) == 1]
    recall = found.difference("recall", PENALTY, NO_PENALTY)
    outcome = phrase(
        recall,
        "The GAN with the penalty draws more varied images",
        "The GAN with the penalty draws less varied images",
        "Which GAN draws more varied images cannot be told",
    )
    collapsed = f"Collapsed in every draw: {', '.join(gone)}" if gone else "Neither has collapsed"
    return Verdict(
        f"{outcome}. {collapsed}. Classes hit: {listed(found, 'classes', digits=1)}. Share of real "
        f"images covered: {listed(found, 'recall')}. Variance within a class, as a share of that "
        f"of real images: {listed(found, 'variance', percent=True, digits=0)}. "
        f"({found.evidence}.)",
        {1: 0, 0: 1, -1: 2}[recall.sign],
    )


LESSONS = (
    Lesson(
        id="mode-collapse",
        question="Why does a GAN draw the same few images?",
        text="A GAN's generator is paid for fooling the discriminator, whatever it draws. A small "
        "GAN was trained on digits with settings known to go wrong, and another whose "
        "discriminator pays for a steep slope at real images (the R1 penalty); it is wider, too, "
        "and trained for longer. Each draws images again and again, and we count the classes they "
        "hit and how much of the real images they cover. Does the one with the penalty draw more "
        "varied images?",
        choices=(
            "Yes",
            "One cannot tell",
            "No, less varied ones",
        ),
        verdict=mode_collapse,
        why="Where the discriminator is steep, one image that fools it is worth more than variety, "
        "and the generator moves all its images there; then the discriminator learns that one, "
        "and the chase goes on. A flat discriminator gives small, steady gradients. Neither loss "
        "shows the collapse: only counting kinds of images does. On the page of families you can "
        "train the remedies with one thing changed at a time.",
        source="Mescheder, Geiger & Nowozin, 2018, arXiv:1801.04406",
        touch=(
            Link("See the verdict on a collapsing GAN", "families", {"families": "modes"}),
            Link("Train it yourself", "train", {"preset": "digits-gan-collapsing"}),
        ),
        experiment="modes",
        charts=(
            Chart("classes", "classes hit"),
            Chart("recall", "share of real images covered"),
        ),
        asked=("Why does my GAN draw only ones?",),
        words=("prior",),
    ),
)
