"""Whether a clock can be trusted, reading by reading: status, and the beginning and end of drift.

    error          the clock says itself that it is not synchronised (leap status, or NTP stratum 0 or 16)
    drifting       |offset| > threshold (10 ms unless set)
    synchronized   otherwise

An alert begins with the first reading that is not synchronized and ends with the first that is; both messages
carry one `alert_id`, derived from the reading that began it. A reading older than the newest known is
recorded and changes no state.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from schemas.events import ClockReading
from streams.identity import derived_id
from streams.times import from_microseconds

Status = Literal["synchronized", "drifting", "error"]
STATUSES: tuple[Status, ...] = ("synchronized", "drifting", "error")
_CRITICAL_FACTOR = 10
_UNSYNCHRONISED_STRATA = (0, 16)


@dataclass(frozen=True, slots=True)
class Episode:
    """A drift alert that is firing."""

    alert_id: str
    kind: Literal["offset", "unsynchronised"]
    severity: Literal["warning", "critical"]
    starts_at_us: int
    peak_offset_microseconds: int
    occurrences: int


@dataclass(frozen=True, slots=True)
class ClockState:
    """What is remembered of one clock between readings."""

    last_sync_at_us: int
    offset_microseconds: int
    status: Status
    episode: Episode | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one reading means."""

    status: Status
    state: ClockState | None
    """The state to remember; None when the reading is late and changes nothing."""
    alert: Episode | None = None
    """The episode that begins or ends with this reading."""
    alert_state: Literal["firing", "resolved"] | None = None


def status_of(reading: ClockReading, threshold_microseconds: int) -> Status:
    """The status of one reading by itself."""
    bad_stratum = reading.protocol == "NTP" and reading.stratum in _UNSYNCHRONISED_STRATA
    if reading.leap_status == "unsynchronised" or bad_stratum:
        return "error"
    return "drifting" if abs(reading.offset_microseconds) > threshold_microseconds else "synchronized"


def judge_reading(
    reading: ClockReading, read_at_us: int, previous: ClockState | None, threshold_microseconds: int
) -> Judgement:
    """Hold one reading against the clock's state; `read_at_us` is when it was taken, in microseconds."""
    status = status_of(reading, threshold_microseconds)
    if previous is not None and read_at_us < previous.last_sync_at_us:
        return Judgement(status, None)
    episode = previous.episode if previous else None
    state = ClockState(read_at_us, reading.offset_microseconds, status)
    if status == "synchronized":
        return Judgement(status, state, episode, "resolved" if episode else None)
    if episode is None:
        begun = _begin(reading, read_at_us, status, threshold_microseconds)
        return Judgement(status, replace(state, episode=begun), begun, "firing")
    peak = max(episode.peak_offset_microseconds, reading.offset_microseconds, key=abs)
    going_on = replace(episode, peak_offset_microseconds=peak, occurrences=episode.occurrences + 1)
    return Judgement(status, replace(state, episode=going_on))


def _begin(reading: ClockReading, read_at_us: int, status: Status, threshold: int) -> Episode:
    far = abs(reading.offset_microseconds) > _CRITICAL_FACTOR * threshold
    return Episode(
        alert_id=derived_id("drift-alert", reading.component_name, reading.protocol, reading.event_id, read_at_us),
        kind="offset" if status == "drifting" else "unsynchronised",
        severity="critical" if far or status == "error" else "warning",
        starts_at_us=read_at_us,
        peak_offset_microseconds=reading.offset_microseconds,
        occurrences=1,
    )


def error_bound_microseconds(reading: ClockReading) -> float:
    """|offset| + root dispersion + half the root delay (or half the round trip); missing parts count as 0."""
    delay = reading.root_delay_microseconds or reading.rtt_microseconds or 0.0
    return abs(reading.offset_microseconds) + (reading.root_dispersion_microseconds or 0.0) + delay / 2


def alert_document(
    reading: ClockReading, read_at_us: int, judgement: Judgement, previous: ClockState | None, threshold: int
) -> dict[str, Any]:
    """The fields of a DriftAlert that the judge knows; the caller adds standard, revision and source."""
    episode = judgement.alert
    assert episode is not None
    assert judgement.alert_state is not None
    offset = reading.offset_microseconds
    ended = judgement.alert_state == "resolved"
    return {
        "alert_id": episode.alert_id,
        "dedup_key": f"{reading.component_name}|{reading.protocol}|{episode.kind}",
        "state": judgement.alert_state,
        "kind": episode.kind,
        "severity": episode.severity,
        "component_name": reading.component_name,
        "protocol": reading.protocol,
        "offset_microseconds": offset,
        "direction": "fast" if offset > 0 else "slow" if offset < 0 else "exact",
        "threshold_microseconds": threshold,
        "excess_microseconds": max(0, abs(offset) - threshold),
        "bound_microseconds": error_bound_microseconds(reading),
        "previous_offset_microseconds": previous.offset_microseconds if previous else None,
        "peak_offset_microseconds": max(episode.peak_offset_microseconds, offset, key=abs),
        "stratum": reading.stratum,
        "leap_status": reading.leap_status,
        "reference_id": reading.reference_id,
        "starts_at": from_microseconds(episode.starts_at_us),
        "last_seen_at": from_microseconds(read_at_us),
        "ends_at": from_microseconds(read_at_us) if ended else None,
        "occurrences": episode.occurrences,
        "text": _text(reading, episode, ended, threshold),
        "event_id": reading.event_id,
    }


def _text(reading: ClockReading, episode: Episode, ended: bool, threshold: int) -> str:
    offset_ms, threshold_ms = reading.offset_microseconds / 1000, threshold / 1000
    name = f"{reading.component_name} ({reading.protocol})"
    if ended:
        return f"{name} is synchronized again: offset {offset_ms:+.3f} ms, within {threshold_ms:g} ms"
    if episode.kind == "unsynchronised":
        said = {"stratum": reading.stratum, "leap status": reading.leap_status}
        why = ", ".join(f"{what} {value}" for what, value in said.items() if value is not None)
        return f"{name} says it is not synchronised ({why})"
    way = "fast" if reading.offset_microseconds > 0 else "slow"
    return f"{name} is {abs(offset_ms):.3f} ms {way}; the threshold is {threshold_ms:g} ms"
