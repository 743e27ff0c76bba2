"""The latency objectives: a short measured load, and each p99 beside its target."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from demo.gauges import p99_edge, snapshot
from demo.traffic import DRIFT_OFFSETS_MICROSECONDS, DRIFTING_COMPONENT, Event
from demo.wire import Wire
from streams.store.database import Database
from streams.store.statements import statement

EVENTS_PER_SECOND, LOAD_SECONDS, WARM_UP_SECONDS = 300, 5, 1
"""What is sent while the broker's JVM still warms up is loaded like the rest and not counted."""
BULK_EVENTS, BULK_FILES = 20, 1000

DETECTION_MS, COMPLIANCE_MS, CLOCK_READ_MS, INSERT_MS, LOOKUP_MS = 50, 1000, 10, 100, 20
"""The targets, as the product's specification sets them."""

_CLOCK_READS, _COMPLIANCE_QUERIES = 100, 20

Wait = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective: what was measured, how, and whether it is met."""

    name: str
    target: str
    measured: str
    samples: int
    met: bool
    how: str


def p99(values: Sequence[float]) -> float:
    """The nearest-rank p99: a value that really occurred."""
    return sorted(values)[ceil(0.99 * len(values)) - 1]


class Measurement:
    """Sends what is to be measured and keeps what was seen; `objectives` makes the table of it."""

    def __init__(self, wire: Wire, database: Database, port: int) -> None:
        self._wire = wire
        self._database = database
        self._port = port
        self._intended: dict[str, float] = {}
        self._lookup_ms = self._insert_ms = 0.0
        self._lookups = self._inserts = 0
        self._clock_read_ms: list[float] = []
        self._compliance_ms: list[float] = []

    async def load(self, captures: Sequence[Event], consumed: Wait) -> None:
        """Publish captures of one file each at a steady rate."""
        before = await snapshot(self._port)
        times = await self._wire.send_at_rate([capture.message for capture in captures], EVENTS_PER_SECOND)
        await consumed()
        after = await snapshot(self._port)
        counted = times[0] + WARM_UP_SECONDS
        sent = zip(captures, times, strict=True)
        self._intended = {capture.event_id: at for capture, at in sent if at >= counted}
        name = "cockpit_standards_lookup_seconds"
        self._lookup_ms = p99_edge(name, before, after) * 1000
        self._lookups = int(after.total(f"{name}_count") - before.total(f"{name}_count"))

    async def bulk(self, captures: Iterable[Event], stored: Callable[[Event], Awaitable[None]]) -> None:
        """Publish large captures, each when the one before is stored, so that each is one insert of its own."""
        before = await snapshot(self._port)
        for capture in captures:
            await self._wire.send([capture.message])
            await stored(capture)
        after = await snapshot(self._port)
        name, labels = "cockpit_store_seconds", {"operation": "insert_filesystem_timestamps"}
        self._insert_ms = p99_edge(name, before, after, **labels) * 1000
        self._inserts = int(after.total(f"{name}_count", **labels) - before.total(f"{name}_count", **labels))

    async def queries(self) -> None:
        """Time the two reads that have an objective, as the product's own statements."""
        for _ in range(_CLOCK_READS):
            self._clock_read_ms.append(await self._timed("clock_status", (DRIFTING_COMPONENT,)))
        for _ in range(_COMPLIANCE_QUERIES):
            self._compliance_ms.append(await self._timed("compliance", (30,)))

    async def _timed(self, name: str, arguments: tuple[object, ...]) -> float:
        started = perf_counter()
        await self._database.fetch_all(statement("reports", name), arguments)
        return (perf_counter() - started) * 1000

    def objectives(self, violations: Iterable[ConsumerRecord]) -> list[Objective]:
        """Every objective with its p99; `violations` are the records of violations.v1."""
        detection = list(self._detection_ms(violations))
        return [
            _timed(
                "Violation detection",
                DETECTION_MS,
                detection,
                f"{EVENTS_PER_SECOND} events/s: from an event's intended time, past the commit, "
                "to its violation in violations.v1",
            ),
            _timed(
                "Compliance query, 30 days",
                COMPLIANCE_MS,
                self._compliance_ms,
                "the product's statement, with what this run wrote",
            ),
            _timed("Clock status read", CLOCK_READ_MS, self._clock_read_ms, f"newest reading of {DRIFTING_COMPONENT}"),
            _edged(
                f"Timestamp insert, {BULK_FILES} rows",
                INSERT_MS,
                self._insert_ms,
                self._inserts,
                "worker: cockpit_store_seconds, upper edge of the bucket",
            ),
            _edged(
                "Standards look-up",
                LOOKUP_MS,
                self._lookup_ms,
                self._lookups,
                "worker: cockpit_standards_lookup_seconds, upper edge of the bucket",
            ),
        ]

    def _detection_ms(self, violations: Iterable[ConsumerRecord]) -> Iterable[float]:
        # One latency an event: a file that breaks five standards must not count five times.
        first: dict[str, float] = {}
        for record in violations:
            event_id = orjson.loads(record.value)["event_id"]
            if event_id in self._intended:
                latency = record.timestamp - self._intended[event_id] * 1000
                first[event_id] = min(latency, first.get(event_id, latency))
        return first.values()


def drift_objective(alerts: Iterable[Mapping[str, Any]], threshold_microseconds: int) -> Objective:
    """Whether the drifting component's alert began with its first reading beyond the threshold and ended."""
    beyond = next(offset for offset in DRIFT_OFFSETS_MICROSECONDS if abs(offset) > threshold_microseconds)
    ours = [alert for alert in alerts if (alert["component_name"], alert["kind"]) == (DRIFTING_COMPONENT, "offset")]
    began = [alert["offset_microseconds"] for alert in ours if alert["state"] == "firing"]
    ended = sum(alert["state"] == "resolved" for alert in ours)
    readings = ", ".join(f"{offset / 1000:g}" for offset in DRIFT_OFFSETS_MICROSECONDS)
    return Objective(
        "Clock drift threshold",
        f"{threshold_microseconds / 1000:g} ms",
        "fired at " + ", ".join(f"{offset / 1000:+g} ms" for offset in began) if began else "never fired",
        len(DRIFT_OFFSETS_MICROSECONDS),
        began == [beyond] and ended == 1,
        f"{DRIFTING_COMPONENT} read at {readings} ms",
    )


def _timed(name: str, target_ms: float, values: Sequence[float], how: str) -> Objective:
    if not values:
        return Objective(name, f"< {target_ms:g} ms", "nothing", 0, False, how)
    value = p99(values)
    return Objective(name, f"< {target_ms:g} ms", f"{value:.1f} ms", len(values), value < target_ms, how)


def _edged(name: str, target_ms: float, edge_ms: float, samples: int, how: str) -> Objective:
    met = samples > 0 and edge_ms <= target_ms
    return Objective(name, f"< {target_ms:g} ms", f"≤ {edge_ms:g} ms" if samples else "nothing", samples, met, how)
