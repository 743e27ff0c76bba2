"""The rules of one reading, each beside its reference number; what they have in common is in `episodes.py`.

Notation: thr is the protocol's threshold, offset > 0 is fast, bound = |offset| + root dispersion + half the root
delay (else half the round trip) + 15 ppm of the age. `holds` begins an alert and keeps it, `clear` counts
towards its end, and a reading that is neither leaves it as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streams.judges.clocks.facts import Facts, root_distance_microseconds
from streams.judges.clocks.state import Kind, Severity
from streams.judges.clocks.statistics import plain

CRITICAL_FACTOR = 10
CLEAR_FRACTION = 0.5
"""Below half of a limit a clock is clear of it; between that and the limit an alert stays as it is."""
ROOT_DISTANCE_WARNING, ROOT_DISTANCE_CRITICAL = 1_500_000.0, 3_466_080.0
"""Microseconds; the larger one is where an NTP client gives its source up (MAXDIST and PHI * 2^maxpoll)."""
_LEAST_MOVEMENT = 0.05
"""A prediction needs a movement of at least this part of the threshold over the window ..."""
_LEAST_SIGNIFICANCE = 6.0
"""... and a slope of six of its standard errors: chance makes one of eight readings once in a thousand times."""
_LOCAL_STRATUM = 10
_LOCAL_REFERENCES = ("7F7F01", "127.127.1.", "LOCL", ".LOCL.", "LCL")


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule that a reading meets, with the numbers that show it."""

    observed: str
    expected: str
    severity: Severity = "warning"
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with an alert that begins and ends."""

    code: str
    kind: Kind
    holds: Callable[[Facts], Condition | None]
    clear: Callable[[Facts], bool]
    each_reading: bool = False
    """Whether every reading that meets it is a violation, and not only the one that begins the alert."""


def offset_holds(facts: Facts) -> Condition | None:
    """C1 and C3: |offset| > thr; of a browser |offset| - rtt/2 > thr. Critical beyond ten times thr."""
    threshold = facts.own.threshold
    if facts.proven_offset <= threshold:
        return None
    critical = abs(facts.offset) > CRITICAL_FACTOR * threshold
    expected = f"|offset| <= {threshold} microseconds"
    evidence: dict[str, Any] = {"excess_microseconds": max(0, abs(facts.offset) - threshold)}
    if facts.reading.protocol == "Browser" and facts.reading.rtt_microseconds is not None:
        expected = f"|offset| - rtt/2 <= {threshold} microseconds"
        evidence["proven_offset_microseconds"] = facts.proven_offset
    return Condition(str(facts.offset), expected, "critical" if critical else "warning", evidence)


def offset_clear(facts: Facts) -> bool:
    """C4: |offset| < thr/2, said by a clock that is synchronised."""
    return not facts.unsynchronised and abs(facts.offset) < CLEAR_FRACTION * facts.own.threshold


def offset_warning_holds(facts: Facts) -> Condition | None:
    """C1, the lesser limit: warn < |offset| <= thr."""
    warning = facts.own.warning
    if not warning or not warning < facts.proven_offset or abs(facts.offset) > facts.own.threshold:
        return None
    return Condition(
        str(facts.offset), f"|offset| <= {warning} microseconds", evidence={"warning_microseconds": warning}
    )


def offset_warning_clear(facts: Facts) -> bool:
    """|offset| < warn/2."""
    return not facts.unsynchronised and abs(facts.offset) < CLEAR_FRACTION * facts.own.warning


def uncertain_holds(facts: Facts) -> Condition | None:
    """C2: |offset| <= thr < bound: whether it drifts cannot be told."""
    threshold = facts.own.threshold
    if facts.unsynchronised or not abs(facts.offset) <= threshold < facts.bound:
        return None
    return Condition(plain(facts.bound), f"error bound <= {threshold} microseconds")


def uncertain_clear(facts: Facts) -> bool:
    """The bound is within thr, or the offset is not, which is another alert."""
    return not facts.unsynchronised and (facts.bound <= facts.own.threshold or abs(facts.offset) > facts.own.threshold)


def unsynchronised_holds(facts: Facts) -> Condition | None:
    """C6 and C8: leap status unsynchronised, or NTP stratum 0 (invalid) or 16 and more."""
    if not facts.unsynchronised:
        return None
    said = {"leap_status": facts.reading.leap_status, "stratum": facts.reading.stratum}
    observed = ", ".join(f"{name}={value}" for name, value in said.items() if value is not None)
    return Condition(
        observed, "a synchronised clock: leap status not unsynchronised, NTP stratum 1 to 15", "critical", said
    )


def unsynchronised_clear(facts: Facts) -> bool:
    """The clock says it no more."""
    return not facts.unsynchronised


def root_distance_holds(facts: Facts) -> Condition | None:
    """C10: root delay/2 + root dispersion > 1.5 s; critical > 3.46608 s."""
    distance = root_distance_microseconds(facts.reading)
    if facts.unsynchronised or distance is None or distance <= ROOT_DISTANCE_WARNING:
        return None
    critical = distance > ROOT_DISTANCE_CRITICAL
    return Condition(
        plain(distance),
        f"root delay/2 + root dispersion <= {plain(ROOT_DISTANCE_WARNING)} microseconds",
        "critical" if critical else "warning",
        {"root_distance_microseconds": distance},
    )


def root_distance_clear(facts: Facts) -> bool:
    """The distance is told, and within 1.5 s."""
    distance = root_distance_microseconds(facts.reading)
    return not facts.unsynchronised and distance is not None and distance <= ROOT_DISTANCE_WARNING


def jitter_holds(facts: Facts) -> Condition | None:
    """C11: the last 8 offsets scatter by more than the limit, after what a steady drift explains."""
    limit = facts.own.jitter
    if not limit or facts.unsynchronised or facts.scatter is None or facts.scatter <= limit:
        return None
    offsets = [point.offset_microseconds for point in facts.window]
    evidence = {"jitter_microseconds": facts.scatter, "offsets_microseconds": offsets}
    return Condition(
        f"{facts.scatter:.3f}", f"standard deviation of 8 offsets <= {limit} microseconds", evidence=evidence
    )


def jitter_clear(facts: Facts) -> bool:
    """A full window scatters by less than half the limit."""
    return facts.scatter is not None and facts.scatter < CLEAR_FRACTION * facts.own.jitter


def crossing_holds(facts: Facts) -> Condition | None:
    """C13: the line through the last 8 offsets crosses thr within the hour; a line, and not noise, it must be."""
    line, eta = facts.line, facts.eta_seconds
    if facts.unsynchronised or line is None or eta is None or eta >= facts.limits.predict_seconds:
        return None
    moved = abs(line.rate_ppm) * line.span_seconds
    if moved < _LEAST_MOVEMENT * facts.own.threshold or line.significance < _LEAST_SIGNIFICANCE:
        return None
    return Condition(
        f"{line.rate_ppm:+.3f} ppm: crosses in {eta:.0f} s",
        f"no crossing of {facts.own.threshold} microseconds within {plain(facts.limits.predict_seconds)} s",
        evidence={"rate_ppm": line.rate_ppm, "eta_seconds": eta, "moved_microseconds": moved},
    )


def crossing_clear(facts: Facts) -> bool:
    """A full window leads there no more, or not within two hours; or the crossing came, which is another alert."""
    if abs(facts.offset) > facts.own.threshold:
        return True
    eta = facts.eta_seconds
    return facts.line is not None and (eta is None or eta > 2 * facts.limits.predict_seconds)


def local_reference_holds(facts: Facts) -> Condition | None:
    """C15: the reference is the clock itself (7F7F01xx is 127.127.1.x, or LOCL)."""
    reference = facts.reading.reference_id
    if reference is None or not is_local(reference):
        return None
    evidence = {"stratum": facts.reading.stratum, "is_default_local_stratum": facts.reading.stratum == _LOCAL_STRATUM}
    return Condition(reference, "a reference other than the clock itself", evidence=evidence)


def local_reference_clear(facts: Facts) -> bool:
    """Another reference is named."""
    return facts.reading.reference_id is not None and not is_local(facts.reading.reference_id)


def is_local(reference: str) -> bool:
    """Whether a reference id means the local clock."""
    upper = reference.upper()
    if upper.startswith("7F7F01"):
        return len(upper) == 8
    return upper.startswith("127.127.1.") or upper in _LOCAL_REFERENCES


RULES: tuple[Rule, ...] = (
    Rule("CLK-OFFSET", "offset", offset_holds, offset_clear, each_reading=True),
    Rule("CLK-UNSYNCHRONISED", "unsynchronised", unsynchronised_holds, unsynchronised_clear, each_reading=True),
    Rule("CLK-OFFSET-WARN", "offset_warning", offset_warning_holds, offset_warning_clear),
    Rule("CLK-BOUND", "uncertain", uncertain_holds, uncertain_clear),
    Rule("CLK-ROOTDIST", "root_distance", root_distance_holds, root_distance_clear),
    Rule("CLK-JITTER", "jitter", jitter_holds, jitter_clear),
    Rule("CLK-RATE", "predicted_crossing", crossing_holds, crossing_clear),
    Rule("CLK-LOCALREF", "local_reference", local_reference_holds, local_reference_clear),
)
CODE_OF_KIND: dict[Kind, str] = {rule.kind: rule.code for rule in RULES} | {
    "stale": "CLK-STALE",
    "outlier": "CLK-OUTLIER",
    "reference_suspect": "CLK-REFERENCE-SUSPECT",
}


def step_found(facts: Facts) -> Condition | None:
    """C7: |offset - previous| > max(thr, 500 ppm of the time between): set, not slewed."""
    if facts.step is None:
        return None
    seconds = (facts.step.at_us - facts.step.previous_at_us) / 1e6
    least = max(facts.own.threshold, 500 * seconds)
    return Condition(
        str(facts.step.microseconds),
        f"|change| <= {plain(least)} microseconds in {plain(seconds)} s",
        evidence={
            "step_microseconds": facts.step.microseconds,
            "seconds_between": seconds,
            "previous_offset_microseconds": facts.previous.offset_microseconds if facts.previous else None,
        },
    )


def causality_found(facts: Facts) -> Condition | None:
    """C3: |offset| > thr, and half the round trip explains it."""
    if not facts.proven_offset <= facts.own.threshold < abs(facts.offset):
        return None
    return Condition(
        str(facts.offset),
        f"|offset| - rtt/2 > {facts.own.threshold} microseconds to prove drift",
        evidence={"proven_offset_microseconds": facts.proven_offset},
    )


def stratum_found(facts: Facts) -> Condition | None:
    """C6: the stratum of an NTP clock rose by 2 or more from one reading to the next, both of them valid."""
    now, before = facts.reading.stratum, facts.previous.stratum if facts.previous else None
    if facts.reading.protocol != "NTP" or now is None or before is None or facts.unsynchronised:
        return None
    if not 1 <= before <= 15 or now - before < 2:
        return None
    return Condition(str(now), f"stratum <= {before + 1}", evidence={"previous_stratum": before})


ONCE: tuple[tuple[str, Callable[[Facts], Condition | None]], ...] = (
    ("CLK-STEP", step_found),
    ("CLK-CAUSALITY", causality_found),
    ("CLK-STRATUM", stratum_found),
)
"""Rules about one reading, which begin nothing."""
