"""`cockpit tiflash` and the canary, against a server that answers as TiDB does (fake_tidb.py), and a real MariaDB."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest
from pydantic import SecretStr

from streams.canary import Canary
from streams.errors import UserError
from streams.observability.metrics import REGISTRY
from streams.settings import Settings
from streams.store import tiflash
from streams.store.database import Database
from tests.monitoring.fake_tidb import TiDB, tidb_server

ALL = (*tiflash.TABLES, tiflash.CANARY)


def cockpit(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COCKPIT_")}
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        env={**environment, "COCKPIT_DATABASE_URL": url, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_for(server: TiDB) -> Settings:
    return Settings(database_url=SecretStr(server.url), tiflash_probe_seconds=1)


def with_database(server: TiDB, body: "Callable[[Database], Awaitable[object]]") -> object:
    async def run() -> object:
        async with Database(settings_for(server), connections=2) as database:
            return await body(database)

    return asyncio.run(run())


def exported() -> dict[str, float]:
    return {
        sample.labels["table"]: sample.value
        for metric in REGISTRY.collect()
        if metric.name == "cockpit_tiflash_replica_lag_seconds"
        for sample in metric.samples
    }


def test_enable_sets_replicas_and_status_shows_them_being_built_and_in_step() -> None:
    with tidb_server() as server:
        before = cockpit(server.url, "tiflash", "status")
        assert before.returncode == 1
        assert "no replica: run `cockpit tiflash enable`" in before.stdout

        enabled = cockpit(server.url, "tiflash", "enable")
        assert (enabled.returncode, enabled.stderr) == (0, "")
        assert server.replicas == dict.fromkeys(ALL, 1)
        server.progress["metadata_violations"] = 0.25

        building = cockpit(server.url, "tiflash", "status")
        assert building.returncode == 1
        assert "25%" in building.stdout
        assert "being built" in building.stdout

        server.build_all()
        server.lag_seconds = 0.1
        done = cockpit(server.url, "tiflash", "status", "--json")
        assert done.returncode == 0, done.stderr
        rows = {row["table"]: row for row in json.loads(done.stdout)}
        assert set(rows) == set(ALL)
        for row in rows.values():
            assert (row["replicas"], row["available"], row["progress"], row["in_step"]) == (1, True, 1.0, True)
            assert row["lag_seconds"] >= 0.1

        assert cockpit(server.url, "tiflash", "enable", "--replicas", "0").returncode == 0
        assert set(server.replicas.values()) == {0}


def test_a_replica_that_does_not_catch_up_is_told_with_how_long_it_was_waited_for() -> None:
    with tidb_server() as server:
        assert cockpit(server.url, "tiflash", "enable").returncode == 0
        server.build_all()
        server.lag_seconds = 3600
        status = cockpit(server.url, "tiflash", "status", "--deadline-seconds", "0.3")
        assert status.returncode == 1
        assert len(re.findall(r"more than 0\.[3-9] s", status.stdout)) == len(ALL)
        assert status.stderr == ""


def test_a_tidb_without_tiflash_says_so_in_one_line() -> None:
    with tidb_server(tiflash_nodes=0) as server:
        enabled = cockpit(server.url, "tiflash", "enable")
        assert enabled.returncode != 0
        assert len(enabled.stderr.strip().splitlines()) == 1
        assert "tiflash: too few TiFlash nodes" in enabled.stderr
        assert "total tiflash server count: 0" in enabled.stderr


@pytest.mark.parametrize("command", ["enable", "status"])
def test_a_server_that_is_no_tidb_says_so_in_one_line(command: str, database_url: str) -> None:
    done = cockpit(database_url, "tiflash", command)
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "which has no TiFlash" in done.stderr


def test_the_lag_is_that_of_a_write_until_it_is_seen() -> None:
    with tidb_server() as server:
        with_database(server, lambda database: tiflash.enable(database, 1))
        server.build_all()
        server.lag_seconds = 0.15
        lag = with_database(server, lambda database: tiflash.measure_lag(database, tiflash.CANARY, 30))
        assert isinstance(lag, tiflash.Lag)
        assert lag.seen
        assert lag.seconds >= 0.15
        written, read = (
            next(place for place, sql in enumerate(server.statements) if sql.startswith(start))
            for start in ("INSERT INTO tiflash_canary", "SELECT /*+ READ_FROM_STORAGE(TIFLASH[tiflash_canary])")
        )
        assert written < read


def test_a_plan_that_does_not_go_to_tiflash_is_no_lag_of_nothing() -> None:
    with tidb_server(follows_hints=False) as server:
        with_database(server, lambda database: tiflash.enable(database, 1))
        server.build_all()
        assert with_database(server, lambda d: tiflash.measure_lag(d, "metadata_violations", 5)) == "read by TiKV"


def test_an_empty_table_has_no_lag() -> None:
    with tidb_server(empty_tables={"clock_sync_status"}) as server:
        with_database(server, lambda database: tiflash.enable(database, 1))
        server.build_all()
        assert with_database(server, lambda d: tiflash.measure_lag(d, "clock_sync_status", 5)) == "table is empty"


def test_the_canary_exports_the_lag_of_every_replica_and_forgets_what_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.canary._DEADLINE_SECONDS", 0.25)
    with tidb_server() as server:

        async def live(database: Database) -> None:
            canary = Canary(settings_for(server), database)
            await tiflash.enable(database, 1)
            await canary.probe()
            assert exported() == {}  # nothing is built yet

            server.build_all()
            server.lag_seconds = 0.1
            await canary.probe()
            assert set(exported()) == set(ALL)
            assert all(seconds >= 0.1 for seconds in exported().values())

            server.lag_seconds = 3600
            await canary.probe()
            first = exported()
            assert all(seconds >= 0.25 for seconds in first.values())
            await canary.probe()
            assert all(exported()[table] > first[table] + 0.25 for table in ALL)  # it grows until the table is seen

            server.lag_seconds = 0.1
            await canary.probe()
            assert all(exported()[table] < first[table] for table in ALL)

            await tiflash.enable(database, 0)
            await canary.probe()
            assert exported() == {}

        with_database(server, live)


async def test_a_canary_beside_another_server_gives_up_and_the_worker_goes_on(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with Database(settings, connections=2) as database:
        canary = Canary(settings.model_copy(update={"tiflash_probe_seconds": 0.1}), database)
        with pytest.raises(UserError, match="which has no TiFlash"):
            await canary.probe()
        async with canary:
            async with asyncio.timeout(20):
                await canary.gave_up.wait()
            assert not canary.crashed
