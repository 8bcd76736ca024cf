"""The audit of a model: measured once, every question answered."""

from __future__ import annotations

from dataclasses import dataclass

from models.audit.checks import COLLAPSE, LATENT, LOSS, UNLEARNED, Check, all_checks
from models.audit.evidence import Evidence, Report, measure
from models.audit.subject import Subject

NAMES = {
    UNLEARNED: "nothing learned",
    COLLAPSE: "posterior collapse",
    LOSS: "a loss off its scale",
    LATENT: "an ignored latent",
}
"""The faults in words."""


@dataclass(frozen=True)
class Audit:
    """What was measured of a model, and what follows."""

    subject: Subject
    evidence: Evidence
    checks: tuple[Check, ...]

    @property
    def faults(self) -> list[str]:
        """The faults that were found, of `NAMES`, each once, in the order of the checks."""
        return list(dict.fromkeys(check.fault for check in self.checks if check.fault))

    @property
    def verdict(self) -> str:
        """One sentence without full stop.

        Example:
            >>> from pathlib import Path
            >>> from models.audit.subject import stored_model
            >>> shipped = Path(__file__).parents[2] / "checkpoints"
            >>> audit(stored_model(shipped / "digits-2d-beta-4.safetensors")).verdict
            'Fault found: posterior collapse'
        """
        if not self.faults:
            return "No fault found"
        noun = "Fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        return f"{noun} found: {', '.join(map(self._name, self.faults))}"

    def _name(self, fault: str) -> str:
        """A fault in words, as the check that found it has them."""
        names = (check.name for check in self.checks if check.fault == fault)
        return next(filter(None, names), NAMES[fault])


def audit(subject: Subject, report: Report = lambda _what: None) -> Audit:
    """Measures a model and answers every question of `models.audit.checks`.

    Args:
        subject: The model with its test images.
        report: Told what is being measured.

    Raises:
        ValueError: If there are too few images.
    """
    found = measure(subject, report)
    return Audit(subject, found, tuple(all_checks(subject, found)))
