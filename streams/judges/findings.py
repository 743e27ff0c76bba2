"""A finding: one standard that one subject breaks, with the numbers that prove it."""

from typing import Any, NamedTuple

from schemas.findings import SEVERITIES, Severity
from streams.standards.standard import Standard

_OBSERVED_CHARACTERS = 1024


class Finding(NamedTuple):
    """What a judge found; the recorder makes a row and an announcement of it."""

    standard: Standard
    subject: str
    field: str
    observed: str | None
    expected: str
    severity: Severity
    evidence: dict[str, Any]

    @property
    def observed_clipped(self) -> str | None:
        """`observed` as far as its column holds."""
        return None if self.observed is None else self.observed[:_OBSERVED_CHARACTERS]


def lowered(severity: Severity, steps: int) -> Severity:
    """The severity so many steps further down; never below info."""
    return SEVERITIES[max(0, SEVERITIES.index(severity) - steps)]
