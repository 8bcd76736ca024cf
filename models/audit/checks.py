"""The checks of an audit: each says what holds, by which numbers, and what would change it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.audit.evidence import Evidence
from models.audit.subject import Subject
from models.metrics.collapse import ACTIVE_KL, ACTIVE_VARIANCE, IGNORED
from models.metrics.latent_use import REACH, LatentUse
from models.metrics.statistics import Estimate
from models.theory.loss_scale import BINARY, REDUCTIONS, SQUARED, LossForm, loss_scale

WIDTH = 1.96
"""Standard errors to both sides of a 95 % interval."""
OFF = 2.0
"""Factor between the β that is claimed and the β that was measured which counts as a fault."""
ALIKE = 1.25
"""Factor within which a measured β may be that of a known reduction."""
EARNED = 0.5
"""Share of its price, β times its rate, that a latent must be worth."""

LOSS, COLLAPSE, LATENT, UNLEARNED = "loss", "collapse", "latent", "unlearned"
"""The faults that an audit names."""


@dataclass(frozen=True)
class Check:
    """One question to a model and its answer.

    Attributes:
        question: What is asked.
        fault: The fault that was found: one of `LOSS`, `COLLAPSE`, `LATENT`, `UNLEARNED`; empty
            if there is none.
        answer: In a few words.
        because: The sentences behind it, each number with unit and interval.
        change: What would change the answer.
        is_known: Whether it could be answered at all.
        name: Of the fault, where more is known of it than its kind.
    """

    question: str
    fault: str
    answer: str
    because: str
    change: str
    is_known: bool = True
    name: str = ""


def all_checks(subject: Subject, found: Evidence) -> list[Check]:
    """Answers every question that can be asked of the model."""
    checks = [check_learning(found)]
    if found.rate is not None:
        checks += [
            check_collapse(subject, found),
            check_loss(subject, found),
            check_latents(subject, found),
        ]
    return checks


def interval(value: Estimate, digits: int = 2) -> str:
    """Writes a mean with its 95 % interval, without the unit.

    Example:
        >>> interval(Estimate(1.0, 0.1))
        '1.00 (0.80 to 1.20)'
    """
    half = WIDTH * value.standard_error
    low, high = value.mean - half, value.mean + half
    return f"{value.mean:z.{digits}f} ({low:z.{digits}f} to {high:z.{digits}f})".replace("-", "−")


def check_learning(found: Evidence) -> Check:
    """Whether the model is better than one constant image."""
    gain = Estimate(found.constant - found.distortion.mean, found.distortion.standard_error)
    question = "Does it reconstruct better than one constant image?"
    because = (
        f"D is {interval(found.distortion)} nats/image. The best constant image, their mean, "
        f"has {found.constant:z.2f}, so the model gains {interval(gain)} nats/image."
    )
    change = f"It changes where D passes {found.constant:z.2f} nats/image."
    if found.wrong:
        return Check(
            question, UNLEARNED, "No, it is worse", f"{because} Here {found.wrong}.", change
        )
    if gain.mean > WIDTH * gain.standard_error:
        return Check(question, "", "Yes", because, change)
    has_collapsed = found.diagnosis is not None and found.diagnosis.verdict == "collapsed"
    fault = COLLAPSE if has_collapsed else UNLEARNED  # of a collapsed model it is no second fault
    return Check(question, fault, "No, it is no better", because, change)


def check_collapse(subject: Subject, found: Evidence) -> Check:
    """Whether the posterior has collapsed, and whether it had to."""
    diagnosis, response = found.diagnosis, found.response
    active = diagnosis.collapsed.count(False)
    share = Estimate(100 * response.mean, 100 * response.standard_error)
    told = found.information
    because = (
        f"{active} of {found.latents} latents are active. R is {interval(found.rate)} nats/image "
        f"and I(x; z) of the codes {interval(told.mutual_information)} nats, of at most ln N = "
        f"{told.ceiling:.2f}. Decoded samples of the prior differ by {interval(share, 0)} % of "
        "what the images do."
    )
    change = (
        f"A latent counts as active if it costs more than {ACTIVE_KL:g} nats/image and the "
        f"variance of its mean is above {ACTIVE_VARIANCE:g} (prior: 1). A model counts as "
        "collapsed if no latent is active, or if decoded samples differ by less than "
        f"{100 * IGNORED:.0f} % of what the images do."
    )
    question = "Has the posterior collapsed to the prior?"
    if diagnosis.verdict == "collapsed":
        because = f"{because} {_had_to(subject.beta, found)}".strip()
        return Check(question, COLLAPSE, "Yes: posterior collapse", because, change)
    return Check(question, "", "No", because, change)


def _had_to(beta: float, found: Evidence) -> str:
    """Whether the collapse follows from β."""
    if found.threshold is None:
        return ""
    low, high = found.threshold.interval()
    star = f"β* = {found.threshold.estimate:.2f} ({low:.2f} to {high:.2f}), from these images alone"
    if beta > high:
        return f"It had to: β = {beta:g} is above {star}; a β below it ends the collapse."
    if beta < low:
        return f"It did not have to: β = {beta:g} is below {star}, where collapse is unstable."
    return f"Whether it had to is open: β = {beta:g} lies within the interval of {star}."


def check_loss(subject: Subject, found: Evidence) -> Check:
    """Whether the loss weighs R against D as the settings say."""
    question = "Does the loss weigh R against D as it says?"
    claimed = f"β = {subject.beta:g}"
    if reason := _no_claim(subject):
        return Check(question, "", "Not asked", reason, "", is_known=False)
    if found.beta is None or found.diagnosis.verdict == "collapsed":
        return _loss_of_collapsed(question, subject, found)
    if _is_assumed(subject) and subject.config.model.likelihood_properties.sigma == "fitted":
        return _only_measured(question, subject, found)
    half = WIDTH * found.beta.standard_error
    low, high = found.beta.mean - half, found.beta.mean + half
    because = (
        f"Its posteriors are as wide as those of β = {interval(found.beta, 3)}; {claimed} is "
        f"{_source(subject)}. This β is read off how D and R answer when every posterior is made "
        "a little wider: whatever the loss says, training ends where D + βR no longer falls."
    )
    change = (
        f"It is a fault if the whole interval lies outside {subject.beta / OFF:.3g} to "
        f"{subject.beta * OFF:.3g}, a factor of {OFF:g} around the β that is claimed."
    )
    if subject.beta / OFF <= high and low <= subject.beta * OFF:
        return Check(question, "", "Yes", because, change)
    ratio = found.beta.mean / subject.beta
    reduction = _reduction(ratio, subject, found)
    if reduction:
        because += f" That is {ratio:.3g} times as much: {reduction}."
        return _mean_reduced(question, f"{because} {_SUM}", change)
    because += f" That is {ratio:.3g} times as much. {_TOO_MUCH if ratio > 1 else _TOO_LITTLE}"
    return Check(question, LOSS, "No: the loss is off its scale", because, change)


def _mean_reduced(
    question: str, because: str, change: str, name: str = "a mean-reduced loss"
) -> Check:
    """The fault of a mean where there should be a sum."""
    return Check(question, LOSS, f"No: {name}", because, change, name=name)


_SUM = (
    "Sum the reconstruction over pixels and the KL over latents, and average both over the batch."
)
_TOO_MUCH = (
    "A mean over pixels in place of a sum, or a σ of the pixels that is set too large, does that."
)
_TOO_LITTLE = (
    "A mean over latents or over the batch in the KL alone, a reconstruction summed over the "
    "batch, or a σ of the pixels that is set too small, does that."
)


def _source(subject: Subject) -> str:
    """Where the claimed β comes from."""
    if not subject.is_custom:
        return "what its settings say"
    return "assumed, as the adapter names no beta" if _is_assumed(subject) else _SAID


_SAID = "what the adapter says"


def _is_assumed(subject: Subject) -> bool:
    """Whether nobody has said which β it was trained with."""
    return any("β is not known" in note for note in subject.notes)


def _only_measured(question: str, subject: Subject, found: Evidence) -> Check:
    """Of a Gaussian likelihood whose σ and β nobody has named, there is nothing to be held to."""
    because = (
        f"Its posteriors are as wide as those of β = {interval(found.beta, 3)}, with σ = "
        f"{subject.config.model.sigma:.3g} as fitted to these images. A squared error fixes only "
        "βσ², and the adapter names neither."
    )
    change = 'Name beta, and likelihood = "gaussian" with sigma, in the adapter to have it judged.'
    return Check(question, "", "Only measured", because, change, is_known=False)


def _no_claim(subject: Subject) -> str:
    """Why the settings claim no β; empty if they do."""
    objective = subject.config.objective
    if objective.beta == 0:
        return "β is 0: R does not enter the loss."
    if not subject.is_custom and (objective.free_bits or objective.capacity):
        return "The remedy of its training (free bits or capacity) weighs R in another way than β."
    return ""


def _loss_of_collapsed(question: str, subject: Subject, found: Evidence) -> Check:
    """Of a collapsed model β cannot be measured; but some β cannot lead there."""
    if found.diagnosis.verdict != "collapsed":
        return Check(
            question, "", "Not known",
            "The posteriors are so near to the prior that they tell nothing of β.",
            "It can be told once R falls by more than 0.05 nats/image for each unit of ln σ².",
            is_known=False,
        )  # fmt: skip
    if found.threshold is None:
        return Check(
            question, "", "Not known",
            "The posterior has collapsed, and a collapsed model no longer tells its β.",
            "It can be told where β* is known: with more images, or another likelihood.",
            is_known=False,
        )  # fmt: skip
    low, high = found.threshold.interval()
    beta, star = subject.beta, f"β* = {found.threshold.estimate:.2f} ({low:.2f} to {high:.2f})"
    if beta > high:
        reduction = _reduction(beta, subject, found)
        because = (
            f"β = {beta:g} is {_source(subject)}, above {star}: the collapse is what such a loss "
            "asks for."
        )
        change = f"It changes with a β below {low:.2f}."
        if not reduction:
            return Check(question, "", "As far as can be told, yes", because, change)
        because += f" Such a β is {reduction}. {_SUM}"
        return _mean_reduced(question, because, change)
    likely = [name for scale, name in _reductions(subject, found) if scale * beta > high]
    change = (
        f"It changes if the β that training really used was above {low:.2f}, or if training merely "
        "stopped before it left the collapsed state (a few hundred more steps decide)."
    )
    if beta >= low or not subject.is_custom or not likely:
        because = f"{_source(subject).capitalize()}: β = {beta:g}, beside {star}. {_OPEN}"
        return Check(question, "", "Not known", because, change, is_known=False)
    because = (
        f"β = {beta:g} is {_source(subject)}, but minimising D + βR with a β below {star} leads "
        "out of collapse, and this model has collapsed. So its loss probably weighs R more than "
        f"that: usually {likely[0]}. {_SUM}"
    )
    return _mean_reduced(question, because, change, "probably a mean-reduced loss")


_OPEN = "The posterior has collapsed, and a collapsed model no longer tells its β."


def _reductions(subject: Subject, found: Evidence) -> list[tuple[float, str]]:
    """By how much a forgotten sum multiplies β, and the name of each, largest first."""
    is_binary = subject.config.model.likelihood_properties.is_binary
    kind = BINARY if is_binary else SQUARED
    one = loss_scale(LossForm(kind), found.pixels, found.latents, 1).beta
    scales = {}
    for latents in REDUCTIONS:
        form = LossForm(kind, pixels="mean", kl_latents=latents)
        scale = loss_scale(form, found.pixels, found.latents, 1).beta / one
        both = f" and over the {found.latents} latents" if latents == "mean" else ""
        scales.setdefault(
            scale,
            f"a mean over the {found.pixels} pixels{both} in place of a sum, which makes β "
            f"{scale:g} times as large",
        )
    return sorted(scales.items(), reverse=True)


def _reduction(ratio: float, subject: Subject, found: Evidence) -> str:
    """The reduction that multiplies β by about this ratio; empty if none does."""
    for scale, name in _reductions(subject, found):
        if scale > OFF and abs(math.log(ratio / scale)) <= math.log(ALIKE):
            return name
    return ""


def check_latents(subject: Subject, found: Evidence) -> Check:
    """Whether every latent is used, or at least could be."""
    question = "Is every latent used?"
    change = (
        f"A latent is ignored if no pixel changes by a grey level (1/255 of white) as it goes from "
        f"−{REACH:g} to {REACH:g}, or if D rises by less than {100 * EARNED:.0f} % of β times its "
        "rate when it is replaced by noise."
    )
    if found.diagnosis.verdict == "collapsed":
        answer = "No, as the posterior has collapsed"
        return Check(question, COLLAPSE, answer, "Its cause is above.", change)
    ignored, idle = [], []
    for number, use in enumerate(found.use, 1):
        if reason := _ignored(use, subject.beta):
            ignored.append(f"z{number}: {reason}")
        elif not use.is_active:
            idle.append(f"z{number}")
    parts = [f"{found.latents - len(ignored) - len(idle)} of {found.latents} are used."]
    if idle:
        parts.append(
            f"Switched off, though the decoder would answer: {', '.join(idle)}. They cost nothing; "
            "that is usual where there are more latents than the images need."
        )
    if not ignored:
        return Check(question, "", "Not all" if idle else "Yes", " ".join(parts), change)
    parts.append(f"Ignored: {'; '.join(ignored)}.")
    noun = "latent is" if len(ignored) == 1 else "latents are"
    answer = f"No: {len(ignored)} {noun} ignored"
    return Check(question, LATENT, answer, " ".join(parts), change)


def _ignored(use: LatentUse, beta: float) -> str:
    """Why a latent counts as ignored; empty if it does not."""
    if not use.is_read:
        return (
            f"the decoder does not read it: no pixel changes by more than {use.response:.1g} "
            f"(white is 1), and it costs {interval(use.rate)} nats/image"
        )
    most = use.worth.mean + WIDTH * use.worth.standard_error
    least = use.rate.mean - WIDTH * use.rate.standard_error
    if use.is_active and most < EARNED * beta * least:
        return (
            f"it costs {interval(use.rate)} nats/image, but without it D rises by "
            f"{interval(use.worth)} nats/image only"
        )
    return ""
