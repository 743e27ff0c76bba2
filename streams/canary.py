"""Exports how far TiFlash is behind, on a timer of its own; off unless COCKPIT_TIFLASH_PROBE_SECONDS is set."""

import asyncio
from time import monotonic

import mode
import structlog

from streams.errors import RetriableError, UserError
from streams.observability import metrics
from streams.settings import Settings
from streams.store import tiflash
from streams.store.database import Database

log = structlog.get_logger(__name__)

_DEADLINE_SECONDS = 5.0
"""A table whose read is not answered by then is asked again by the next probe."""


class Canary(mode.Service):  # type: ignore[misc]
    """One probe after another; a table that shows nothing is told as lagging since it was last seen in step."""

    def __init__(self, settings: Settings, database: Database) -> None:
        super().__init__()
        self._seconds = settings.tiflash_probe_seconds
        self._database = database
        self._behind_since: dict[str, float] = {}
        self.gave_up = asyncio.Event()
        """Set once it is known that there is nothing to measure here."""

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        while self._seconds and not self.should_stop:
            try:
                await self.probe()
            except UserError as error:  # no TiDB: that will not change while the worker runs
                log.warning("tiflash_not_probed", reason=str(error))
                self.gave_up.set()
                return
            except RetriableError as error:
                log.warning("tiflash_probe_failed", error=str(error))
            await self.sleep(self._seconds)

    async def probe(self) -> None:
        """Measure every table that has a finished replica once, and export the seconds."""
        measured = set()
        for replica in await tiflash.replicas(self._database):
            if not replica.available:
                continue
            lag = await tiflash.measure_lag(self._database, replica.table, _DEADLINE_SECONDS)
            if isinstance(lag, tiflash.Lag):
                measured.add(replica.table)
                metrics.TIFLASH_LAG.labels(replica.table).set(self._seconds_behind(lag))
        for table in (*tiflash.TABLES, tiflash.CANARY):
            if table not in measured:
                self._behind_since.pop(table, None)
                metrics.TIFLASH_LAG.remove(table)

    def _seconds_behind(self, lag: tiflash.Lag) -> float:
        if lag.seen:
            self._behind_since.pop(lag.table, None)
            return lag.seconds
        since = self._behind_since.setdefault(lag.table, monotonic() - lag.seconds)
        return monotonic() - since
