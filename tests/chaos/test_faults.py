"""The short form of those faults that need no server to fall; `scripts/chaos` is the long form of all of them.

They are done side by side, for each of them mostly waits: for sessions to end, and for old announcements to be swept.
"""

import asyncio
from pathlib import Path

import pytest

from streams.local.stack import Stack
from tests.chaos.faults import SUITE, Fault
from tests.chaos.faults.kills import at_crash_points
from tests.chaos.faults.statements import tidb_errors
from tests.chaos.faults.workers import zombie
from tests.chaos.mysql_proxy import MySqlProxy
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.chaos.tcp_proxy import TcpProxy

FAULTS: dict[str, Fault] = {"crash points": at_crash_points, "errors of TiDB": tidb_errors, "frozen worker": zombie}


@pytest.fixture(scope="module")
def results(own_stack: Stack, chaos_directory: Path) -> dict[str, Result | BaseException]:
    """What became of each fault."""

    async def one(fault: Fault, directory: Path) -> Result:
        kafka, mariadb = own_stack.kafka, own_stack.mariadb
        async with TcpProxy(kafka.port) as kafka_proxy, MySqlProxy(mariadb.port) as database_proxy:
            return await fault(Servers(kafka, mariadb, kafka_proxy, database_proxy), directory, SUITE)

    async def all_of_them() -> dict[str, Result | BaseException]:
        done = await asyncio.gather(
            *[one(fault, chaos_directory / name) for name, fault in FAULTS.items()], return_exceptions=True
        )
        return dict(zip(FAULTS, done, strict=True))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_doubled_or_contradicted(name: str, results: dict[str, Result | BaseException]) -> None:
    result = results[name]
    if isinstance(result, BaseException):
        raise result
    assert not result.complaints
    assert result.runs
    assert result.records
