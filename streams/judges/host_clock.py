"""How far the clock of a capturing host may be off, and when it was stepped.

That is what clock-sync.v1 says of the component that has the host's name. Stamps of one host are compared with
each other without this, for one clock made them all; what is compared with the moment of the capture needs it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from streams.judges.clocks.state import ClockState

UNKNOWN_UNCERTAINTY_NS = 1_000_000_000
"""How far a clock may be off while nobody reports its readings."""

WANDER_PPM = 15
"""How fast a clock that nobody corrects may run away from its last reading."""

BACK_AND_FORTH_US = 600_000_000
"""Two steps in opposite directions within this time: set back, something done, set forward again."""

_SPEAKS_FOR_US = 3_600_000_000
"""A reading says nothing of steps that came so long after it."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A step: somewhere in (after_us, until_us] the clock jumped so far; negative: back."""

    after_us: int
    until_us: int
    step_ns: int

    def lies_within(self, start_us: int, end_us: int) -> bool:
        """Whether it may have happened between the two moments."""
        return self.until_us >= start_us and self.after_us <= end_us


@dataclass(frozen=True, slots=True)
class HostClock:
    """The newest reading of a host's clock and its last steps; `read_at_us` None: nobody reports it."""

    read_at_us: int | None = None
    offset_ns: int = 0
    bound_ns: int = 0
    status: str = "unknown"
    steps: tuple[ClockStep, ...] = ()
    since_us: int = 0
    """When it was first read; 0: longer ago than is known."""

    @property
    def tag(self) -> str:
        """How much is known, in a word for the evidence."""
        names = {"synchronized": "clock_known", "drifting": "clock_drifting", "error": "clock_unsynchronised"}
        return names.get(self.status, "clock_unknown")

    def uncertainty_ns(self, captured_ns: int) -> int:
        """What the clock may have been off at a capture: the reading's bound, and 15 ppm of the time between."""
        if self.read_at_us is None:
            return UNKNOWN_UNCERTAINTY_NS
        age_ns = abs(captured_ns - self.read_at_us * 1000)
        uncertainty = self.bound_ns + age_ns * WANDER_PPM // 1_000_000
        return max(uncertainty, UNKNOWN_UNCERTAINTY_NS) if self.status == "error" else uncertainty

    def shows_no_step(self, start_us: int, end_us: int) -> bool:
        """Whether the readings speak of the time between and tell of no step in it; False where they are silent.

        One reading tells of no step: it takes one from before the start. And one that is an hour older than the end
        does not speak of what came later.
        """
        if self.read_at_us is None or self.status == "error":
            return False
        if not self.since_us <= start_us <= self.read_at_us or end_us - self.read_at_us > _SPEAKS_FOR_US:
            return False
        return not any(step.lies_within(start_us, end_us) for step in self.steps)

    def back_step(self, least_ns: int, start_us: int | None, end_us: int) -> ClockStep | None:
        """A step back by at least so much between the two moments; without a start, at any time before the end."""
        for step in self.steps:
            if -step.step_ns >= least_ns and step.lies_within(step.until_us if start_us is None else start_us, end_us):
                return step
        return None

    def forth_again(self, back: ClockStep) -> ClockStep | None:
        """The step forward within ten minutes of a step back, which undoes at least half of it."""
        for step in self.steps:
            near = abs(step.until_us - back.until_us) <= BACK_AND_FORTH_US
            if near and 2 * step.step_ns >= -back.step_ns:
                return step
        return None


UNKNOWN_CLOCK = HostClock()


def host_clock(states: Iterable[ClockState]) -> HostClock:
    """The clock of a host from its states by all protocols: the newest reading, and the steps of all."""
    known = sorted(states, key=lambda state: state.last_sync_at_us)
    if not known:
        return UNKNOWN_CLOCK
    newest = known[-1]
    steps = [
        ClockStep(step.previous_at_us, step.at_us, step.microseconds * 1000) for state in known for step in state.steps
    ]
    return HostClock(
        newest.last_sync_at_us,
        newest.offset_microseconds * 1000,
        round(max(newest.bound_microseconds, abs(newest.offset_microseconds)) * 1000),
        newest.status,
        tuple(sorted(steps, key=lambda step: step.until_us)),
        newest.since_us,
    )
