"""The life of an alert: it begins with the first reading that meets its rule, and ends with hysteresis (C4).

An alert that another one speaks for (`inhibited_by`) is remembered and not told; when the other is gone and the
rule still holds, it is told then.
"""

from dataclasses import dataclass, replace
from typing import Literal

from streams.identity import derived_id
from streams.judges.clocks.facts import Facts
from streams.judges.clocks.limits import Limits
from streams.judges.clocks.rules import Condition, Rule
from streams.judges.clocks.state import Episode, Kind

PROVEN_READINGS_CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert that begins or ends, with the condition that began it."""

    episode: Episode
    state: Literal["firing", "resolved"]
    condition: Condition | None = None


def follow(
    episode: Episode | None, rule: Rule, condition: Condition | None, facts: Facts, inhibited_by: str | None
) -> tuple[Episode | None, Transition | None]:
    """The episode after this reading, and what is to be told of it."""
    if condition is not None:
        return _goes_on(episode, rule, condition, facts, inhibited_by)
    if episode is None:
        return None, None
    seen = replace(episode, last_seen_us=facts.at_us, proven_readings=0, occurrences=episode.occurrences + 1)
    if not rule.clear(facts):
        return replace(seen, clear_readings=0, clear_since_us=None), None
    return cleared(seen, facts.at_us, facts.limits)


def cleared(episode: Episode, at_us: int, limits: Limits) -> tuple[Episode | None, Transition | None]:
    """The episode after one clear reading or look more: over when there were enough, long enough."""
    since_us = at_us if episode.clear_since_us is None else episode.clear_since_us
    counted = replace(episode, last_seen_us=at_us, clear_readings=episode.clear_readings + 1, clear_since_us=since_us)
    enough = counted.clear_readings >= limits.clear_readings and at_us - since_us >= limits.clear_seconds * 1e6
    if not enough:
        return counted, None
    return None, None if counted.inhibited_by else Transition(counted, "resolved")


def _goes_on(
    episode: Episode | None, rule: Rule, condition: Condition, facts: Facts, inhibited_by: str | None
) -> tuple[Episode, Transition | None]:
    lower_edge = abs(facts.offset) - facts.uncertainty_microseconds
    proven = (episode.proven_readings if episode else 0) + 1 if lower_edge > facts.own.threshold else 0
    severity = condition.severity
    if rule.kind == "offset" and proven >= PROVEN_READINGS_CRITICAL:
        severity = "critical"
    if episode is None:
        begun = Episode(
            alert_id=alert_id(facts.reading.component_name, facts.reading.protocol, rule.kind, facts.reading.event_id),
            kind=rule.kind,
            severity=severity,
            starts_at_us=facts.at_us,
            last_seen_us=facts.at_us,
            peak_offset_microseconds=facts.offset,
            standard_code=rule.code,
            proven_readings=proven,
            inhibited_by=inhibited_by,
        )
        return begun, None if inhibited_by else Transition(begun, "firing", condition)
    going_on = replace(
        episode,
        severity="critical" if "critical" in (severity, episode.severity) else "warning",
        last_seen_us=facts.at_us,
        peak_offset_microseconds=max(episode.peak_offset_microseconds, facts.offset, key=abs),
        occurrences=episode.occurrences + 1,
        proven_readings=proven,
        clear_readings=0,
        clear_since_us=None,
    )
    if episode.inhibited_by and not inhibited_by:
        told = replace(going_on, inhibited_by=None)
        return told, Transition(told, "firing", condition)
    return going_on, None


def alert_id(component_name: str, protocol: str, kind: Kind, cause: object) -> str:
    """The id of the alert that this cause begins: the same whenever and by whomever it is judged."""
    return derived_id("drift-alert", component_name, protocol, kind, cause)
