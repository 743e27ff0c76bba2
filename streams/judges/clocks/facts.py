"""One reading beside what is known of its clock: everything that a rule may look at, computed once."""

from dataclasses import dataclass
from typing import Literal

from schemas.events import ClockReading
from schemas.fields import INT64_MAX, INT64_MIN
from streams.judges.clocks.limits import PPM, Limits, ProtocolLimits
from streams.judges.clocks.state import KEPT_STEPS, WINDOW_READINGS, Certainty, ClockState, Point, Status, Step
from streams.judges.clocks.statistics import Line, line_through, scatter_microseconds

Trend = Literal["diverging", "converging", "steady"]

SLEW_PPM = 500.0
"""The kernel slews a clock by no more than this, so what moves faster was set."""
CONVERGES_SECONDS = 600.0
HISTORY_SECONDS = 3600.0
"""A reading that took longer to arrive is history, and judged as of the time when it was taken."""
_MIDNIGHT_SECONDS = 600
_DAY_SECONDS = 86_400
_LEAP_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Facts:
    """A reading, its limits, and its clock's past."""

    reading: ClockReading
    at_us: int
    arrived_us: int
    age_seconds: float
    limits: Limits
    own: ProtocolLimits
    previous: ClockState | None
    uncertainty_microseconds: float
    """What the error may be beyond the measured offset."""
    step: Step | None
    window: tuple[Point, ...]
    line: Line | None
    """Through a full window; None before it is full."""
    scatter: float | None
    unsynchronised: bool

    @property
    def offset(self) -> int:
        """The measured offset, microseconds; positive: fast."""
        return self.reading.offset_microseconds

    @property
    def bound(self) -> float:
        """What |error| cannot exceed, as far as the reading tells."""
        return abs(self.offset) + self.uncertainty_microseconds

    @property
    def proven_offset(self) -> float:
        """The part of |offset| that is drift: of a browser, what half the round trip does not explain."""
        rtt = self.reading.rtt_microseconds if self.reading.protocol == "Browser" else None
        return abs(self.offset) - (rtt or 0.0) / 2

    @property
    def status(self) -> Status:
        """The status of this reading by itself."""
        if self.unsynchronised:
            return "error"
        return "drifting" if self.proven_offset > self.own.threshold else "synchronized"

    @property
    def certainty(self) -> Certainty:
        """How sure the status is."""
        if self.status == "synchronized" and abs(self.offset) > self.own.threshold:
            return "indeterminate"
        return "uncertain" if self.status == "synchronized" and self.bound > self.own.threshold else "proven"

    @property
    def trend(self) -> Trend:
        """Where the offset goes: converging only if it reaches the threshold within ten minutes."""
        if self.previous is None:
            return "steady"
        before, now = abs(self.previous.offset_microseconds), abs(self.offset)
        seconds = (self.at_us - self.previous.at_us) / 1e6
        if now > before:
            return "diverging"
        if now == before or seconds <= 0:
            return "steady"
        rate = (before - now) / seconds
        return "converging" if now - rate * CONVERGES_SECONDS <= self.own.threshold else "steady"

    @property
    def eta_seconds(self) -> float | None:
        """When the line through the last readings crosses the threshold; None if it does not lead there.

        A clock that is nearer to zero than eight readings ago is being corrected, and will not overshoot.
        """
        if self.line is None or abs(self.offset) > self.own.threshold:
            return None
        away = abs(self.offset) > abs(self.window[0].offset_microseconds)
        outward = away and self.line.rate_ppm * self.offset > 0
        return (self.own.threshold - abs(self.offset)) / abs(self.line.rate_ppm) if outward else None

    @property
    def tags(self) -> tuple[str, ...]:
        """What the reading does not tell and the bound therefore lacks."""
        reading, tags = self.reading, []
        if reading.root_dispersion_microseconds is None or _delay(reading) is None:
            tags.append("bound_partial")
        if reading.protocol == "Browser" and reading.rtt_microseconds is None:
            tags.append("no_rtt")
        return tuple(tags)


def gather(
    reading: ClockReading, read_at_us: int, arrived_us: int, previous: ClockState | None, limits: Limits
) -> Facts:
    """The facts of a reading that is not late; `read_at_us` is its last_sync_at, else when it arrived."""
    own = limits.of(reading.protocol)
    at_us = taken_at_us(read_at_us, arrived_us, previous)
    point = Point(at_us, arrived_us, reading.offset_microseconds)
    step = _step(reading, at_us, previous, own)
    before = previous.window if previous is not None and step is None else ()
    window = (*before, point)[-WINDOW_READINGS:]
    full = len(window) == WINDOW_READINGS
    age = _age_seconds(reading, read_at_us, arrived_us)
    return Facts(
        reading,
        at_us,
        arrived_us,
        age,
        limits,
        own,
        previous,
        uncertainty_microseconds(reading) + limits.wander_ppm * PPM * age * 1e6,
        step,
        window,
        line_through(window) if full else None,
        scatter_microseconds(window) if full else None,
        is_unsynchronised(reading),
    )


def is_unsynchronised(reading: ClockReading) -> bool:
    """Whether the clock says so itself: leap status, or an NTP stratum that is none (0) or too far (16 and more)."""
    bad = reading.protocol == "NTP" and reading.stratum is not None and not 1 <= reading.stratum <= 15
    return bad or reading.leap_status == "unsynchronised"


def uncertainty_microseconds(reading: ClockReading) -> float:
    """Root dispersion and half the root delay (else half the round trip); missing parts count as 0."""
    return (reading.root_dispersion_microseconds or 0.0) + (_delay(reading) or 0.0) / 2


def root_distance_microseconds(reading: ClockReading) -> float | None:
    """Half the root delay and the root dispersion; None if the reading tells neither."""
    delay, dispersion = reading.root_delay_microseconds, reading.root_dispersion_microseconds
    return None if delay is None and dispersion is None else (delay or 0.0) / 2 + (dispersion or 0.0)


def remembered(facts: Facts, read_at_us: int, source: tuple[int, int]) -> ClockState:
    """The state after this reading, with the episodes as they were before it."""
    reading, previous = facts.reading, facts.previous
    steps = previous.steps if previous else ()
    return ClockState(
        last_sync_at_us=read_at_us,
        at_us=facts.at_us,
        arrived_us=facts.arrived_us,
        offset_microseconds=facts.offset,
        bound_microseconds=facts.bound,
        status=facts.status,
        certainty=facts.certainty,
        event_id=reading.event_id,
        source=source,
        stratum=reading.stratum,
        leap_status=reading.leap_status,
        reference_id=reading.reference_id,
        rtt_microseconds=reading.rtt_microseconds,
        root_delay_microseconds=reading.root_delay_microseconds,
        root_dispersion_microseconds=reading.root_dispersion_microseconds,
        window=facts.window,
        steps=(*steps, facts.step)[-KEPT_STEPS:] if facts.step else steps,
        since_us=previous.since_us if previous else facts.at_us,
        episodes=dict(previous.episodes) if previous else {},
    )


def _delay(reading: ClockReading) -> float | None:
    return reading.rtt_microseconds if reading.root_delay_microseconds is None else reading.root_delay_microseconds


def taken_at_us(read_at_us: int, arrived_us: int, previous: ClockState | None) -> int:
    """When the reading was taken.

    A daemon reports when it last heard of its source, which stays the same over many readings: then the time
    between arrivals tells how far apart the readings are.
    """
    if previous is None or read_at_us > previous.at_us:
        return read_at_us
    return previous.at_us + max(0, arrived_us - previous.arrived_us)


def _age_seconds(reading: ClockReading, read_at_us: int, arrived_us: int) -> float:
    """How old the measurement is on arrival, where its own dispersion does not grow with that age already."""
    age = (arrived_us - read_at_us) / 1e6
    if reading.root_dispersion_microseconds is not None or not 0 < age <= HISTORY_SECONDS:
        return 0.0
    return age


def _step(reading: ClockReading, at_us: int, previous: ClockState | None, own: ProtocolLimits) -> Step | None:
    """The step between two readings: more than the threshold, and more than slewing can do in the time."""
    if previous is None:
        return None
    change = reading.offset_microseconds - previous.offset_microseconds
    least = max(own.threshold, SLEW_PPM * PPM * (at_us - previous.at_us))
    blur = 0.0
    if reading.protocol == "Browser":  # either offset may be off by half its round trip
        blur = ((reading.rtt_microseconds or 0.0) + (previous.rtt_microseconds or 0.0)) / 2
    if abs(change) - blur <= least or _is_leap_second(reading, at_us, previous, change, own):
        return None
    # Between the ends of 64 bits lie 65, which no column and no JSON of ours holds.
    return Step(at_us, previous.at_us, min(max(change, INT64_MIN), INT64_MAX))


def _is_leap_second(reading: ClockReading, at_us: int, previous: ClockState, change: int, own: ProtocolLimits) -> bool:
    announced = {reading.leap_status, previous.leap_status} & {"insert", "delete"}
    second_of_day = at_us // 1_000_000 % _DAY_SECONDS
    from_midnight = min(second_of_day, _DAY_SECONDS - second_of_day)
    one_second = abs(abs(change) - _LEAP_MICROSECONDS) <= own.threshold
    return bool(announced) and from_midnight <= _MIDNIGHT_SECONDS and one_second
