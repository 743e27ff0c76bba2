"""What one rule saw in one file, before it is graded: the numbers, the condition they meet, what lowers it."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from schemas.findings import Severity


@dataclass(slots=True)
class Found:
    """A rule whose condition is met by `delta_ns`, as far as `delta_ns` exceeds `allowed_ns`.

    The standard's severity is the most that a rule can say; `steps_down` and `at_most` lower it, and `gates` and
    `explained_by` say why. Without a `delta_ns` the condition is no comparison and has no margin.
    """

    rule: str
    """Its name in the reference: H1 ... H24, G1, F10."""
    code: str
    field: str
    observed: str
    expected: str
    condition: str
    """In numbers, as a person would check it."""
    delta_ns: int | None = None
    allowed_ns: int = 0
    steps_down: int = 0
    at_most: Severity = "critical"
    is_sign: bool = False
    """Whether it is only what a tool prints on a file: never proof, however many signs there are."""
    explained_by: str = "none"
    hint: str = ""
    """What else makes such a file."""
    gates: list[str] = dataclass_field(default_factory=list)
    tags: list[str] = dataclass_field(default_factory=list)
    numbers: dict[str, Any] = dataclass_field(default_factory=dict)

    @property
    def is_indeterminate(self) -> bool:
        """Whether the difference is no greater than what the clocks and stamps leave open."""
        return self.delta_ns is not None and self.delta_ns <= self.allowed_ns

    def lower(self, steps: int, gate: str) -> None:
        """Take severity off for a gate that is not fully open."""
        self.steps_down += steps
        self.gates.append(gate)

    def explain(self, by: str, at_most: Severity, **numbers: Any) -> None:
        """Name what would make such a file honestly; the first explanation is the one that is named."""
        if self.explained_by == "none":
            self.explained_by = by
        self.at_most = min(self.at_most, at_most, key=ORDER.index)
        self.numbers |= numbers


ORDER: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
