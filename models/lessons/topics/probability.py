"""Lessons about surprise, densities and divergences."""

from __future__ import annotations

from models.lessons.lesson import Chart, Lesson, Link, Verdict, listed, phrase, ranked
from models.lessons.measurement import Interval, Measurement

NATS = "nats per image"


def surprise(found: Measurement) -> Verdict:
    """Says which formula gives the cost of a wrong belief."""
    cost = found.interval("nats", "cost of the belief")
    candidates = (0.0, found.facts["cross-entropy"] - found.facts["entropy"],
                  abs(found.facts["chance"] - found.facts["belief"]))  # fmt: skip
    borne = [i for i, value in enumerate(candidates) if abs(cost.mean - value) <= cost.half]
    names = ("nothing", "cross-entropy − entropy", "the difference of the two chances")
    values = ", ".join(f"{n} = {v:.3f}" for n, v in zip(names, candidates, strict=True))
    fits = " and ".join(names[i] for i in borne) or "none of the three"
    return Verdict(
        f"The belief cost {cost.text('nats per toss', 3)} more than the truth. The candidates are "
        f"{values} nats; the tosses agree with {fits}. ({found.evidence}.)",
        borne[0] if len(borne) == 1 else None,
    )


def density(found: Measurement) -> Verdict:
    """Says whether every other kind of image is less likely than the digits."""
    order = ranked(found, "evidence")
    others = [name for name in found.conditions("evidence") if name != "a digit"]
    signs = {name: found.difference("evidence", "a digit", name).sign for name in others}
    above = [name for name in others if signs[name] < 0]
    level = [name for name in others if signs[name] == 0]
    worst = found.interval("evidence", order[-1]).mean
    digit = found.interval("evidence", "a digit")
    single = min(found.values["evidence"]["a digit"])
    blank = found.interval("evidence", "a blank image").mean
    exception = (
        f" Yet the least likely of these digits, at {single:.1f} nats, is less likely than a blank "
        "image."
        if single < blank
        else ""
    )
    if above:
        start = f"No: {' and '.join(above)} got a higher p(x) than the digits."
    elif level:
        start = f"Not clearly: {' and '.join(level)} cannot be told from the digits."
    else:
        start = "On average, yes: every other kind of image is less likely than the digits."
    return Verdict(
        f"{start} Mean ln p(x): {listed(found, 'evidence', 'nats', 1)}. From the digits to "
        f"{order[-1]} it falls by {digit.mean - worst:.0f} nats.{exception} ({found.evidence}.)",
        1 if above else None if level else 2 if single < blank else 0,
    )


def gaussian(found: Measurement) -> Verdict:
    """Says whether the shape of the noise mattered."""
    difference = found.difference("elbo", "uniform ε", "normal ε")
    distance = {name: found.interval("distance", name) for name in found.conditions("distance")}
    shape = distance["uniform"].mean > 2 * distance["Box–Muller"].mean
    outcome = phrase(
        difference,
        f"training with it cost {abs(difference.mean):.2f} nats per image",
        f"training with it even gained {abs(difference.mean):.2f} nats per image",
        f"it made no difference that {difference.count} seeds can show "
        f"({difference.text(NATS)})",
    )  # fmt: skip
    return Verdict(
        f"Uniform noise of the same mean and variance is "
        f"{'far from' if shape else 'no farther than the others from'} normal: its distribution "
        f"function is off by up to {distance['uniform'].text(digits=3)}, that of the Box–Muller "
        f"numbers by {distance['Box–Muller'].text(digits=3)}. Yet scored with normal ε, "
        f"{outcome}. ({found.evidence}.)".replace("Yet", "And" if difference.sign > 0 else "Yet"),
        {1: 0, 0: 1, -1: 2}[difference.sign],
    )


def asymmetry(found: Measurement) -> Verdict:
    """Says which fit covers both lobes."""
    covered = found.difference("covered", "KL(p ‖ q)", "KL(q ‖ p)")
    wasted = found.difference("wasted", "KL(p ‖ q)", "KL(q ‖ p)")
    first, second = (found.interval("covered", name) for name in ("KL(q ‖ p)", "KL(p ‖ q)"))
    start = phrase(
        covered,
        "KL(q ‖ p), which a VAE minimises, keeps to less of the true posterior",
        "KL(q ‖ p), which a VAE minimises, covers more of the true posterior",
        "The two fits cover about as much of the true posterior",
    )
    price = phrase(
        wasted,
        "The wider fit pays by lying where there is nothing",
        "The fit by KL(q ‖ p) lies more where there is nothing",
        "Neither lies more where there is nothing",
    )
    return Verdict(
        f"{start}: {_percent(first)} of its mass within two standard deviations of q, against "
        f"{_percent(second)} for KL(p ‖ q). {price}: "
        f"{listed(found, 'wasted', digits=0, percent=True)} of q's own mass. ({found.evidence}.)",
        {1: 0, -1: 1, 0: 2}[covered.sign],
    )


def _percent(found: Interval) -> str:
    return found._replace(mean=100 * found.mean, half=100 * found.half).text("%", 0)


LESSONS = (
    Lesson(
        id="surprise",
        question="What does a wrong belief cost?",
        text="The surprise of an event is −ln of the probability one gave it, in nats. A coin "
        "shows heads with chance p, but you believe q. Averaged over many tosses, the truth is "
        "surprised by the entropy, you by the cross-entropy. How much more is that?",
        choices=(
            "Nothing: chance is chance",
            "Cross-entropy minus entropy, which is the KL divergence",
            "The difference between p and q",
        ),
        verdict=surprise,
        why="H(p, q) = −Σ p ln q splits into H(p) + KL(p ‖ q). The KL divergence is what a wrong "
        "belief costs per event; it is zero only for the right belief. A VAE pays it for every "
        "image: KL(q(z|x) ‖ p(z)) is how much the code of this image surprises someone who "
        "believes in the prior.",
        source="Shannon, A Mathematical Theory of Communication, 1948; Kullback & Leibler, On "
        "Information and Sufficiency, 1951",
        touch=(Link("See what one digit's code costs", "latent-map", {"point": "58"}),),
        panel="coin",
        words=("kl", "nats"),
    ),
    Lesson(
        id="density",
        question="Is a realistic image more likely than noise?",
        text="A model of digits gives every image a density p(x). With two latents it is exact: an "
        "integral over the whole plane. Here are digits, and images made from nothing or spoilt. "
        "All are binarised first, for this likelihood is one of black and white pixels. Which do "
        "you expect?",
        choices=(
            "Every digit is more likely than everything else",
            "Something that is no digit is more likely than the digits on average",
            "Digits win on average, but a blank image beats some of them",
        ),
        verdict=density,
        why="ln p(x) = ln ∫ p(x|z) p(z) dz adds up over the pixels. An image of simple pixels can "
        "therefore be likelier than a complicated digit: likely is not the same as typical. Note "
        "the unit: a difference of a few nats is a factor of e to that power.",
        source="Nalisnick et al., Do Deep Generative Models Know What They Don't Know?, 2019, "
        "arXiv:1810.09136",
        touch=(
            Link("Draw something that is no digit", "latent-map", {"panel": "draw"}),
            Link("See ln p(x) beside the ELBO", "trade-off", {}),
        ),
        experiment="density",
        charts=(Chart("evidence", "ln p(x), nats per image"),),
        asked=("How do I evaluate it?",),
        words=("log_evidence", "nats"),
    ),
    Lesson(
        id="gaussian",
        question="Must the noise ε be Gaussian?",
        text="The trick writes a code as z = μ + σε with ε from N(0, 1). Computers draw uniform "
        "numbers; Box and Muller turned two of them into a normal one. Suppose someone forgot, and "
        "trained with uniform ε of the same mean and variance. Both models are scored as the "
        "formula says, with normal ε.",
        choices=(
            "The model trained with uniform ε scores worse",
            "No difference that one could see",
            "The model trained with uniform ε scores better",
        ),
        verdict=gaussian,
        why="q(z|x) is Gaussian because the closed form of its KL says so; ε only has to match it. "
        "To second order the decoder feels nothing of ε but its mean and variance, so other noise "
        "trains nearly as well. But the number is then no ELBO: z is not from the q whose KL was "
        "charged. ε = √(−2 ln u₁) cos 2πu₂ makes it right.",
        source="Box & Muller, A Note on the Generation of Random Normal Deviates, 1958; Kingma & "
        "Welling, 2014, arXiv:1312.6114, section 2.4",
        touch=(Link("See q(z|x) as ellipses", "latent-map", {"look": "posterior:all"}),),
        experiment="noises",
        charts=(
            Chart("elbo", "test −ELBO, nats per image"),
            Chart("distance", "largest difference from normal"),
        ),
        panel="noise",
        words=("negative_elbo",),
    ),
    Lesson(
        id="asymmetry",
        question="KL: which way round?",
        text="Some digits could have come from two places: their true posterior p(z|x) has two "
        "lobes. We fit one Gaussian q to it, once by the KL that a VAE minimises, KL(q ‖ p), and "
        "once by the other, KL(p ‖ q). Which happens?",
        choices=(
            "KL(q ‖ p) keeps to less of the posterior, KL(p ‖ q) covers both lobes",
            "KL(q ‖ p) covers more of the posterior",
            "Both fits cover about as much",
        ),
        verdict=asymmetry,
        why="KL(q ‖ p) = E_q[ln q − ln p] is huge where q is but p is not, so q avoids the valley "
        "and takes one lobe. KL(p ‖ q) = E_p[ln p − ln q] is huge where p is but q is not, so q "
        "stretches over both. A VAE can only use the first: it can draw from q, not from p(z|x).",
        source="Minka, Divergence Measures and Message Passing, 2005",
        touch=(Link("See the posterior of one image", "latent-map", {"point": "58"}),),
        experiment="lobes",
        charts=(
            Chart("covered", "share of the posterior covered"),
            Chart("wasted", "share of q where nothing is"),
        ),
        panel="divergences",
        asked=("KL which way round?",),
        words=("kl", "ellipse"),
    ),
)
