"""Announces what a worker decided and did not live to announce: outbox rows that have grown old."""

import mode
import structlog

from streams.errors import RetriableError
from streams.kafka.announcer import Announcer
from streams.kafka.outgoing import Outgoing
from streams.settings import Settings
from streams.store import outbox
from streams.store.database import Database
from streams.store.statements import statement

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 5.0
_AGE_SECONDS = 15
"""A living worker announces within milliseconds; one that waits for Kafka longer gets its messages doubled."""


class Sweeper(mode.Service):  # type: ignore[misc]
    """Any worker sweeps for all: messages may be sent twice by two of them, with the same ids."""

    def __init__(self, settings: Settings, database: Database, announcer: Announcer) -> None:
        super().__init__()
        self._settings = settings
        self._database = database
        self._announcer = announcer

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        while not self.should_stop:
            try:
                await self.sweep()
            except RetriableError as error:
                log.warning("outbox_not_swept", error=str(error))
            await self.sleep(_EVERY_SECONDS)

    async def sweep(self, age_seconds: int = _AGE_SECONDS) -> int:
        """Announce and delete every row older than this; returns how many rows."""
        found = await self._database.fetch_all(statement("record", "unannounced"), (age_seconds,))
        for row in found:
            await self._announcer.send_all(
                [
                    Outgoing(self._settings.topic(m.topic), m.key.encode(), m.value, m.headers)
                    for m in outbox.unpack(row["messages"])
                ]
            )
            await self._database.execute("DELETE FROM outbox WHERE id = %s", (row["id"],))
            log.info("outbox_swept", id=row["id"])
        return len(found)
