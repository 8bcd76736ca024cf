"""Lessons about the encoder: what its posterior misses, bounds, and how its gradient is found."""

from __future__ import annotations

from models.lessons.lesson import Chart, Lesson, Link, Verdict, listed, phrase, ranked
from models.lessons.measurement import Measurement

NATS = "nats per image"


def posterior(found: Measurement) -> Verdict:
    """Says how large the gap is, and which part of it is larger."""
    both, encoder = found.interval("gap", "both"), found.interval("gap", "encoder")
    shape, difference = found.interval("gap", "shape"), found.difference("gap", "encoder", "shape")
    exists = "is not the true posterior" if both.sign > 0 else "cannot be told from the truth"
    larger = phrase(
        difference,
        "More of it is the encoder's: it does not find the best Gaussian for every image",
        "More of it is the Gaussian's: no ellipse has the shape of the true posterior",
        "Neither part is clearly the larger",
    )
    return Verdict(
        f"q(z|x) {exists}: the ELBO misses {both.text('nats', 2)} of ln p(x). {larger}: encoder "
        f"{encoder.text('nats', 2)}, shape {shape.text('nats', 2)}. ({found.evidence}.)",
        2 if both.sign <= 0 else {1: 0, -1: 1, 0: None}[difference.sign],
    )


def bound(found: Measurement) -> Verdict:
    """Says which of the two rises with the number of samples."""
    counts = found.conditions("bound")
    first, last = counts[0], counts[-1]
    rise = found.difference("bound", last, first)
    steady = found.difference("elbo", last, first)
    ceiling = found.facts.get("evidence")
    highest = found.interval("bound", last)
    text = phrase(
        rise,
        f"The log of the mean weight rises by {rise.text('nats', 2)} from k = {first} to {last}",
        f"The log of the mean weight falls by {abs(rise.mean):.2f} nats from k = {first} to {last}",
        f"The log of the mean weight does not change that one could tell ({rise.text('nats', 2)})",
    )
    mean = phrase(steady, "rises too", "falls", "stays")
    exact = ""
    if ceiling is not None:
        kept = highest.mean <= ceiling + (highest.half if highest.count > 1 else 0.0)
        exact = (
            f" It {'stays below' if kept else 'has passed'} ln p(x) = {ceiling:z.2f} nats, the "
            f"exact "
            "value."
        )
    return Verdict(
        f"{text}; the mean log-weight, the ELBO, {mean} ({steady.text('nats', 2)}).{exact} "
        f"({found.evidence}.)",
        0 if rise.sign > 0 and steady.sign <= 0 else 1 if rise.sign > 0 else 2,
    )


def reparameterise(found: Measurement) -> Verdict:
    """Says how many steps every estimator needs."""
    most = found.facts["most"]
    steps = {name: found.interval("steps", name) for name in found.conditions("steps")}
    parts = []
    for name, value in steps.items():
        late = all(v >= most for v in found.values["steps"][name])
        taken = f"not within {most:.0f}" if late else value.text(digits=0)
        parts.append(f"{name} {taken}")
    first = "reparameterised"
    others = [name for name in steps if name != first]
    ahead = [found.difference("steps", name, first).sign for name in others]
    never = [n for n in others if all(v >= most for v in found.values["steps"][n])]
    if all(sign > 0 for sign in ahead):
        start = "The reparameterised gradient learns in the fewest steps"
        answer = 0 if len(never) == len(others) else 1
    elif any(sign < 0 for sign in ahead):
        start, answer = "The reparameterised gradient is not the fastest here", 2
    else:
        start, answer = "The order of the three cannot be told", None
    return Verdict(
        f"{start}. Steps until −ELBO is below {found.facts['level']:.2f} {NATS}: "
        f"{'; '.join(parts)}. Then, or at the end, −ELBO was {listed(found, 'final')}. "
        f"({found.evidence}.)",
        answer,
    )


def one_sample(found: Measurement) -> Verdict:
    """Says whether more samples for each image pay, at equal time and at equal steps."""
    counts = found.conditions("time")
    best = ranked(found, "time")[-1]
    most = counts[-1]
    time, steps = (found.difference(name, most, "1") for name in ("time", "steps"))
    words = ("one is better", f"{most} are better", "the two cannot be told apart")
    return Verdict(
        f"At equal time, {most} samples in place of one change −ELBO by {time.text('nats', 2)}: "
        f"{phrase(time, *words)}. At equal steps, by {steps.text('nats', 2)}: "
        f"{phrase(steps, *words)}. The lowest mean at equal time has {best}. −ELBO by samples: "
        f"{listed(found, 'time', NATS)}. ({found.evidence}.)",
        {1: 0, -1: 1, 0: 2}[time.sign],
    )


def batch(found: Measurement) -> Verdict:
    """Says which batch sizes are best at equal time and at equal steps."""
    time, steps = ranked(found, "time")[::-1], ranked(found, "steps")[::-1]
    level = [
        size
        for size in found.conditions("time")
        if size == time[0] or found.difference("time", size, time[0]).sign <= 0
    ]
    middle = [size for size in level if 32 <= int(size) <= 256]
    small = all(int(size) < 32 for size in level)
    together = f" (not told apart from it: {', '.join(s for s in level if s != time[0])})"
    return Verdict(
        f"At equal time the best batch is {time[0]}{together if len(level) > 1 else ''}, the worst "
        f"{time[-1]}. −ELBO by batch: {listed(found, 'time', NATS)}. At equal steps the best is "
        f"{steps[0]}, the worst {steps[-1]}: {listed(found, 'steps', NATS)}. ({found.evidence}.)",
        0 if time[0] in middle else 1 if small else 2 if not middle else None,
    )


LESSONS = (
    Lesson(
        id="posterior",
        question="Is the encoder's q(z|x) the true posterior?",
        text="The decoder and the prior fix a true posterior p(z|x) for every image: which codes "
        "could have made it. The encoder answers with an ellipse instead. With two latents the "
        "truth can be integrated, and for each image the best possible ellipse can be searched. "
        "What the ELBO misses then splits in two. Which part is larger?",
        choices=(
            "The encoder's part: it misses the best ellipse",
            "The shape's part: the truth is no ellipse",
            "There is no gap: q is the true posterior",
        ),
        verdict=posterior,
        why="ln p(x) − ELBO = KL(q(z|x) ‖ p(z|x)). It is the amortisation gap, of one network "
        "serving all images, plus the gap of the Gaussian family. The first shrinks with a better "
        "encoder, the second only with a richer family.",
        source="Cremer, Li & Duvenaud, 2018, arXiv:1801.03558",
        touch=(
            Link("See the posterior of one image", "latent-map", {"point": "58"}),
            Link("See ln p(x) of the whole test set", "trade-off", {}),
        ),
        experiment="gaps",
        charts=(Chart("gap", "missing from ln p(x), nats per image"),),
        words=("ellipse", "log_evidence"),
    ),
    Lesson(
        id="bound",
        question="Why is the ELBO only a bound?",
        text="Every sample z ~ q(z|x) gives a weight w = p(x|z) p(z) / q(z|x), whose mean is "
        "p(x). The ELBO is the mean of ln w. One can also take k samples and the log of their "
        "mean weight. What do more samples of z do?",
        choices=(
            "The log of the mean weight rises; the ELBO stays where it is",
            "Both rise",
            "Neither rises",
        ),
        verdict=bound,
        why="The logarithm is concave, so by Jensen the mean of ln w is at most the ln of the mean "
        "of w, which is ln p(x). With k weights the bound rises with k and tends to ln p(x); the "
        "mean of k log-weights only becomes steadier. Report which bound a number is, and its k.",
        source="Burda, Grosse & Salakhutdinov, 2016, arXiv:1509.00519, theorem 1",
        touch=(Link("See all three for a test set", "trade-off", {}),),
        panel="bounds",
        asked=("How do I evaluate it?",),
        words=("negative_elbo", "log_evidence"),
    ),
    Lesson(
        id="reparameterise",
        question="Does learning need the reparameterisation trick?",
        text="The gradient must pass through a random z. Reparameterised, z = μ + σε moves with "
        "μ and σ. The score function leaves z alone and asks how much likelier it becomes; a "
        "baseline steadies it. All three are right on average. The same VAE learns from each, "
        "until its −ELBO has come half the way.",
        choices=(
            "Only the reparameterised one gets there",
            "All get there, the reparameterised one in the fewest steps",
            "Another one is faster",
        ),
        verdict=reparameterise,
        why="The reparameterised estimate knows how the loss changes with z; the score function "
        "only knows its value, and multiplies it with noise. Its variance grows with the loss "
        "itself, here tens of nats, so that a step in a good direction is rare. A baseline takes "
        "the mean loss off, and not the rest.",
        source="Kingma & Welling, 2014, arXiv:1312.6114, section 2.4; Williams, 1992",
        touch=(Link("Watch a VAE learn", "train", {"preset": "digits-2d"}),),
        experiment="estimators",
        charts=(Chart("steps", "steps until half the way"),),
        panel="gradients",
        words=("sigma",),
    ),
    Lesson(
        id="one-sample",
        question="Is one sample of z per image enough?",
        text="The loss is an expectation over z, and training estimates it from a single sample "
        "for each image. More samples make a step steadier, but it costs more. Models trained "
        "with more and more samples, for the same seconds of a processor, and for the same "
        "number of steps.",
        choices=(
            "At equal time, one sample is better than many",
            "At equal time, many samples are better",
            "One cannot tell them apart",
        ),
        verdict=one_sample,
        why="Noise from z comes on top of noise from the choice of images: once the batch is "
        "large, more samples of z remove little of it. The encoder runs once for all samples, "
        "the decoder once for each, so the cost of a step grows almost in proportion.",
        source="Kingma & Welling, 2014, arXiv:1312.6114, section 2.3",
        touch=(Link("Train with another batch size", "train", {"preset": "digits-2d"}),),
        experiment="samples",
        charts=(
            Chart(
                "time", "test −ELBO at equal time, nats per image", "samples of z per image", True
            ),
            Chart(
                "steps", "test −ELBO at equal steps, nats per image", "samples of z per image", True
            ),
        ),
        panel="bounds",
        words=("negative_elbo",),
    ),
    Lesson(
        id="batch",
        question="Which batch size is best?",
        text="From one image a step to the whole training set at once: small batches make many "
        "cheap and noisy steps, large ones few and steady. All models get the same seconds of a "
        "processor; and once more the same number of steps.",
        choices=(
            "At equal time, a size from 32 to 256",
            "At equal time, a smaller one",
            "At equal time, a larger one",
        ),
        verdict=batch,
        why="A step's noise falls like one over the batch, its price rises with the batch only "
        "once the processor is busy. So there is a broad optimum at equal time. At equal steps a "
        "larger batch sees more images, and that comparison is not fair. The learning rate is "
        "the same for all; tuned for each, the optimum is broader.",
        source="McCandlish et al., An Empirical Model of Large-Batch Training, 2018, "
        "arXiv:1812.06162",
        touch=(
            Link(
                "Train with batches of your size", "train", {"preset": "digits-2d", "batch": "16"}
            ),
        ),
        experiment="batches",
        charts=(
            Chart("time", "test −ELBO at equal time, nats per image", "images per step", True),
            Chart("steps", "test −ELBO at equal steps, nats per image", "images per step", True),
        ),
        words=("negative_elbo",),
    ),
)
