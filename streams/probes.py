"""What the worker measures beside its work.

Consumer lag, the loop's pulse, the state of all clocks, and the latency of the two queries that have an objective.
The samples fill `query_metrics`, at a bounded rate.
"""

from collections.abc import Awaitable
from datetime import UTC
from time import perf_counter
from typing import Any
from uuid import uuid4

import mode
import structlog

from streams.errors import RetriableError
from streams.judges.clocks import STATUSES
from streams.observability import metrics
from streams.observability.clock_gauges import CLOCKS
from streams.observability.health import Health
from streams.recorder import Recorder
from streams.settings import Settings
from streams.store import reports, rows
from streams.store.database import Database
from streams.store.statements import statement

log = structlog.get_logger(__name__)

_PULSE_SECONDS = 1.0
_SAMPLES_A_PROBE = 20
_COMPLIANCE_DAYS = 30


class Probes(mode.Service):  # type: ignore[misc]
    """Two timers: every second the pulse and the lag, every `probe_seconds` the queries."""

    def __init__(self, settings: Settings, app: Any, database: Database, recorder: Recorder, health: Health) -> None:
        super().__init__()
        self._settings = settings
        self._app = app
        self._database = database
        self._recorder = recorder
        self._health = health
        self._measured: set[tuple[str, str]] = set()
        self._clocks: set[tuple[str, str]] = set()

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _pulse(self) -> None:
        while not self.should_stop:
            self._health.tick()
            self._measure_lag()
            await self.sleep(_PULSE_SECONDS)

    def _measure_lag(self) -> None:
        consumer = self._app.consumer
        if not self._health.assigned:
            return
        measured = set()
        for tp in consumer.assignment():
            end, read = consumer.highwater(tp), consumer.committed_or_none(tp)
            read = 0 if end == 0 else read
            if end is not None and read is not None:
                labels = tp.topic, str(tp.partition)
                metrics.CONSUMER_LAG.labels(*labels).set(max(0, end - read))
                metrics.COMMITTED_OFFSET.labels(*labels).set(read)
                measured.add(labels)
        for labels in self._measured - measured:  # another worker's now: our last word on it would stand for ever
            metrics.CONSUMER_LAG.remove(*labels)
            metrics.COMMITTED_OFFSET.remove(*labels)
        self._measured = measured

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _probe(self) -> None:
        while not self.should_stop:
            try:
                await self.probe()
            except RetriableError as error:
                log.warning("probe_failed", error=str(error))
            await self.sleep(self._settings.probe_seconds)

    async def probe(self) -> None:
        """Time the compliance query and the clock status read once, and store the samples."""
        compliance_ms = await _timed(reports.compliance(self._database, _COMPLIANCE_DAYS))
        metrics.COMPLIANCE_QUERY.observe(compliance_ms / 1000)
        samples = [("compliance_report", compliance_ms)]
        newest = await self._database.fetch_all(statement("reports", "newest_component"))
        if newest:
            component = newest[0]["component_name"]
            clock_ms = await _timed(self._database.fetch_all(statement("reports", "clock_status"), (component,)))
            metrics.STORE.labels("clock_status").observe(clock_ms / 1000)
            samples.append(("clock_sync", clock_ms))
        await self._tell_clocks()
        recent = self._recorder.detection_samples_ms
        while recent and len(samples) < _SAMPLES_A_PROBE:
            samples.append(("violation_check", recent.popleft()))
        literals = ",".join(
            rows.row(f"'{uuid4()}'", rows.text(kind), rows.number(round(ms, 3))) for kind, ms in samples
        )
        await self._database.execute(statement("record", "query_metrics").replace("(%s)", literals, 1))

    async def _tell_clocks(self) -> None:
        found = await self._database.fetch_all(statement("clocks", "newest"), (metrics.COMPONENT_LABEL_LIMIT,))
        for row in found:
            CLOCKS.tell(
                row["component_name"],
                row["protocol"],
                read_at=row["last_sync_at"].replace(tzinfo=UTC).timestamp(),
                offset_seconds=row["offset_microseconds"] / 1e6,
                state=STATUSES.index(row["status"]),
            )
        clocks = {(row["component_name"], row["protocol"]) for row in found}
        CLOCKS.forget(self._clocks - clocks)  # not all others: one that is read for the first time may be uncommitted
        self._clocks = clocks


async def _timed(query: Awaitable[object]) -> float:
    """Milliseconds that the query takes."""
    started = perf_counter()
    await query
    return (perf_counter() - started) * 1000
