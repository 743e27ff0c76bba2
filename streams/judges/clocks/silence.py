"""C9: a clock that is silent. Asked by a timer, for silence brings no event.

silent   nothing arrived for max(3 x the usual interval, 60 s)
bound    nothing arrived for 60 s and one and a half usual intervals, and a clock that nobody corrects (15 ppm)
may have left its threshold since: 667 s for a perfect clock at 10 ms
"""

from dataclasses import replace
from typing import Literal

from schemas.events import Protocol
from streams.judges.clocks.episodes import Transition, alert_id
from streams.judges.clocks.limits import PPM, Limits
from streams.judges.clocks.rules import Condition
from streams.judges.clocks.state import ClockState, Episode
from streams.judges.clocks.statistics import plain, usual_interval_seconds

_OVERDUE_INTERVALS = 1.5
PtpState = Literal["locked", "holdover", "freerun"]


def silence_limit_seconds(state: ClockState, limits: Limits) -> float:
    """After how long without a reading this clock counts as silent."""
    interval = usual_interval_seconds(state.window) or 0.0
    return max(limits.silence_intervals * interval, limits.silence_seconds)


def bound_at(state: ClockState, now_us: int, limits: Limits) -> float:
    """What |error| cannot exceed now, microseconds, if nobody has corrected the clock since it was heard."""
    return state.bound_microseconds + limits.wander_ppm * PPM * max(0, now_us - state.arrived_us)


def judge_silence(
    component_name: str, protocol: Protocol, state: ClockState, now_us: int, limits: Limits
) -> tuple[ClockState, Transition] | None:
    """The alert of a clock that has become silent, and the state that remembers it; None while it is not."""
    condition = None if "stale" in state.episodes else _silence(protocol, state, now_us, limits)
    if condition is None:
        return None
    episode = Episode(
        alert_id=alert_id(component_name, protocol, "stale", state.arrived_us),
        kind="stale",
        severity="warning",
        starts_at_us=state.arrived_us + round(condition.evidence["limit_seconds"] * 1e6),
        last_seen_us=now_us,
        peak_offset_microseconds=state.offset_microseconds,
        standard_code="CLK-STALE",
    )
    return replace(state, episodes={**state.episodes, "stale": episode}), Transition(episode, "firing", condition)


def _silence(protocol: Protocol, state: ClockState, now_us: int, limits: Limits) -> Condition | None:
    age_seconds = (now_us - state.arrived_us) / 1e6
    seconds = silence_limit_seconds(state, limits)
    interval = usual_interval_seconds(state.window)
    threshold, bound = limits.of(protocol).threshold, bound_at(state, now_us, limits)
    reason, expected = "silent", f"a reading within {plain(seconds)} s"
    if age_seconds <= seconds:
        seconds = max(limits.silence_seconds, _OVERDUE_INTERVALS * (interval or 0.0))
        if age_seconds <= seconds or not state.bound_microseconds <= threshold < bound:
            return None
        reason = "bound"
        expected = f"a reading within {plain(seconds)} s, or a bound within {threshold} microseconds"
    evidence = {
        "reason": reason,
        "age_seconds": age_seconds,
        "limit_seconds": seconds,
        "usual_interval_seconds": interval,
        "bound_microseconds": bound,
        "wander_ppm": limits.wander_ppm,
    }
    return Condition(f"silent for {age_seconds:.0f} s", expected, evidence=evidence)


def ptp_state(state: ClockState, now_us: int, limits: Limits) -> PtpState:
    """C14: a PTP clock is locked while it is heard and within its threshold, holds over a while, then runs free."""
    late_seconds = (now_us - state.arrived_us) / 1e6 - silence_limit_seconds(state, limits)
    if late_seconds > limits.holdover_seconds:
        return "freerun"
    if late_seconds > 0:
        return "holdover"
    return "locked" if state.status == "synchronized" else "freerun"
