"""The same transaction for peers that run on asyncio, by aiomysql."""

from collections.abc import Sequence

import aiomysql

from benchmarks.peers.database import options
from benchmarks.peers.job import FILES_SQL, VIOLATIONS_SQL, Row
from benchmarks.peers.settings import PeerSettings


async def connect(settings: PeerSettings) -> aiomysql.Connection:
    known = options(settings)
    return await aiomysql.connect(db=known.pop("database"), **known)


async def write(connection: aiomysql.Connection, files: Sequence[Row], violations: Sequence[Row]) -> None:
    """One transaction; a multi-row statement for each table."""
    async with connection.cursor() as cursor:
        await cursor.executemany(FILES_SQL, files)
        if violations:
            await cursor.executemany(VIOLATIONS_SQL, violations)
    await connection.commit()
