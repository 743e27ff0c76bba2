"""clock-sync.v1: every reading recorded with its status; alerts when something about a clock begins and ends.

What the worker's timer (`clock_timer.py`) finds out goes through here too, so that one memory of each clock is
written in one order.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from schemas.events import ClockReading, Protocol
from streams.flows.clock_announcing import add_transition, finding_of
from streams.flows.clock_peers import ClockPeers, Known
from streams.flows.memory import Memory
from streams.flows.one_by_one import one_by_one
from streams.identity import derived_id
from streams.judges import standards
from streams.judges.clocks import STATUSES, Arrival, ClockState, Judgement, Limits, judge_reading
from streams.judges.clocks.alerts import of_reading
from streams.judges.clocks.facts import is_unsynchronised, taken_at_us
from streams.judges.clocks.peers import Peer
from streams.judges.clocks.silence import silence_limit_seconds
from streams.judges.findings import Finding
from streams.observability import metrics
from streams.observability.clock_gauges import CLOCKS
from streams.plan import Plan, Record
from streams.slices import Slices
from streams.standards.ruleset import Ruleset
from streams.store import rows
from streams.store.recall import Recall, clock_state_row
from streams.times import microseconds
from streams.violations import add_findings

_REMEMBERED_CLOCKS = 50_000
_REMEMBERED_READINGS = 200_000
_PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

ClockKey = tuple[str, Protocol]


class ClockFlow:
    """Remembers the state of each clock; duplicates are known before they are judged, so they change no state."""

    topic = "clock-sync.v1"
    model = ClockReading

    def __init__(self, recall: Recall, limits: Limits) -> None:
        self.limits = limits
        self.peers = ClockPeers(limits)
        self._recall = recall
        self._states: Memory[ClockKey, ClockState] = Memory(_REMEMBERED_CLOCKS)
        self._seen: Memory[str, bool] = Memory(_REMEMBERED_READINGS)

    async def foresee(self, events: Sequence[tuple[Record, ClockReading]]) -> None:
        """Nothing: these are few, and looking them up costs little."""

    async def recall(self, events: Sequence[tuple[Record, ClockReading]], foreseen: None = None) -> None:
        """Look up the clocks and the readings of the batch that memory lacks."""
        self._states.trim()
        self._seen.trim()
        unknown = self._states.missing((reading.component_name, reading.protocol) for _, reading in events)
        states = await self._recall.clock_states(sorted({component for component, _ in unknown}))
        for key in self._states.missing((*unknown, *states)):  # the timer may have learnt of one meanwhile
            self._states.put(key, states.get(key))
        ids = self._seen.missing(_row_id(reading) for _, reading in events)
        for row_id in await self._recall.known_ids("clock_sync_status", ids):
            self._seen.put(row_id, True)
        for record, reading in events:
            if not self._seen.get(_row_id(reading)):
                self._hear(record, reading)

    def _hear(self, record: Record, reading: ClockReading) -> None:
        if is_unsynchronised(reading) or record.timestamp <= 0:
            self.peers.lost(reading.component_name, reading.protocol)
            return
        arrived_us = record.timestamp * 1000
        read_at_us = min(microseconds(reading.last_sync_at), arrived_us) if reading.last_sync_at else arrived_us
        previous = self._states.get((reading.component_name, reading.protocol))
        if previous is not None and read_at_us < previous.last_sync_at_us:
            return  # late
        seconds = silence_limit_seconds(previous, self.limits) if previous else self.limits.silence_seconds
        peer = Peer(reading.offset_microseconds, taken_at_us(read_at_us, arrived_us, previous), seconds)
        known = Known(peer, arrived_us, reading.event_id, (record.partition, record.offset))
        self.peers.heard(reading.component_name, reading.protocol, known)

    def judge_all(self, events: Sequence[tuple[Record, ClockReading]], rules: Ruleset, now_us: int) -> list[Plan]:
        """A plan for each event, in their order."""
        return one_by_one(self.judge, events, rules, now_us)

    def judge(self, record: Record, event: ClockReading, rules: Ruleset, now_us: int) -> Plan:
        """One row, the clock's new state, violations, and the alerts that begin or end."""
        arrived_us = record.timestamp * 1000 if record.timestamp > 0 else now_us
        read_at_us = microseconds(event.last_sync_at) if event.last_sync_at else arrived_us
        row_id = _row_id(event)
        plan = Plan(record, row_id, "clock_sync_status")
        if self._seen.get(row_id):
            plan.duplicate = True
            return plan
        self._seen.put(row_id, True)
        key: ClockKey = (event.component_name, event.protocol)
        previous = self._states.get(key)
        # A reading cannot have been taken after it arrived: a stamp from the future must not make all later
        # readings look late.
        arrival = Arrival(min(read_at_us, arrived_us), arrived_us, (record.partition, record.offset))
        judgement = judge_reading(
            event,
            arrival,
            previous,
            self.limits,
            {code: standard.version for code, standard in rules.builtins.items()},
            self._siblings(key),
            lambda: self._speaks_for(key, rules),
        )
        plan.rows["clock_sync_status"] = [_reading_row(row_id, event, read_at_us, judgement, previous, record)]
        findings = [*standards.judge_reading(event, rules), *_own_findings(event, judgement, rules)]
        add_findings(
            plan,
            findings,
            cause=row_id,
            event_id=event.event_id,
            event_time_us=read_at_us,
            detected_at_us=now_us,
            ruleset_revision=rules.revision,
        )
        if judgement.state is None:
            metrics.CLOCK_LATE_READINGS.inc()
            return plan
        self.remember(plan, key, judgement.state)
        for transition in judgement.transitions:
            document = of_reading(judgement.facts, transition, arrival.read_at_us)
            add_transition(plan, transition, document, arrival.source, rules.revision)
        self._export(event, judgement.state)
        return plan

    def known(self, key: ClockKey) -> ClockState | None:
        """The state in memory."""
        return self._states.get(key)

    def remember(self, plan: Plan, key: ClockKey, state: ClockState) -> None:
        """Make this the clock's state, in memory now and in the database with the plan."""
        self._states.put(key, state)
        plan.rows["clock_states"] = [clock_state_row(key, state, silence_limit_seconds(state, self.limits))]

    def _siblings(self, key: ClockKey) -> list[tuple[str, ClockState]]:
        component, own = key
        others = ((protocol, self._states.get((component, protocol))) for protocol in _PROTOCOLS if protocol != own)
        return [(protocol, state) for protocol, state in others if state is not None]

    def _speaks_for(self, key: ClockKey, rules: Ruleset) -> str | None:
        if rules.builtin("CLK-REFERENCE-SUSPECT") is None:  # then nobody would speak at all
            return None
        return self.peers.speaks_for(*key)

    def _export(self, event: ClockReading, state: ClockState) -> None:
        CLOCKS.tell(
            event.component_name,
            event.protocol,
            read_at=state.last_sync_at_us / 1e6,
            offset_seconds=state.offset_microseconds / 1e6,
            state=STATUSES.index(state.status),
        )

    def judge_in_slices(self, record: Record, event: ClockReading, rules: Ruleset, now_us: int) -> Slices[Plan]:
        """`judge`: one reading is no work, however large its record is."""
        yield
        return self.judge(record, event, rules, now_us)

    def forget(self) -> None:
        """Drop the states; the database has them."""
        self._states.expire()
        self._seen.expire()


def _own_findings(event: ClockReading, judgement: Judgement, rules: Ruleset) -> list[Finding]:
    facts = judgement.facts
    shared: Mapping[str, Any] = {
        "protocol": event.protocol,
        "offset_microseconds": event.offset_microseconds,
        "threshold_microseconds": facts.own.threshold,
        "bound_microseconds": facts.bound,
        "tags": list(facts.tags),
    }
    return [
        finding_of(rules.builtins[code], event.component_name, condition, shared) for code, condition in judgement.found
    ]


def _row_id(reading: ClockReading) -> str:
    # Without last_sync_at the record's timestamp stands in the row but not in the id: a replay has another.
    return derived_id(
        "clock",
        reading.event_id.lower(),
        reading.component_name,
        reading.protocol,
        reading.offset_microseconds,
        microseconds(reading.last_sync_at) if reading.last_sync_at else "",
    )


def _reading_row(
    row_id: str,
    event: ClockReading,
    read_at_us: int,
    judgement: Judgement,
    previous: ClockState | None,
    record: Record,
) -> str:
    known = judgement.state or previous
    step = known.last_step if known else None
    judged = rows.clock_judged(
        judgement.facts.bound,
        judgement.certainty,
        step.at_us if step else None,
        step.microseconds if step else None,
    )
    return rows.clock_row(row_id, event, read_at_us, judgement.status, record.partition, record.offset) + judged
