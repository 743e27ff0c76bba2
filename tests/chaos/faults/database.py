"""The database goes away, comes back, is full, and takes nothing."""

import asyncio
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic

from pymysql.err import OperationalError

from streams.local.mariadb import MariaDBServer, connect
from tests.chaos.faults import Form
from tests.chaos.faults.under_load import retries, tried_again, under_load
from tests.chaos.lane import Addresses, Lane, execute
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.e2e.worker import WorkerProcess, eventually

_REFUSES_SECONDS = 5.0
_KILLING_SECONDS = 60.0
_DISK_MEGABYTES = 400
_SMALL_DISK = ("--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M")


async def away(servers: Servers, directory: Path, form: Form) -> Result:
    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        await asyncio.to_thread(servers.mariadb.kill)
        gone_at = monotonic()

        async def unready() -> bool:
            return (await worker.get("/readyz"))[0] == 503

        await eventually(unready, 20, "/readyz tells that the database is away")
        await asyncio.sleep(form.away_seconds - (monotonic() - gone_at))
        alive, _ = await worker.get("/livez")
        assert alive == 200, "/livez fails although a restart would not help"
        await asyncio.to_thread(servers.mariadb.start)
        lane.watched.fault_ends()
        await lane.stored()
        return f"{await retries(worker)} retries, /readyz 503, /livez 200"

    return await under_load(f"database away for {form.away_seconds:.0f} s", servers, directory, form, breaks)


async def read_only(servers: Servers, directory: Path, form: Form) -> Result:
    admin = servers.mariadb.admin_url

    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        for _ in range(form.rounds):
            before = await retries(worker)
            await asyncio.to_thread(execute, admin, "SET GLOBAL read_only = 1")
            await tried_again(worker, before)
            await asyncio.sleep(_REFUSES_SECONDS)
            await asyncio.to_thread(execute, admin, "SET GLOBAL read_only = 0")
            lane.watched.fault_ends()
            await lane.stored()
        return f"{await retries(worker)} retries"

    try:
        return await under_load("database read-only (1290)", servers, directory, form, breaks, runs=form.rounds)
    finally:
        await asyncio.to_thread(execute, admin, "SET GLOBAL read_only = 0")


async def connections_killed(servers: Servers, directory: Path, form: Form) -> Result:
    kills = 0

    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        nonlocal kills
        until = monotonic() + _KILLING_SECONDS
        while kills < 5 * form.rounds and monotonic() < until:
            ports = servers.database_proxy.ports_towards_target
            kills += await asyncio.to_thread(_kill_busy, servers.mariadb.admin_url, ports)
        lane.watched.fault_ends()
        await lane.stored()
        assert kills, "no connection was caught at work"
        return f"{kills} killed, {await retries(worker)} retries"

    result = await under_load("connection killed inside a batch", servers, directory, form, breaks)
    result.runs = kills
    return result


def _kill_busy(url: str, client_ports: set[int]) -> int:
    """Kill those connections from these ports that are inside a statement or a transaction."""
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT ID, HOST FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Sleep'")
        busy = [number for number, host in cursor.fetchall() if int(host.rpartition(":")[2] or 0) in client_ports]
        for number in busy:
            with suppress(OperationalError):  # it may have gone meanwhile
                cursor.execute(f"KILL CONNECTION {number}")
        return len(busy)


async def disk_full(servers: Servers, directory: Path, form: Form) -> Result:
    """A MariaDB of its own on a small tmpfs, which a file fills up; an operator deletes it."""
    disk = directory / "disk"
    disk.mkdir()
    await _as_root("mount", "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m", "tmpfs", str(disk))
    mariadb = MariaDBServer(disk / "mariadb", Path(servers.mariadb._artifacts_directory), _SMALL_DISK)
    try:
        await asyncio.to_thread(mariadb.start)
        addresses = Addresses(
            servers.addresses.kafka, mariadb.url, mariadb.admin_url, servers.kafka.bootstrap, mariadb.url
        )

        async def breaks(lane: Lane, worker: WorkerProcess) -> str:
            ballast, ended = disk / "ballast", 0
            for _ in range(form.rounds):
                before = await retries(worker)
                await asyncio.to_thread(_fill, ballast)
                await tried_again(worker, before, 60)
                await asyncio.sleep(_REFUSES_SECONDS)
                ballast.unlink()
                lane.watched.fault_ends()
                ended += await _kept_up(mariadb, lane)
            return f"{await retries(worker)} retries, the server itself ended {ended} times"

        name = "database's disk full (1114)"
        return await under_load(name, servers, directory, form, breaks, runs=form.rounds, addresses=addresses)
    finally:
        await asyncio.to_thread(mariadb.kill)
        await _as_root("umount", "--lazy", str(disk))  # a server that was killed lets go of its files a moment later


async def _kept_up(mariadb: MariaDBServer, lane: Lane) -> int:
    """Wait for the next rows, and start the server again where it has given up; returns how often that was.

    It gives up where it cannot write its own files, and takes some seconds for it, in which it may still answer.
    """
    ended = 0
    while True:
        if not mariadb.is_running():
            ended += 1
            await asyncio.to_thread(mariadb.start)
            lane.watched.fault_ends()
        try:
            await lane.stored()
        except OperationalError:
            await eventually(lambda: _has_ended(mariadb), 60, "the server that answers no more has ended")
        else:
            return ended


async def _has_ended(mariadb: MariaDBServer) -> bool:
    return not mariadb.is_running()


async def _as_root(*command: str) -> None:
    run = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{' '.join(command)}: {run.stderr.strip()}: the fault needs root"


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(b"\0" * 65_536)
        except OSError:
            return
