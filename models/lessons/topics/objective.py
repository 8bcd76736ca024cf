"""Lessons about the objective: its signs, its scale, its pull on every code, and its scores."""

from __future__ import annotations

from models.lessons.lesson import Chart, Lesson, Link, Verdict, listed, phrase
from models.lessons.measurement import Measurement

NATS = "nats per image"


def signs(found: Measurement) -> Verdict:
    """Writes both views of one image, and which term is larger."""
    term = {name: found.interval("term", name) for name in found.conditions("term")}
    fit, cost = term["E[ln p(x|z)]"], term["−KL"]
    elbo = found.interval("term", "ELBO")
    larger = abs(fit.mean) - abs(cost.mean)
    which = "reconstruction" if larger > 0 else "KL" if larger < 0 else "neither"
    perfect = found.facts["perfect gaussian"]
    return Verdict(
        f"To be maximised: ELBO = {fit.mean:z.2f} {_signed(cost.mean)} = {elbo.mean:z.2f} nats. To "
        f"be minimised, the same with the signs turned: loss = {-fit.mean:z.2f} "
        f"{_signed(-cost.mean)} = {-elbo.mean:z.2f} nats. Most of it is "
        f"{'the ' if which != 'neither' else ''}{which}. Can the loss be negative? "
        f"{_negative(perfect)} (ELBO: {elbo.text(NATS)}; {found.evidence}.)",
        {"reconstruction": 0, "KL": 1, "neither": None}[which],
    )


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'} {abs(value):.2f}"


def _negative(perfect: float) -> str:
    """Whether a perfect reconstruction under a sharp Gaussian likelihood makes D negative."""
    here = f"a perfect reconstruction of an image of this size would have D = {perfect:z.1f} nats"
    if perfect < 0:
        return (
            f"Under a Gaussian likelihood with small σ it can, for a density may exceed 1: {here}."
        )
    return f"Not with this σ: {here}."


def zero_one(found: Measurement) -> Verdict:
    """Says what pulls codes to the prior, and what pushes them away."""
    kl = found.interval("pull of μ", "KL"), found.interval("pull of ln σ", "KL")
    other = (
        found.interval("pull of μ", "reconstruction"),
        found.interval("pull of ln σ", "reconstruction"),
    )
    pulls, resists = all(p.sign > 0 for p in kl), all(p.sign < 0 for p in other)
    joins = all(p.sign > 0 for p in other)
    does = "pulls" if pulls else "does not pull"
    reaction = "pushes back" if resists else "pulls the same way" if joins else "does not push back"
    answer = 0 if pulls and resists else 1 if pulls and joins else 2 if not pulls else None
    return Verdict(
        f"The KL {does} μ to 0 ({kl[0].text(digits=2)}) and σ to 1 ({kl[1].text(digits=2)}); the "
        f"reconstruction {reaction} ({other[0].text(digits=2)} on μ, {other[1].text(digits=2)} on "
        "ln σ). Positive is towards the prior, in nats per unit of μ and of ln σ. "
        f"({found.evidence}.)",
        answer,
    )


def test_time(found: Measurement) -> Verdict:
    """Says which of the two gives the lower number, and what it may be used for."""
    difference = found.difference("distortion", "z sampled", "z = μ")
    outcome = phrase(
        difference,
        f"The mean scores better by {difference.text(NATS)}",
        f"The mean scores worse, by {difference.text(NATS)}",
        f"No difference shows ({difference.text(NATS)})",
    )
    return Verdict(
        f"{outcome}. D by {listed(found, 'distortion', NATS)}. Only the sampled D belongs in an "
        "ELBO; the other is a bound of nothing. Use μ to draw and to compare pictures, and samples "
        f"of z to report scores. ({found.evidence}.)",
        {1: 0, -1: 1, 0: 2}[difference.sign],
    )


def log_variance(found: Measurement) -> Verdict:
    """Says whether the way σ is written matters, and how often it would be invalid."""
    soft = found.difference("elbo", "softplus σ", "ln σ²")
    plain = found.difference("elbo", "σ itself", "ln σ²")
    invalid = found.interval("invalid", "σ itself")
    worse = [n for n, d in (("softplus", soft), ("σ itself", plain)) if d.sign > 0]
    better = [n for n, d in (("softplus", soft), ("σ itself", plain)) if d.sign < 0]
    outcome = "neither of the others did worse that one could tell"
    if worse:
        outcome = f"{' and '.join(worse)} did worse than ln σ²"
    elif better:
        outcome = f"{' and '.join(better)} did better than ln σ²"
    return Verdict(
        f"A raw output cannot be σ: {100 * invalid.mean:.0f} % of an untrained encoder's are not "
        f"above zero. Once made positive, {outcome}. −ELBO by {listed(found, 'elbo', NATS)}. "
        f"({found.evidence}.)",
        0 if worse else 2 if better else 1,
    )


def loss_scale(found: Measurement) -> Verdict:
    """Says what β a mean squared error over these pixels with KL weight one is."""
    beta = found.interval("beta", "mean squared error + KL").mean
    pixels = found.facts["pixels"]
    threshold = found.facts.get("threshold")
    lands = ""
    if threshold is not None:
        side = "above" if beta > threshold else "below"
        lands = (
            f" Collapse on these images is predicted above β = {threshold:.2f}, so this loss is "
            f"{side} it."
        )
    which = "below 1" if beta < 1 else "above 1" if beta > 1 else "1"
    return Verdict(
        f"With {pixels:.0f} pixels, mean squared error plus KL is a Gaussian likelihood of σ = 1 "
        f"with β = {beta:.4g}, which is {which}.{lands}",
        1 if beta < 1 else 2 if beta > 1 else 0,
    )


LESSONS = (
    Lesson(
        id="signs",
        question="Is the ELBO maximised or minimised?",
        text="Papers maximise the ELBO, programs minimise a loss, and the terms change their signs "
        "on the way. Here are the terms of one image, in nats: how well its code explains it, "
        "E[ln p(x|z)], and what the code costs, KL. Which term is the larger part of the loss?",
        choices=("The reconstruction", "The KL"),
        verdict=signs,
        why="ELBO = E[ln p(x|z)] − KL(q(z|x) ‖ p(z)); loss = −ELBO = D + R with D = −E[ln p(x|z)] "
        "and R = KL. R is never negative. D is never negative for black and white pixels, whose "
        "p(x|z) is a probability; for grey pixels it is a density and may exceed 1.",
        source="Kingma & Welling, 2014, arXiv:1312.6114, equation 3",
        touch=(Link("See D and R of every image", "latent-map", {"colour": "elbo"}),),
        panel="terms",
        asked=("Can the loss be negative?",),
        words=("negative_elbo", "distortion", "rate"),
    ),
    Lesson(
        id="mse",
        question="Sum or mean? MSE or BCE?",
        text="Every loss of a VAE is an ELBO with some β and some σ, whether its author knew it or "
        "not. Choose a loss below, or paste its code, and see which. Before you do: someone uses "
        "the mean squared error over pixels, and adds the KL with weight one. What did they train?",
        choices=(
            "A VAE with β = 1",
            "A VAE with β below 1: the KL weighs too little",
            "A VAE with β above 1: the KL weighs too much",
        ),
        verdict=loss_scale,
        why="Squared error is a Gaussian likelihood: SSE / 2σ² + constant. Sums over pixels and "
        "latents, averaged over the batch, keep the nats. A mean over the d pixels divides D by d, "
        "which is the same as multiplying β by d. Binary cross-entropy is a likelihood of black "
        "and white pixels; which of both fits depends on the images, and their nats cannot be "
        "compared.",
        source="Rybkin, Daniilidis & Levine, 2021, arXiv:2006.13202; Lucas et al., 2019, "
        "arXiv:1911.02469",
        touch=(
            Link("Train with your own β", "train", {"preset": "digits-2d"}),
            Link("See where a β lands", "trade-off", {"curve": "digits-2d-multirate"}),
        ),
        panel="doctor",
        asked=("How do I weight the KL: sum or mean?", "MSE or BCE?"),
        words=("beta", "likelihood"),
    ),
    Lesson(
        id="zero-one",
        question="What pulls a code to (0, 1)?",
        text="The prior is N(0, 1), so the KL wants every μ at zero and every σ at one. Yet the "
        "codes of a trained model lie apart and are narrow. Here are the forces on the codes of "
        "real images: minus the gradients of R and of D. What do you expect?",
        choices=(
            "The KL pulls to the prior, the reconstruction pushes away",
            "Both pull to the prior",
            "The KL does not pull to the prior",
        ),
        verdict=zero_one,
        why="−∂KL/∂μ = −μ and −∂KL/∂ln σ = 1 − σ²: the farther off, the stronger. D resists "
        "because images must be told apart: it wants means far apart and σ small. Training ends "
        "where both forces cancel. If nothing resists, the code becomes the prior: collapse.",
        source="Kingma & Welling, 2014, arXiv:1312.6114, appendix B",
        touch=(
            Link("See the ellipses of all codes", "latent-map", {"look": "posterior:all"}),
            Link(
                "See a model where nothing resists", "collapse", {"collapsed": "digits-2d-beta-4"}
            ),
        ),
        panel="posteriors",
        words=("kl", "prior"),
    ),
    Lesson(
        id="test-time",
        question="At test time: sample z, or take its mean?",
        text="The encoder gives a mean μ and a deviation σ. When a test image is scored, z can be "
        "drawn from q(z|x) or set to μ. Both are done in public code. What does it change?",
        choices=(
            "The mean gives the better number",
            "The mean gives the worse number",
            "No difference",
        ),
        verdict=test_time,
        why="The ELBO is an expectation over q(z|x). With z = μ the decoder sees the best-fitting "
        "code only, while R still charges for a vague one: the sum is no bound of ln p(x). The "
        "difference is, to second order, ½ Σ σ² times the curvature of D.",
        source="Kingma & Welling, 2014, arXiv:1312.6114, equation 8",
        touch=(Link("Compare both on one image", "latent-map", {"point": "58"}),),
        panel="test-time",
        asked=("Sample or mean at test time?",),
        words=("distortion", "ellipse"),
    ),
    Lesson(
        id="log-variance",
        question="Why does the encoder give ln σ²?",
        text="A network's output can be any number; σ must be above zero. One can take the output "
        "as ln σ², pass it through softplus, or drop its sign. Three otherwise equal models, "
        "trained on digits. Which do you expect?",
        choices=(
            "At least one of the others does worse than ln σ²",
            "No difference that one could see",
            "At least one of the others does better",
        ),
        verdict=log_variance,
        why="σ = exp(½ ln σ²) is positive for every output, and the KL needs ln σ² anyway: ½ (μ² "
        "+ σ² − 1 − ln σ²). Its gradient by ln σ² is ½ (σ² − 1), which stays finite as σ → 0; "
        "that by σ itself is σ − 1/σ, which does not.",
        source="Kingma & Welling, 2014, arXiv:1312.6114, appendix C",
        touch=(Link("Watch σ while a model learns", "train", {"preset": "digits-2d"}),),
        experiment="variances",
        charts=(Chart("elbo", "test −ELBO, nats per image"),),
        asked=("Why log-variance?",),
        words=("ellipse", "negative_elbo"),
    ),
)
