"""TiFlash replicas: set them, see how far they are built, and measure in seconds how far they are behind.

A read of TiFlash never returns old rows: it waits until the replica of the Region that it reads has caught up. So the
lag is the time that a read bound to TiFlash takes. `tiflash_canary` is written first, and read until the write is
seen; in the other tables, where no row may be invented, some row is read, another Region each time. TiDB's own
figures do not say it: AVAILABLE never goes back to 0, and PROGRESS is a share of Regions.
"""

import asyncio
from dataclasses import dataclass
from time import monotonic, time_ns
from typing import Literal
from uuid import uuid4

from pymysql.err import MySQLError

from streams.errors import CockpitError, RetriableError, UserError
from streams.store.database import Database
from streams.store.failures import error_code
from streams.store.statements import statement

CANARY = "tiflash_canary"
TABLES = ("filesystem_timestamps", "metadata_violations", "clock_sync_status")

Unmeasured = Literal["table is empty", "read by TiKV"]

_LOOK_AGAIN_SECONDS = 0.05
_DENIED = (1044, 1142, 1143, 1227)


@dataclass(frozen=True, slots=True)
class Replica:
    """What TiDB says of one table: `progress` is the share of it that was built, 0 to 1."""

    table: str
    replicas: int
    available: bool
    progress: float


@dataclass(frozen=True, slots=True)
class Lag:
    """How long TiFlash took to show a write; without `seen` it had not by then, and the lag is at least that."""

    table: str
    seconds: float
    seen: bool


async def require_tidb(database: Database) -> None:
    """Raise a UserError of one line when the server is no TiDB, and so has no TiFlash."""
    (row,) = await database.fetch_all(statement("tiflash", "server"))
    if "TiDB" not in row["version"]:
        raise UserError(f"tiflash: the server is {row['version']}, which has no TiFlash: nothing to do here")


async def enable(database: Database, replicas: int) -> None:
    """Give the three tables and the canary so many replicas each; TiDB builds them in its own time."""
    await require_tidb(database)
    await _alter(database, "create_canary")
    for table in (*TABLES, CANARY):
        await _alter(database, f"set_{table}", replicas)


async def replicas(database: Database) -> list[Replica]:
    """What is known of the three tables and the canary; a table without a replica is absent."""
    await require_tidb(database)
    found = {row["table_name"].lower(): row for row in await database.fetch_all(statement("tiflash", "replicas"))}
    return [
        Replica(table, int(row["replicas"]), bool(row["available"]), float(row["progress"]))
        for table in (*TABLES, CANARY)
        if (row := found.get(table)) is not None and row["replicas"]
    ]


async def measure_lag(database: Database, table: str, deadline_seconds: float) -> Lag | Unmeasured:
    """The lag of one table with a replica that is available, or why it cannot be told."""
    canary = await _canary(database, table)
    if canary is None:
        return "table is empty"
    if not await _reads_tiflash(database, table, canary):
        return "read by TiKV"
    started = monotonic()
    while (left := deadline_seconds - (monotonic() - started)) > 0:
        try:
            async with asyncio.timeout(left):
                (row,) = await database.fetch_all(statement("tiflash", f"hear_{table}"), (canary,))
        except (RetriableError, TimeoutError):  # TiFlash is away, or gave up waiting for its replica
            await asyncio.sleep(min(_LOOK_AGAIN_SECONDS, max(0.0, left)))
            continue
        if row["seen"]:
            return Lag(table, monotonic() - started, seen=True)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return Lag(table, monotonic() - started, seen=False)


async def _canary(database: Database, table: str) -> int | str | None:
    """What to look for in TiFlash: a number just written, or the id of some row; None: there is no row."""
    if table == CANARY:
        sung = time_ns() // 1000
        await database.execute(statement("tiflash", "sing"), (sung,))
        return sung
    for least in (str(uuid4()), ""):  # none may come after the first
        if rows := await database.fetch_all(statement("tiflash", f"some_{table}"), (least,)):
            return str(rows[0]["id"])
    return None


async def _reads_tiflash(database: Database, table: str, canary: int | str) -> bool:
    """Whether the plan goes to TiFlash: a hint that cannot be followed is only a warning, and TiKV has no lag."""
    plan = await database.fetch_all("EXPLAIN " + statement("tiflash", f"hear_{table}"), (canary,))
    return any("tiflash" in str(step.get("task", "")) for step in plan)


async def _alter(database: Database, name: str, *arguments: int) -> None:
    try:
        await database.execute(statement("tiflash", name), arguments)
    except (CockpitError, MySQLError) as error:
        text = " ".join(str(error).split())
        if "total tiflash server count" in text:
            raise UserError(f"tiflash: too few TiFlash nodes: {text}: add nodes, or ask for fewer replicas") from None
        if error_code(error) in _DENIED:
            raise UserError(f"tiflash: {text}: run this as a user that may CREATE and ALTER") from None
        raise
