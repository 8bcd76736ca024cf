"""Lessons on the families beside the VAE: which one to use, mode collapse, and denoising."""

from __future__ import annotations

from models.judge.seeds import failures_of, share
from models.lessons.lesson import Chart, Lesson, Link, Verdict, listed, phrase, ranked
from models.lessons.measurement import Measurement
from models.presets import preset

FAMILIES = ("VAE", "VQ-VAE", "GAN", "diffusion")
NAMES = {"diffusion": "the diffusion model"}
GANS = NO_PENALTY, PENALTY = "no penalty", "R1 penalty"
GAN_PRESETS = "digits-gan-collapsing", "digits-gan"


def _named(family: str) -> str:
    return NAMES.get(family, f"the {family}")


def _first(found: Measurement, quantity: str, largest: bool = False) -> tuple[str, list[str]]:
    """The best family, and those that are not told apart from it."""
    order = ranked(found, quantity)
    best, *others = order if largest else order[::-1]
    return best, [name for name in others if found.difference(quantity, name, best).sign == 0]


def _best(found: Measurement, quantity: str, largest: bool = False) -> str:
    """Names them."""
    best, level = _first(found, quantity, largest)
    return " or ".join(map(_named, [best, *level]))


def which(found: Measurement) -> Verdict:
    """Says whose images are closest to real ones, and who is ahead in what else one may need."""
    best, level = _first(found, "frechet")
    ahead = f"the images of {_best(found, 'frechet')} come closest to real ones"
    tie = f", but {len(level) + 1} of them cannot be told apart" if level else ""
    most = max(max(row) for row in found.values["copies"].values())
    copies = f"at most {most:.0f} in a draw" if most else "none"
    return Verdict(
        f"By the Fréchet distance {ahead}{tie}: {listed(found, 'frechet')} (real images: "
        f"{found.facts['floor']:z.2f}). Most varied: {_best(found, 'recall', True)}, by the share "
        f"of real images covered: {listed(found, 'recall')}. Fastest to draw 1000 "
        f"images: {_best(found, 'drawing')}: {listed(found, 'drawing', 's', 3)}. Exact copies of "
        f"training images: {copies}. ({found.evidence}.)",
        None if level else FAMILIES.index(best),
    )


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
        f"({found.evidence}.) {_over_seeds()}",
        {1: 0, 0: 1, -1: 2}[recall.sign],
    )


def _over_seeds() -> str:
    """How many trainings of either GAN came to nothing, of those measured before."""
    without, penalised = (failures_of(preset(name)) for name in GAN_PRESETS)
    texts = [share(sum(each.values()), len(each)) for each in (without, penalised)]
    return (
        f"Trained from other seeds, too, the GAN without a penalty collapsed in {texts[0]} (exact "
        f"95 % interval); the one with it in {texts[1]}."
    )


def denoise(found: Measurement) -> Verdict:
    """Says at which noise step the noise is seen best, and what the model sees of the image."""
    times = sorted(found.conditions("noise"), key=int)
    best = min(times, key=lambda time: found.interval("noise", time).mean)
    part = int(best) / found.facts["steps"]
    blind = [t for t in times if found.interval("clean", t).mean > 0.95 * found.facts["mean_image"]]
    start = f"From t = {blind[0]} on" if blind else "At no t"
    return Verdict(
        f"The noise is guessed best at t = {best} of {found.facts['steps']:.0f}. Squared error of "
        f"the guess by t (a guess of 0 has 1): {listed(found, 'noise')}. Error of the image that "
        f"it implies, grey levels: {listed(found, 'clean')}. {start} that is no better than "
        f"the mean of all images, {found.facts['mean_image']:z.2f}. ({found.evidence}.)",
        0 if part < 1 / 3 else 1 if part < 2 / 3 else 2,
    )


_SEE = {"families": "see"}
DRAWS = (
    "What is repeated is the draw: each family has one trained model here. Another training run "
    "of the same settings may score differently, and the intervals do not say how much."
)
GAN_DRAWS = (
    "What is repeated is the draw: there is one trained model of each kind. Another training run "
    "of the same settings may collapse or not, and the intervals do not say how often."
)
NOISE = (
    "What is repeated is the noise: there is one trained model. Another training run may see "
    "more or less, and the intervals do not say how much."
)
LESSONS = (
    Lesson(
        id="which",
        question="Which family should you use?",
        text="Four models that ship learned the same digits: a VAE of two latents, a VQ-VAE "
        "with its prior, a GAN with a penalty, and a diffusion model. Each draws images, again and "
        "again, and a classifier that none of them knows compares these with real images that no "
        "model has seen. The Fréchet distance is small if both look alike to it. Whose images come "
        "closest to real ones?",
        choices=("The VAE's", "The VQ-VAE's", "The GAN's", "The diffusion model's"),
        verdict=which,
        why="A VAE has a code to search with and a bound, but its decoded means are averages. A "
        "VQ-VAE moves the modelling into a prior over tokens, which takes one pass each. A GAN is "
        "paid for being convincing, draws in one pass, and has neither code nor likelihood. A "
        "diffusion model takes many small steps, which is why it draws slowly. So first ask what "
        "you need: new images, codes, likelihoods, or speed.",
        source="Theis, van den Oord & Bethge, A note on the evaluation of generative models, 2016, "
        "arXiv:1511.01844",
        touch=(
            Link("Sort the table by what you need", "families", {"families": "compare"}),
            Link("See each at work", "families", _SEE),
        ),
        experiment="which",
        charts=(
            Chart("frechet", "Fréchet, squared features"),
            Chart("recall", "share of real images covered"),
            Chart("drawing", "1000 images, seconds"),
        ),
        asked=("Which model should I use?", "How do I evaluate it?", "Autoencoder or VAE?"),
        words=("prior", "negative_elbo"),
        repeats=DRAWS,
    ),
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
        repeats=GAN_DRAWS,
    ),
    Lesson(
        id="denoise",
        question="What does a diffusion model see in the noise?",
        text="Noise is mixed into test digits step by step, until nothing else is left. A network "
        "was trained for one thing: to take noise and image apart. At every step t we compare its "
        "guess of the noise with the true noise, and the clean image that this guess implies with "
        "the true image. At which t is the noise guessed best?",
        choices=("Early, where little was added", "Half-way", "Late, where all is noise"),
        verdict=denoise,
        why="Late, the noisy image is the noise, so seeing the noise is easy, but the image is "
        "lost: the best guess of it is the mean of all. Early, what was added is weak beside the "
        "image, so it is hard to see, but the image is clear. A new image is made by walking back "
        "from late to early: first what it shows, then how, in the end the detail.",
        source="Ho, Jain & Abbeel, 2020, arXiv:2006.11239",
        touch=(Link("Noise a digit and denoise it", "families", _SEE | {"see": "ddpm"}),),
        experiment="denoise",
        charts=(
            Chart("noise", "squared error of the noise (0 to 1)", "noise step t", True),
            Chart("clean", "error of the image, grey levels", "noise step t", True),
        ),
        asked=("How does a diffusion model learn?",),
        words=("prior",),
        repeats=NOISE,
    ),
)
