"""clock-sync.v1: every reading recorded with its status; drift alerts when drift begins and ends."""

from collections.abc import Sequence

import orjson

from schemas.events import ClockReading
from schemas.findings import DriftAlert, SourceRef
from streams.flows.memory import Memory
from streams.identity import derived_id
from streams.judges import standards
from streams.judges.clocks import STATUSES, ClockState, Judgement, alert_document, judge_reading
from streams.judges.findings import Finding
from streams.observability import metrics
from streams.plan import Announcement, Plan, Record
from streams.standards.ruleset import Ruleset
from streams.store import rows
from streams.store.recall import Recall, episode_to_json
from streams.times import microseconds
from streams.violations import add_findings, trace_headers

_BUILTIN_OF_STATUS = {"drifting": "CLK-OFFSET", "error": "CLK-UNSYNCHRONISED"}
_BUILTIN_OF_KIND = {"offset": "CLK-OFFSET", "unsynchronised": "CLK-UNSYNCHRONISED"}
_REMEMBERED_CLOCKS = 50_000
_REMEMBERED_READINGS = 200_000

ClockKey = tuple[str, str]


class ClockFlow:
    """Remembers the state of each clock; duplicates are known before they are judged, so they change no state."""

    topic = "clock-sync.v1"
    model = ClockReading

    def __init__(self, recall: Recall, threshold_microseconds: int) -> None:
        self._recall = recall
        self._threshold = threshold_microseconds
        self._states: Memory[ClockKey, ClockState] = Memory(_REMEMBERED_CLOCKS)
        self._seen: Memory[str, bool] = Memory(_REMEMBERED_READINGS)
        self._labelled: set[str] = set()

    async def recall(self, events: Sequence[tuple[Record, ClockReading]]) -> None:
        """Look up the clocks and the readings of the batch that memory lacks."""
        self._states.trim()
        self._seen.trim()
        unknown = self._states.missing((reading.component_name, reading.protocol) for _, reading in events)
        states = await self._recall.clock_states(sorted({component for component, _ in unknown}))
        for key in unknown:
            self._states.put(key, states.get(key))
        ids = self._seen.missing(_row_id(reading) for _, reading in events)
        for row_id in await self._recall.known_ids("clock_sync_status", ids):
            self._seen.put(row_id, True)

    def judge(self, record: Record, event: ClockReading, rules: Ruleset, now_us: int) -> Plan:
        """One row, the clock's new state, a violation while it is off, an alert when that begins or ends."""
        arrived_us = record.timestamp * 1000 if record.timestamp > 0 else now_us
        read_at_us = microseconds(event.last_sync_at) if event.last_sync_at else arrived_us
        row_id = _row_id(event)
        plan = Plan(record, row_id, "clock_sync_status")
        if self._seen.get(row_id):
            plan.duplicate = True
            return plan
        self._seen.put(row_id, True)
        key = (event.component_name, event.protocol)
        previous = self._states.get(key)
        # A reading cannot have been taken after it arrived: a stamp from the future must not make all later
        # readings look late.
        order_us = min(read_at_us, arrived_us)
        judgement = judge_reading(event, order_us, previous, self._threshold)
        plan.rows["clock_sync_status"] = [
            rows.clock_row(row_id, event, read_at_us, judgement.status, record.partition, record.offset)
        ]
        findings = [*standards.judge_reading(event, rules), *self._own_findings(event, judgement, rules)]
        add_findings(
            plan,
            findings,
            cause=row_id,
            event_id=event.event_id,
            event_time_us=read_at_us,
            detected_at_us=now_us,
            ruleset_revision=rules.revision,
        )
        if judgement.state is not None:
            self._states.put(key, judgement.state)
            plan.rows["clock_states"] = [_state_row(key, judgement.state)]
            self._announce(plan, event, order_us, judgement, previous, rules)
            self._export(event, judgement.state)
        return plan

    def _own_findings(self, event: ClockReading, judgement: Judgement, rules: Ruleset) -> list[Finding]:
        standard = rules.builtins.get(_BUILTIN_OF_STATUS.get(judgement.status, ""))
        if standard is None:
            return []
        if judgement.status == "drifting":
            observed, expected = str(event.offset_microseconds), f"|offset| <= {self._threshold} microseconds"
        else:
            said = {"leap_status": event.leap_status, "stratum": event.stratum}
            observed = ", ".join(f"{name}={value}" for name, value in said.items() if value is not None)
            expected = "a synchronised clock: leap status not unsynchronised, NTP stratum 1 to 15"
        evidence = {
            "protocol": event.protocol,
            "offset_microseconds": event.offset_microseconds,
            "threshold_microseconds": self._threshold,
            "excess_microseconds": max(0, abs(event.offset_microseconds) - self._threshold),
        }
        return [
            Finding(
                standard,
                event.component_name,
                standard.field,
                observed,
                expected,
                standard.severity,
                evidence,
            )
        ]

    def _announce(
        self,
        plan: Plan,
        event: ClockReading,
        read_at_us: int,
        judgement: Judgement,
        previous: ClockState | None,
        rules: Ruleset,
    ) -> None:
        if judgement.alert is None or judgement.alert_state is None:
            return
        standard = rules.builtins.get(_BUILTIN_OF_KIND[judgement.alert.kind])
        if standard is None:  # suspended by a person: the state is kept, nobody is called
            return
        record = plan.record
        alert = DriftAlert(
            **alert_document(event, read_at_us, judgement, previous, self._threshold),
            standard_code=standard.code,
            standard_version=standard.version,
            ruleset_revision=rules.revision,
            source=SourceRef(topic=record.topic, partition=record.partition, offset=record.offset),
        )
        plan.announcements.append(
            Announcement(
                "drift-alerts.v1",
                alert.component_name,
                orjson.dumps(alert.model_dump(mode="json")),
                trace_headers(plan),
            )
        )
        if alert.state == "firing":
            plan.drift_alerts.append((alert.kind, alert.severity))

    def _export(self, event: ClockReading, state: ClockState) -> None:
        component = event.component_name
        if component not in self._labelled and len(self._labelled) >= metrics.COMPONENT_LABEL_LIMIT:
            component = "other"
        self._labelled.add(component)
        metrics.CLOCK_OFFSET.labels(component, event.protocol).set(state.offset_microseconds / 1e6)
        metrics.CLOCK_STATE.labels(component, event.protocol).set(STATUSES.index(state.status))

    def forget(self) -> None:
        """Drop the states; the database has them."""
        self._states.expire()
        self._seen.expire()


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


def _state_row(key: ClockKey, state: ClockState) -> str:
    return rows.row(
        rows.text(key[0]),
        f"'{key[1]}'",
        rows.instant(state.last_sync_at_us),
        str(state.offset_microseconds),
        f"'{state.status}'",
        episode_to_json(state.episode),
    )
