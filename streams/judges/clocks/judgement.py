"""One reading judged: its status, what it breaks, the alerts that begin or end with it, and the clock's new state.

Pure: whatever happens when is in the arguments.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from schemas.events import ClockReading
from streams.judges.clocks.episodes import Transition, follow
from streams.judges.clocks.facts import Facts, gather, remembered
from streams.judges.clocks.limits import Limits
from streams.judges.clocks.rules import ONCE, RULES, Condition, Rule
from streams.judges.clocks.silence import silence_limit_seconds
from streams.judges.clocks.state import Certainty, ClockState, Episode, Kind, Status


@dataclass(frozen=True, slots=True)
class Arrival:
    """When and where a reading came in."""

    read_at_us: int
    """Its last_sync_at, and never later than its arrival."""
    arrived_us: int
    source: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one reading means."""

    status: Status
    certainty: Certainty
    facts: Facts
    state: ClockState | None
    """The state to remember; None when the reading is late (C16) and changes nothing."""
    found: tuple[tuple[str, Condition], ...] = ()
    """The broken standards, by code."""
    transitions: tuple[Transition, ...] = ()


def judge_reading(
    reading: ClockReading,
    arrival: Arrival,
    previous: ClockState | None,
    limits: Limits,
    active: Mapping[str, int],
    siblings: Iterable[tuple[str, ClockState]] = (),
    speaks_for: Callable[[], str | None] = lambda: None,
) -> Judgement:
    """Hold one reading against the clock's state.

    Args:
        reading: the event.
        arrival: when and where it came in.
        previous: the clock's state, None before the first reading.
        limits: the numbers to compare with.
        active: the versions of the built-in standards in force, by code. An alert whose standard is not in
            force does not begin; one that fires already goes on and ends.
        siblings: (protocol, state) of the component's clocks of other protocols.
        speaks_for: asked when an offset alert begins or waits: the kind of alert that speaks for it instead.
    """
    facts = gather(reading, arrival.read_at_us, arrival.arrived_us, previous, limits)
    if previous is not None and arrival.read_at_us < previous.last_sync_at_us:
        return Judgement(facts.status, "late", facts, None, tuple(_late_findings(facts, active)))
    state = remembered(facts, arrival.read_at_us, arrival.source)
    episodes = dict(state.episodes)
    found, transitions = _apply_rules(facts, episodes, active, speaks_for)
    if stale := episodes.pop("stale", None):
        transitions.append(Transition(replace(stale, last_seen_us=arrival.arrived_us), "resolved"))
    found += [(code, hit) for code, judge in ONCE if code in active and (hit := judge(facts))]
    if "CLK-PROTOCOL-CHANGED" in active and (
        changed := _protocol_changed(reading, arrival, previous, limits, siblings)
    ):
        found.append(("CLK-PROTOCOL-CHANGED", changed))
    status: Status = "drifting" if "offset" in episodes and facts.status == "synchronized" else facts.status
    held = replace(state, status=status, episodes=episodes)
    return Judgement(facts.status, facts.certainty, facts, held, tuple(found), tuple(transitions))


def _apply_rules(
    facts: Facts, episodes: dict[Kind, Episode], active: Mapping[str, int], speaks_for: Callable[[], str | None]
) -> tuple[list[tuple[str, Condition]], list[Transition]]:
    """What breaks a rule that has an alert, and the alerts that begin or end; `episodes` is brought up to date."""
    found: list[tuple[str, Condition]] = []
    transitions: list[Transition] = []
    for rule in RULES:
        before = episodes.pop(rule.kind, None)
        condition = rule.holds(facts) if before or rule.code in active else None
        after, transition = _follow(rule, before, condition, facts, active, speaks_for)
        if after is not None:
            episodes[rule.kind] = after
        if transition is not None:
            transitions.append(transition)
        if condition is not None and rule.code in active and (rule.each_reading or before is None):
            found.append((rule.code, condition))
    return found, transitions


def _follow(
    rule: Rule,
    before: Episode | None,
    condition: Condition | None,
    facts: Facts,
    active: Mapping[str, int],
    speaks_for: Callable[[], str | None],
) -> tuple[Episode | None, Transition | None]:
    waits = rule.kind == "offset" and condition is not None and (before is None or before.inhibited_by is not None)
    after, transition = follow(before, rule, condition, facts, speaks_for() if waits else None)
    if after is None or before is not None:
        return after, transition
    begun = replace(after, standard_version=active[rule.code])
    return begun, transition and replace(transition, episode=begun)


def _late_findings(facts: Facts, active: Mapping[str, int]) -> Iterable[tuple[str, Condition]]:
    """What a late reading breaks by itself; nothing that compares it with what came later."""
    for rule in RULES:
        if rule.each_reading and rule.code in active and (condition := rule.holds(facts)):
            yield rule.code, condition


def _protocol_changed(
    reading: ClockReading,
    arrival: Arrival,
    previous: ClockState | None,
    limits: Limits,
    siblings: Iterable[tuple[str, ClockState]],
) -> Condition | None:
    """C14: a component that was heard by another protocol last is now heard by one that was new or silent."""
    last = max(siblings, key=lambda sibling: sibling[1].arrived_us, default=None)
    if last is None:
        return None
    protocol, state = last
    if previous is not None:
        silent_us = arrival.arrived_us - previous.arrived_us
        was_heard = silent_us <= silence_limit_seconds(previous, limits) * 1e6
        if was_heard or previous.arrived_us >= state.arrived_us:
            return None
    since = (arrival.arrived_us - state.arrived_us) / 1e6
    evidence = {"previous_protocol": protocol, "seconds_since_previous_protocol": since}
    return Condition(reading.protocol, f"readings by {protocol}, as before", evidence=evidence)
