"""Lessons about latent spaces: holes, clusters, β, collapse, blur and sampling."""

from __future__ import annotations

from models.lessons.lesson import Chart, Lesson, Link, Verdict, listed, phrase, ranked
from models.lessons.measurement import Measurement

NATS = "nats per image"
KINDS = ("autoencoder", "autoencoder + penalty", "autoencoder + noise")


def dead_zones(found: Measurement) -> Verdict:
    """Says whether fewer drawn images are doubted in the VAE's space than in an autoencoder's."""
    difference = found.difference("doubted", "autoencoder", "VAE")
    outcome = phrase(
        difference,
        "The VAE has fewer dead zones than the autoencoder",
        "The autoencoder has fewer dead zones than the VAE",
        f"Autoencoder and VAE cannot be told apart by {found.count} seeds",
    )
    return Verdict(
        f"{outcome}. Share of drawn images that the judge doubts (of real ones, a twentieth): "
        f"{listed(found, 'doubted', digits=1, percent=True)}. Distance from the nearest real "
        f"image: "
        f"{listed(found, 'distance', 'grey levels', 3)}. ({found.evidence}.)",
        {1: 0, -1: 1, 0: 2}[difference.sign],
    )


def organise(found: Measurement) -> Verdict:
    """Says whether the classes are apart without any KL, and what the KL does to them."""
    difference = found.difference("accuracy", "VAE", "autoencoder")
    apart = found.interval("accuracy", "autoencoder")
    outcome = phrase(
        difference,
        "With the KL the classes are farther apart than without it",
        "Without any KL the classes are farther apart",
        "With the KL and without it the classes are as far apart, as far as one can tell",
    )
    return Verdict(
        f"{outcome}. Ten nearest codes name the right class for: "
        f"{listed(found, 'accuracy', digits=0, percent=True)} of test images, where guessing would "
        f"be right for a tenth. The spread of the codes: {listed(found, 'spread', digits=2)}. "
        f"({found.evidence}.)",
        {1: 0, -1: 1, 0: 1}[difference.sign] if apart.mean > 0.3 else 0,
    )


def beta(found: Measurement) -> Verdict:
    """Says how D and R change from the smallest β to the largest."""
    betas = found.conditions("rate")
    rate = found.difference("rate", betas[-1], betas[0])
    distortion = found.difference("distortion", betas[-1], betas[0])
    threshold = found.facts["threshold"]
    gone = [b for b in betas if found.interval("rate", b).mean < 0.05]
    early = f"R is below .05 nats from β = {gone[0]} on" if gone else "R never vanishes"
    return Verdict(
        f"From β = {betas[0]} to {betas[-1]}, R {phrase(rate, 'rises', 'falls', 'stays')} and D "
        f"{phrase(distortion, 'rises', 'falls', 'stays')}. R by β: "
        f"{listed(found, 'rate', 'nats')}. "
        f"D by β: {listed(found, 'distortion', 'nats')}. {early}; collapse was predicted above β = "
        f"{threshold:.2f}. ({found.evidence}.)",
        0 if rate.sign < 0 < distortion.sign else 1 if rate.sign > 0 else 2,
    )


def collapse(found: Measurement) -> Verdict:
    """Compares the β at which R vanishes with the one predicted."""
    threshold, onset = found.facts["threshold"], found.facts["onset"]
    betas = sorted(found.conditions("rate"), key=float)
    onsets = []
    for column in range(found.count):
        alive = [b for b in betas if found.values["rate"][b][column] >= onset]
        gone = [b for b in betas if not alive or float(b) > float(alive[-1])]
        onsets.append((float(alive[-1]) if alive else 0.0, float(gone[0]) if gone else None))
    lowest = min(low for low, _ in onsets)
    highest = None if any(h is None for _, h in onsets) else max(h for _, h in onsets)
    after = [b for b in betas if float(b) > threshold]
    survivors = [b for b in after if found.interval("rate", b).mean >= onset]
    if survivors:
        start, answer = "The prediction failed: R survives above the threshold", 2
    elif highest is None:
        start, answer = "Nothing collapsed in this range", 2
    elif lowest < 0.7 * threshold:
        start, answer = "Collapse came well before the threshold", 1
    else:
        start, answer = "The prediction held", 0
    between = f"between β = {lowest:g} and {highest:g}" if highest is not None else "nowhere"
    return Verdict(
        f"{start}. Predicted from the images alone: β* = {threshold:.2f}. Measured: R falls below "
        f"{onset:g} nats {between}. R by β: {listed(found, 'rate', NATS, 3)}. "
        f"({found.evidence}.)",
        answer,
    )


def latents(found: Measurement) -> Verdict:
    """Says which number of latents has the best score, and how many are used."""
    order = ranked(found, "elbo")[::-1]
    counts = found.conditions("elbo")
    level = [c for c in counts if c == order[0] or found.difference("elbo", c, order[0]).sign <= 0]
    most = counts[-1]
    used = found.interval("active", most)
    others = ", ".join(c for c in level if c != order[0])
    together = f" (not told apart from it: {others})" if others else ""
    return Verdict(
        f"The best −ELBO has {order[0]} latents{together}. −ELBO by latents: "
        f"{listed(found, 'elbo', NATS)}. Of {most} latents, {used.text(digits=1)} are active. "
        f"({found.evidence}.)",
        0 if order[0] == most else 2 if order[0] == counts[0] else 1,
    )


def blur(found: Measurement) -> Verdict:
    """Says which pictures are blurred, and whether the likelihood or the latents matter more."""
    rows = {name: found.interval("mean", name) for name in found.conditions("mean")}
    order = ranked(found, "mean")
    blurred = [name for name, value in rows.items() if value.mean + value.half < 1]
    extra = _effect(found, "latents"), _effect(found, "likelihood")
    matters = "the likelihood" if extra[1] > extra[0] else "the number of latents"
    sharp = "All" if len(blurred) == len(rows) else f"{len(blurred)} of {len(rows)}"
    return Verdict(
        f"{sharp} decoded means are blurrier than the images; the sharpest is {order[0]}, the "
        f"blurriest {order[-1]}. It is {matters} that matters more ({100 * extra[1]:.0f} points "
        f"against {100 * extra[0]:.0f} of sharpness). Sharpness as a share of the images': means "
        f"{listed(found, 'mean', digits=0, percent=True)}; drawn images "
        f"{listed(found, 'sample', digits=0, percent=True)}: what is over 100 % is noise, not "
        f"detail. {_new(found)}"
        f"({found.evidence}.)",
        2 if not blurred else 0 if extra[1] > extra[0] else 1,
    )


def _new(found: Measurement) -> str:
    """What the families beside it draw, where it was measured."""
    if "new" not in found.values:
        return ""
    closest = min(
        found.conditions("new"), key=lambda name: abs(found.interval("new", name).mean - 1)
    )
    return (
        f"New images of one model of each family: {listed(found, 'new', digits=0, percent=True)}; "
        f"closest to real images: {closest}. "
    )


def _effect(found: Measurement, by: str) -> float:
    """How much the sharpness of means changes at most with the latents, or with the likelihood."""
    groups: dict[str, list[float]] = {}
    for name in found.conditions("mean"):
        likelihood, _, size = name.rpartition(", ")
        group = likelihood if by == "latents" else size
        groups.setdefault(group, []).append(found.interval("mean", name).mean)
    return max(max(values) - min(values) for values in groups.values())


def three_steps(found: Measurement) -> Verdict:
    """Says which of the two draws changes the picture more."""
    other_z, other_x = (found.interval("difference", name) for name in ("another z", "another x"))
    difference = found.difference("difference", "another z", "another x")
    outcome = phrase(
        difference,
        "Drawing another z changes the picture more than drawing another x from the same z",
        "Drawing another x from the same z changes the picture more than drawing another z",
        "Both draws change the picture as much, as far as one can tell",
    )
    return Verdict(
        f"{outcome}: {other_z.text(digits=3)} grey levels between decoded means, "
        f"{other_x.text(digits=3)} between draws. The "
        f"step "
        f"between them, decoding, draws nothing. ({found.evidence}.)",
        {1: 0, -1: 1, 0: None}[difference.sign],
    )


_SPACES = (
    "Four models with two latents are trained on the same digits: an autoencoder; one whose codes "
    "pay a penalty for leaving zero; one with noise on its codes; and a VAE, which has both."
)

LESSONS = (
    Lesson(
        id="dead-zones",
        question="Is an autoencoder's space full of holes?",
        text=f"{_SPACES} From each we draw codes: from the VAE's prior, from a Gaussian fitted to "
        "the others' codes. They are decoded, and a classifier of real digits judges them; it "
        "doubts what it is less sure of than of nearly all real test images. Whose drawings are "
        "doubted more?",
        choices=("The autoencoder's", "The VAE's", "One cannot tell them apart"),
        verdict=dead_zones,
        why="The VAE pays to fill its prior, the autoencoder does not: its codes can lie anywhere. "
        "But if one fits a Gaussian to them first, in two dimensions most draws land near codes "
        "too. And between classes both must cross a border. Holes grow with the number of latents "
        "and with a prior that the codes do not fill.",
        source="Ghosh et al., From Variational to Deterministic Autoencoders, 2020, "
        "arXiv:1903.12436",
        touch=(
            Link(
                "Draw from the autoencoder",
                "latent-map",
                {"model": "digits-autoencoder", "panel": "prior"},
            ),
            Link("Draw from the VAE", "latent-map", {"panel": "prior"}),
        ),
        experiment="spaces",
        charts=(
            Chart("doubted", "share of drawn images doubted"),
            Chart("distance", "distance to real ones (grey levels)"),
        ),
        asked=(
            "Why are the reconstructions good, but samples random?",
            "Autoencoder or VAE?",
        ),
        words=("prior", "holes"),
    ),
    Lesson(
        id="organise",
        question="What makes the clusters: the KL or the reconstruction?",
        text=f"{_SPACES} No model saw a label. For each test image we ask the ten nearest codes of "
        "training images which digit it is. Whose codes keep the classes apart?",
        choices=(
            "The KL makes the clusters: the VAE's classes are farther apart",
            "The reconstruction does: the autoencoder's classes are at least as far apart",
        ),
        verdict=organise,
        why="Images of one class look alike, so a decoder of limited freedom has to decode them "
        "from neighbouring codes. The KL asks for something else: that the codes fill the prior. "
        "It draws the clusters together and lets them touch.",
        source="Hoffman & Johnson, ELBO Surgery, 2016",
        touch=(
            Link("See the autoencoder's clusters", "latent-map", {"model": "digits-autoencoder"}),
            Link("See the VAE's", "latent-map", {"model": "digits-2d-beta-1"}),
        ),
        experiment="spaces",
        charts=(
            Chart("accuracy", "share of images placed rightly"),
            Chart("spread", "spread (prior standard deviations)"),
        ),
        asked=("Autoencoder or VAE?",),
        words=("prior",),
    ),
    Lesson(
        id="beta",
        question="What does β do?",
        text="β is the weight of R, what a code costs, against D, how badly it explains its image. "
        "Models that differ in β alone, from a hundredth to ten. What happens as β grows?",
        choices=("R falls and D rises", "R rises", "Neither changes clearly"),
        verdict=beta,
        why="At the optimum dD/dR = −β: a further nat of code must save β nats of error. A small β "
        "makes an autoencoder, whose codes lie anywhere; β = 1 is the ELBO; a large β leaves only "
        "what saves much. Above β* nothing is worth its price, and R is zero.",
        source="Higgins et al., beta-VAE, 2017; Alemi et al., 2018, arXiv:1711.00464",
        touch=(
            Link("Turn β with a slider", "trade-off", {"curve": "digits-2d-multirate"}),
            Link("Train with a β of your own", "train", {"preset": "digits-2d"}),
        ),
        experiment="betas",
        charts=(
            Chart("rate", "R, nats per image", "β", True, "threshold"),
            Chart("distortion", "D, nats per image", "β", True, "threshold"),
        ),
        asked=("Which β should I use?",),
        words=("beta", "rate", "distortion"),
    ),
    Lesson(
        id="collapse",
        question="Can collapse be predicted before training?",
        text="If β is too large, the encoder gives up: every posterior becomes the prior, and R is "
        "zero. From the images alone one can compute the β above which that state is stable: β*. "
        "Then we train, with β below and above it, and see where R vanishes.",
        choices=(
            "Where it was predicted, or a little below",
            "Well below the prediction",
            "Above it, or nowhere",
        ),
        verdict=collapse,
        why="Let one latent w move the pixels' log-odds a little. It pays if wᵀΣw > β wᵀDw, with "
        "Σ the covariance of the images and D = diag p(1 − p). So β* is the largest eigenvalue "
        "of D⁻½ Σ D⁻½. Just below it the escape from collapse is slow, and training may end "
        "first. What helps: a smaller β, a warm-up, free bits.",
        source="Lucas et al., 2019, arXiv:1911.02469; the phase transition: arXiv:2510.01621",
        touch=(
            Link(
                "See a collapsed model, and remedies", "collapse", {"collapsed": "digits-2d-beta-4"}
            ),
            Link("Sweep β yourself", "trade-off", {}),
        ),
        experiment="sweep",
        charts=(Chart("rate", "R, nats per image", "β", False, "threshold"),),
        asked=("Did it collapse?",),
        words=("beta_star", "verdict", "beta"),
    ),
    Lesson(
        id="latents",
        question="How many latents?",
        text="From one latent to dozens, all else equal: more room for the code, and the KL "
        "charges for what is used. Trained on digits for the same number of steps. Which number "
        "scores best?",
        choices=("The largest", "One in between", "The smallest"),
        verdict=latents,
        why="An ideal VAE would leave latents it does not need at the prior, where they cost "
        "nothing: more could not hurt. In practice each must first be learnt or silenced, so too "
        "many cost steps. Count the active ones; if all are, try more.",
        source="Burda, Grosse & Salakhutdinov, 2016, arXiv:1509.00519, section 5.2",
        touch=(
            Link("See which latents are used", "collapse", {"collapsed": "mnist-20d-beta-1"}),
            Link("Train with more latents", "train", {"preset": "digits-2d", "latents": "8"}),
        ),
        experiment="latents",
        charts=(
            Chart("elbo", "test −ELBO, nats per image", "latents", True),
            Chart("active", "active latents", "latents", True),
        ),
        asked=("How many latents?",),
        words=("active", "negative_elbo"),
    ),
    Lesson(
        id="blur",
        question="Why are VAEs blurry?",
        text="People blame the squared error. Here are models with three likelihoods and with "
        "few and many latents. Two pictures of each test image: the decoded mean, which "
        "everybody shows, and a draw of the likelihood, which the model really claims. Sharpness "
        "is how much neighbouring pixels differ. What matters more for the blur of the means?",
        choices=("The likelihood", "The number of latents", "The means are not blurry"),
        verdict=blur,
        why="The decoded mean is an average over all images that the code cannot tell apart: less "
        "information, more blur. A large σ makes detail cheap to lose, so the code keeps less; a "
        "fitted σ asks for more. Draws are not blurred but noisy, because every pixel is drawn "
        "alone. A GAN's and a diffusion model's images are single images, never averages.",
        source="Rybkin, Daniilidis & Levine, 2021, arXiv:2006.13202",
        touch=(
            Link("Compare mean and draw", "latent-map", {"panel": "prior"}),
            Link(
                "Train with a fitted σ",
                "train",
                {"preset": "digits-2d", "likelihood": "gaussian-optimal"},
            ),
        ),
        experiment="blur",
        panel="sharpness",
        charts=(
            Chart("mean", "sharpness of means (images: 1)"),
            Chart("sample", "sharpness of draws (images: 1)"),
            Chart("new", "sharpness of new images"),
        ),
        asked=("Why is it blurry?",),
        words=("likelihood", "distortion"),
        repeats="For means and draws, every seed is a training run of its own. For new images it "
        "is a draw: each family has one trained model here.",
    ),
    Lesson(
        id="three-steps",
        question="How does a VAE make a new image?",
        text="In three steps: draw a code z from the prior; decode it to the parameters of "
        "p(x|z), which is the picture everybody shows; draw an image x from p(x|z). Two of them "
        "are random. Which one changes the picture more when it is drawn again?",
        choices=("Drawing z", "Drawing x"),
        verdict=three_steps,
        why="z decides which digit and which hand; x only whether each pixel turns out black or "
        "white. The pixels of x are drawn independently of each other, so x is noisy where the "
        "mean is grey. The mean is not a draw of the model; it is smoother than any image the "
        "model believes in.",
        source="Kingma & Welling, 2014, arXiv:1312.6114, section 2",
        touch=(Link("Draw many", "latent-map", {"panel": "prior"}),),
        panel="steps",
        words=("prior", "likelihood"),
    ),
)
