"""What a replay writes: violations of the past, tagged, and how far it has come."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import aiomysql

from streams.plan import Violated
from streams.store import rows
from streams.store.database import Database
from streams.store.incidents import incident_rows, keep_statement
from streams.store.statements import statement

_IDS_PER_STATEMENT = 2000


async def known_violations(database: Database, ids: Sequence[str]) -> set[str]:
    """Those of the ids that are recorded already."""
    known: set[str] = set()
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        query = statement("stored", "known_violations").replace("%s", _list(ids[start : start + _IDS_PER_STATEMENT]), 1)
        known |= {row["id"] for row in await database.fetch_all(query)}
    return known


async def begin(
    database: Database, replay_id: str, rules: str, span: tuple[datetime, datetime], actor: str, revision: int
) -> None:
    """Note that a replay starts."""
    since, until = (moment.replace(tzinfo=None) for moment in span)
    arguments = (replay_id, rules[:4096], since, until, actor, revision)
    await database.execute(statement("stored", "begin_replay"), arguments)


async def record(
    database: Database,
    replay_id: str,
    violations: Sequence[tuple[str, Violated]],
    judged: int,
    recorded: int,
    *,
    reopen_seconds: float,
) -> None:
    """Write new violations (row literal and what it is of), tagged, their incidents, and the progress so far, at once.

    The rows are an error where somebody else has written them meanwhile: nothing is counted twice.
    """
    async with database.connection() as connection, connection.cursor() as cursor:
        await connection.begin()
        if violations:
            before, after = keep_statement(reopen_seconds)
            await cursor.execute(before + ",".join(incident_rows(violated for _, violated in violations)) + after)
            before, after = statement("record", "metadata_violations").split("(%s)")
            await cursor.execute(before + ",".join([literal for literal, _ in violations]) + after)
            await _tag(cursor, replay_id, [violated.id for _, violated in violations])
        await cursor.execute(statement("stored", "advance_replay"), (judged, recorded, replay_id))
        await connection.commit()


async def finish(database: Database, replay_id: str) -> None:
    """Note that all of history was judged."""
    await database.execute(statement("stored", "finish_replay"), (replay_id,))


async def _tag(cursor: aiomysql.Cursor, replay_id: str, ids: Sequence[str]) -> None:
    tag = statement("stored", "tag_violations").replace("%s", rows.text(replay_id), 1)
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        await cursor.execute(tag.replace("%s", _list(ids[start : start + _IDS_PER_STATEMENT]), 1))


def _list(ids: Iterable[str]) -> str:
    return ",".join(map(rows.text, ids))
