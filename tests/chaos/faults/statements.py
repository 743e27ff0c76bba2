"""Single statements fail: what other sessions lock, what TiDB says, and what the network swallows."""

import asyncio
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pymysql

from streams.local.mariadb import connect
from tests.chaos.faults import Form
from tests.chaos.faults.under_load import RECOVERY_SECONDS, retries, tried_again, under_load
from tests.chaos.lane import Lane, execute
from tests.chaos.mysql_proxy import Action, CutAtCommit, CutInside, Delay, Refuse, RefuseAtCommit, Rule, writes
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.e2e.worker import WorkerProcess, eventually

TIDB_CODES = (8002, 8022, 8028, 9007, 9001, 9002, 9003, 9004, 9005)
_BALLAST_ROWS = 20_000
"""InnoDB lets the transaction go on that has changed more rows."""
_LOCK_WAITS = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
_WAIT_SECONDS = 20.0
_LOOK_AGAIN_SECONDS = 0.2
"""The server renews this view only for those who have not looked for a tenth of a second."""
_DEADLOCKS = "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"


async def tidb_errors(servers: Servers, directory: Path, form: Form) -> Result:
    """Each error in place of the transaction, in place of its COMMIT, and in place of a look-up of the past."""
    wanted: list[tuple[int, str]] = [
        (code, where) for code in TIDB_CODES for where in ("begin", "commit", "read")
    ] * form.rounds

    def rule() -> Rule:
        queue = list(reversed(wanted))
        quiet = 0

        def choose(text: bytes) -> Action | None:
            nonlocal quiet
            quiet += 1
            if not queue or quiet < 2:  # in between something passes, or the back-off would grow
                return None
            code, where = queue[-1]
            if writes(text) if where != "read" else b"FROM filesystem_timestamps" in text and not writes(text):
                queue.pop()
                quiet = 0
                return RefuseAtCommit(code) if where == "commit" else Refuse(code)
            return None

        return choose

    result = await _with_rule("TiDB's 8002, 8022, 8028, 9001-9005, 9007", rule(), len(wanted), servers, directory, form)
    result.runs = len(wanted)
    return result


async def gone_at_commit(servers: Servers, directory: Path, form: Form) -> Result:
    """Cut after COMMIT and before its answer, and inside the text, in turn: nothing waits for the sweeper."""
    actions: Iterator[Action] = cycle([CutAtCommit(), CutInside()])
    times, seen = 10 * form.rounds, 0

    def rule(text: bytes) -> Action | None:
        nonlocal seen
        seen += writes(text)
        return next(actions) if writes(text) and seen % 3 == 0 and seen <= 3 * times else None

    result = await _with_rule("database gone away at COMMIT", rule, times, servers, directory, form, announced=True)
    result.runs = times
    return result


async def hung_call(servers: Servers, directory: Path, form: Form) -> Result:
    """A call hangs beyond its deadline of 2 s, and the server carries it out long after the worker gave it up."""
    times, seen = 2 * form.rounds, 0

    def rule(text: bytes) -> Action | None:
        nonlocal seen
        seen += writes(text)
        return Delay(5) if writes(text) and seen % 6 == 0 and seen <= 6 * times else None

    deadline = {"COCKPIT_DATABASE_STATEMENT_TIMEOUT_SECONDS": "2"}
    result = await _with_rule("hung database call, carried out late", rule, times, servers, directory, form, **deadline)
    result.runs = times
    return result


async def slow(servers: Servers, directory: Path, form: Form) -> Result:
    """Every statement of the worker takes a second."""
    times = 10 * form.rounds
    result = await _with_rule("1 s a statement", lambda _: Delay(1), times, servers, directory, form)
    result.runs = times
    return result


async def _with_rule(
    name: str,
    rule: Rule,
    times: int,
    servers: Servers,
    directory: Path,
    form: Form,
    *,
    announced: bool = False,
    **environment: str,
) -> Result:
    """`announced`: what was decided must be announced as soon as rows must come again, and not by the sweeper."""
    proxy = servers.database_proxy

    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        before = proxy.acted
        proxy.rule = rule

        async def acted() -> bool:
            return proxy.acted - before >= times

        try:
            await eventually(acted, 240, f"{times} statements meet the fault, {proxy.acted - before} have")
        finally:
            proxy.rule = None
        lane.watched.fault_ends()
        seen = f"{proxy.acted - before} statements, {await retries(worker)} retries"
        if announced:
            seen += f", all announced after {await lane.announced(RECOVERY_SECONDS):.1f} s"
        await lane.stored()
        return seen

    return await under_load(name, servers, directory, form, breaks, **environment)


async def deadlock(servers: Servers, directory: Path, form: Form) -> Result:
    """Another session locks in the opposite order, and has changed more than the worker: the worker is the victim."""

    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        url = lane.straight.database_url.get_secret_value()
        await asyncio.to_thread(execute, url, "CREATE TABLE chaos_ballast (n INT PRIMARY KEY)")
        before = await asyncio.to_thread(_deadlocks, url)
        for number in range(form.rounds):
            await asyncio.to_thread(_embrace, url, servers.mariadb.admin_url, number * _BALLAST_ROWS)
        lane.watched.fault_ends()
        await lane.stored()
        found = await asyncio.to_thread(_deadlocks, url) - before
        assert found >= form.rounds, f"only {found} deadlocks"
        return f"{found} deadlocks, {await retries(worker)} retries"

    return await under_load("deadlock (1213)", servers, directory, form, breaks, runs=form.rounds)


def _embrace(url: str, admin: str, first: int) -> None:
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        numbers = ",".join(f"({first + n})" for n in range(_BALLAST_ROWS))
        cursor.execute(f"INSERT INTO chaos_ballast VALUES {numbers}")
        cursor.execute("SELECT component_name FROM clock_states FOR UPDATE")
        _until_somebody_waits(admin)
        cursor.execute("SELECT COUNT(*) FROM clock_sync_status FOR UPDATE")
        cursor.execute("ROLLBACK")


async def lock_wait(servers: Servers, directory: Path, form: Form) -> Result:
    """Another session holds a lock for longer than the server lets one wait."""
    admin = servers.mariadb.admin_url

    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        url = lane.straight.database_url.get_secret_value()
        for _ in range(form.rounds):
            before = await retries(worker)
            connection = await asyncio.to_thread(_lock_clocks, url)
            try:
                await tried_again(worker, before + 1)
            finally:
                connection.close()
            lane.watched.fault_ends()
            await lane.stored()
        return f"{await retries(worker)} retries"

    await asyncio.to_thread(execute, admin, "SET GLOBAL innodb_lock_wait_timeout = 1")
    try:
        return await under_load("lock wait timeout (1205)", servers, directory, form, breaks, runs=form.rounds)
    finally:
        await asyncio.to_thread(execute, admin, "SET GLOBAL innodb_lock_wait_timeout = 50")


def _lock_clocks(url: str) -> "pymysql.Connection[Any]":
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT component_name FROM clock_states FOR UPDATE")
    return connection


def _until_somebody_waits(admin: str) -> None:
    deadline = monotonic() + _WAIT_SECONDS
    with connect(admin) as connection, connection.cursor() as cursor:
        while monotonic() < deadline:
            cursor.execute(_LOCK_WAITS)
            if (cursor.fetchone() or (0,))[0]:
                return
            sleep(_LOOK_AGAIN_SECONDS)
    raise AssertionError("the worker does not come to the locked rows")


def _deadlocks(url: str) -> int:
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(_DEADLOCKS)
        row = cursor.fetchone()
        assert row is not None, "this server does not count deadlocks"
        return int(row[1])
