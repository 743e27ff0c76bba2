"""What an alert says: the fields of a DriftAlert, and a text made from its numbers."""

from datetime import datetime
from typing import Any

from schemas.events import ClockReading, Protocol
from streams.judges.clocks.episodes import Transition
from streams.judges.clocks.facts import Facts
from streams.judges.clocks.limits import Limits
from streams.judges.clocks.silence import bound_at
from streams.judges.clocks.state import WINDOW_READINGS, ClockState, Episode
from streams.judges.clocks.statistics import line_through, plain
from streams.times import from_microseconds

RUNBOOK = "docs/clocks.md#{}"
ALL_COMPONENTS = "*"
"""The component of an alert about the reference that all clocks of a protocol follow."""


def of_reading(facts: Facts, transition: Transition, read_at_us: int) -> dict[str, Any]:
    """The alert that a reading begins or ends."""
    reading, previous = facts.reading, facts.previous
    rate = facts.line.rate_ppm if facts.line else None
    return {
        **_episode(reading.component_name, reading.protocol, transition, facts.offset, facts.own.threshold),
        "bound_microseconds": facts.bound,
        "earliest_at": _within_calendar(read_at_us - facts.offset - round(facts.uncertainty_microseconds)),
        "latest_at": _within_calendar(read_at_us - facts.offset + round(facts.uncertainty_microseconds)),
        "trend": facts.trend,
        "rate_ppm": rate,
        "eta_seconds": facts.eta_seconds,
        "previous_offset_microseconds": previous.offset_microseconds if previous else None,
        "stratum": reading.stratum,
        "leap_status": reading.leap_status,
        "reference_id": reading.reference_id,
        "root_delay_microseconds": reading.root_delay_microseconds,
        "root_dispersion_microseconds": reading.root_dispersion_microseconds,
        "rtt_microseconds": reading.rtt_microseconds,
        "age_seconds": max(0.0, (facts.arrived_us - read_at_us) / 1e6),
        "tags": list(facts.tags),
        "text": _text_of_reading(reading, facts, transition),
        "event_id": reading.event_id,
    }


def of_state(
    component_name: str, protocol: Protocol, state: ClockState, transition: Transition, now_us: int, limits: Limits
) -> dict[str, Any]:
    """The alert that time or the peers begin or end; what it says of the clock is from its newest reading."""
    own = limits.of(protocol)
    bound = bound_at(state, now_us, limits)
    line = line_through(state.window) if len(state.window) == WINDOW_READINGS else None
    margin = round(bound - abs(state.offset_microseconds))
    text = f"{component_name} ({protocol})"
    observed = transition.condition.observed if transition.condition else ""
    expected = transition.condition.expected if transition.condition else ""
    if transition.state == "resolved":
        text += f": {_PLAIN[transition.episode.kind]} is over"
    else:
        text += f": {_PLAIN[transition.episode.kind]}: {observed}; expected {expected}"
    return {
        **_episode(component_name, protocol, transition, state.offset_microseconds, own.threshold),
        "bound_microseconds": bound,
        "earliest_at": _within_calendar(now_us - state.offset_microseconds - margin),
        "latest_at": _within_calendar(now_us - state.offset_microseconds + margin),
        "trend": "steady",
        "rate_ppm": line.rate_ppm if line else None,
        "previous_offset_microseconds": state.window[-2].offset_microseconds if len(state.window) > 1 else None,
        "stratum": state.stratum,
        "leap_status": state.leap_status,
        "reference_id": state.reference_id,
        "root_delay_microseconds": state.root_delay_microseconds,
        "root_dispersion_microseconds": state.root_dispersion_microseconds,
        "rtt_microseconds": state.rtt_microseconds,
        "age_seconds": max(0.0, (now_us - state.arrived_us) / 1e6),
        "text": text,
        "event_id": state.event_id,
    }


_PLAIN = {
    "offset": "drift",
    "offset_warning": "an offset worth a word",
    "uncertain": "an error bound beyond the threshold",
    "unsynchronised": "a clock that is not synchronised",
    "root_distance": "a distant root",
    "jitter": "jitter",
    "predicted_crossing": "a crossing of the threshold to come",
    "local_reference": "a clock that follows itself",
    "stale": "silence",
    "outlier": "disagreement with its peers",
    "reference_suspect": "a suspect reference",
}


def _episode(name: str, protocol: Protocol, transition: Transition, offset: int, threshold: int) -> dict[str, Any]:
    episode, condition = transition.episode, transition.condition
    ended = transition.state == "resolved"
    return {
        "alert_id": episode.alert_id,
        "dedup_key": f"{name}|{protocol}|{episode.kind}",
        "state": transition.state,
        "kind": episode.kind,
        "severity": episode.severity,
        "component_name": name,
        "protocol": protocol,
        "offset_microseconds": offset,
        "direction": _direction(offset),
        "threshold_microseconds": threshold,
        "excess_microseconds": max(0, abs(offset) - threshold),
        "peak_offset_microseconds": max(episode.peak_offset_microseconds, offset, key=abs),
        "starts_at": from_microseconds(episode.starts_at_us),
        "last_seen_at": from_microseconds(episode.last_seen_us),
        "ends_at": from_microseconds(episode.last_seen_us) if ended else None,
        "occurrences": episode.occurrences,
        "observed": condition.observed if condition else None,
        "expected": condition.expected if condition else None,
        "evidence": condition.evidence if condition else {},
        "inhibited_by": episode.inhibited_by,
        "standard_code": episode.standard_code,
        "standard_version": episode.standard_version,
        "runbook": RUNBOOK.format(episode.standard_code.lower()),
    }


def _within_calendar(at_us: int) -> datetime | None:
    """None where an offset leads out of the years 1 to 9999: 64 bits of microseconds reach 292,000 years."""
    try:
        return from_microseconds(at_us)
    except OverflowError:
        return None


def _direction(offset: int) -> str:
    return "fast" if offset > 0 else "slow" if offset < 0 else "exact"


def _text_of_reading(reading: ClockReading, facts: Facts, transition: Transition) -> str:
    name = f"{reading.component_name} ({reading.protocol})"
    episode: Episode = transition.episode
    offset_ms, threshold_ms = facts.offset / 1000, facts.own.threshold / 1000
    if transition.state == "resolved":
        if episode.kind in ("offset", "unsynchronised"):
            return f"{name} is synchronized again: offset {offset_ms:+.3f} ms, within {plain(threshold_ms)} ms"
        return f"{name}: {_PLAIN[episode.kind]} is over; offset {offset_ms:+.3f} ms"
    assert transition.condition is not None
    condition = transition.condition
    if episode.kind == "offset":
        way = "fast" if facts.offset > 0 else "slow"
        return f"{name} is {abs(offset_ms):.3f} ms {way}; the threshold is {plain(threshold_ms)} ms"
    if episode.kind == "unsynchronised":
        said = {"stratum": reading.stratum, "leap status": reading.leap_status}
        why = ", ".join(f"{what} {value}" for what, value in said.items() if value is not None)
        return f"{name} says it is not synchronised ({why})"
    return f"{name}: {_PLAIN[episode.kind]}: {condition.observed}; expected {condition.expected}"
