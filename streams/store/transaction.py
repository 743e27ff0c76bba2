"""The one transaction in which a group of records is stored: all rows of each, or nothing."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter
from uuid import uuid4

import aiomysql
from pymysql import err

from streams.observability import metrics
from streams.plan import Plan
from streams.store import outbox, rows
from streams.store.database import Database
from streams.store.failures import error_code
from streams.store.statements import statement

TABLES = (
    "filesystem_timestamps",
    "clock_sync_status",
    "submissions",
    "clock_states",
    "metadata_violations",
)
"""In the order in which they are written; every transaction locks in this order."""

_ANCHORED = ("filesystem_timestamps", "clock_sync_status")
"""Tables whose rows each record inserts anew: fewer rows changed than sent means a record was there already."""

_STATEMENT_BYTES = 1_000_000
_DUPLICATE_KEY = 1062


class AlreadyStored(Exception):
    """Some record of the group has rows in the database already; nothing was written."""


class Transactions:
    """Writes groups of plans. The database says what went wrong by the errors of `streams.errors`."""

    def __init__(self, database: Database, statement_seconds: float) -> None:
        self._database = database
        self._statement_seconds = statement_seconds

    async def write(self, plans: Sequence[Plan], announced: Iterable[str] = ()) -> list[str]:
        """Commit all rows of the plans and their announcements.

        Args:
            plans: none of them a duplicate or a dead letter.
            announced: ids of outbox rows that Kafka has acknowledged; they are deleted along the way.

        Returns:
            The ids of the outbox rows that now hold the plans' announcements.

        Raises:
            AlreadyStored: nothing was written; ask `known` which record it was.
            RetriableError, PermanentError: nothing was written, or the outcome is unknown and the same
                write is safe to repeat.
        """
        messages = [message for plan in plans for message in plan.announcements]
        packages = [(str(uuid4()), package) for package in outbox.pack(messages)]
        started = perf_counter()
        async with self._database.connection() as connection:  # which an error closes: nothing stays behind
            await connection.begin()
            async with connection.cursor() as cursor:
                written = await self._insert(cursor, plans)
                for package_id, package in packages:
                    row = rows.row(f"'{package_id}'", rows.binary(package))
                    await self._execute(cursor, statement("record", "outbox").replace("%s", row[1:-1], 1))
                if ids := ",".join(f"'{package_id}'" for package_id in announced):
                    await self._execute(cursor, statement("record", "forget_announced").replace("%s", ids, 1))
            await asyncio.wait_for(connection.commit(), self._statement_seconds)
        metrics.STORE.labels("transaction").observe(perf_counter() - started)
        for table, count in written.items():
            metrics.ROWS_WRITTEN.labels(table).inc(count)
        return [package_id for package_id, _ in packages]

    async def _insert(self, cursor: aiomysql.Cursor, plans: Sequence[Plan]) -> dict[str, int]:
        written: dict[str, int] = {}
        for table in TABLES:
            literals = [literal for plan in plans for literal in plan.rows.get(table, ())]
            if not literals:
                continue
            changed = 0
            started = perf_counter()
            for sql in _statements(table, literals):
                try:
                    changed += await self._execute(cursor, sql)
                except err.IntegrityError as error:
                    if error_code(error) != _DUPLICATE_KEY:
                        raise
                    raise AlreadyStored from None
            metrics.STORE.labels(f"insert_{table}").observe(perf_counter() - started)
            if table in _ANCHORED and changed < len(literals):
                raise AlreadyStored
            written[table] = len(literals) if table == "clock_states" else changed
        return written

    async def _execute(self, cursor: aiomysql.Cursor, sql: str) -> int:
        # The text holds values already, so it must not be formatted: no arguments are passed.
        await asyncio.wait_for(cursor.execute(sql), self._statement_seconds)
        return int(cursor.rowcount)


def _statements(table: str, literals: Sequence[str]) -> Iterator[str]:
    """Multi-row INSERTs of about a megabyte, so that no server's packet limit is met."""
    before, after = statement("record", table).split("(%s)")
    chunk: list[str] = []
    size = 0
    for literal in literals:
        if chunk and size + len(literal) > _STATEMENT_BYTES:
            yield before + ",".join(chunk) + after
            chunk, size = [], 0
        chunk.append(literal)
        size += len(literal)
    yield before + ",".join(chunk) + after
