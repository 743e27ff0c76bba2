"""`cockpit clock status` as an operator reads it."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli.app import build_cli
from streams.settings import Settings
from streams.store import components
from streams.store.database import Database
from tests.integration.clock_rig import ClockRig


@pytest.fixture
async def rig(settings: Settings, database: Database, topics: list[str]) -> Any:
    rig = await ClockRig(settings, database).start()
    yield rig
    await rig.stop()


async def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setenv("COCKPIT_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COLUMNS", "250")
    return await asyncio.to_thread(CliRunner().invoke, build_cli(), ["clock", "status", *arguments])


async def test_the_table_says_what_a_person_asks_for(
    rig: ClockRig, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await components.insert_missing(database)
    await rig.read(("a", 0, 0), ("b", 100, 0), ("c", 9_000, 0), ("drifts", 0, 0), root_dispersion_microseconds=50)
    await rig.read(("drifts", 20_000, 10), root_dispersion_microseconds=50)
    await rig.read(("vague", 1_000, 10), root_dispersion_microseconds=20_000)
    await rig.look(at=11)
    result = await run(settings, monkeypatch)
    assert result.exit_code == 1
    lines = {line.split("│")[1].strip(): line for line in result.stdout.splitlines() if line.count("│") > 2}
    drifts = [cell.strip() for cell in lines["drifts"].split("│")[1:-1]]
    assert drifts[:4] == ["drifts", "NTP", "drifting", "+20.000 ms"]
    assert drifts[7:] == ["offset (warning)", "2026-11-20T10:12:22", "+20.000 ms at 10:12:22"]
    assert "uncertain" in lines["vague"]
    assert "no reading yet" in lines["api-gateway"]
    assert "warning: outlier of drifts (NTP) since 2026-11-20T10:12:22" in result.stdout
    assert "13 clocks, read in " in result.stdout


async def test_one_healthy_clock(rig: ClockRig, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.read(("a", -420, 0), root_delay_microseconds=100, root_dispersion_microseconds=50)
    result = await run(settings, monkeypatch, "a", "--json")
    assert result.exit_code == 0
    (clock,) = json.loads(result.stdout)
    assert (clock["state"], clock["status"], clock["certainty"]) == ("synchronized", "synchronized", "proven")
    assert clock["bound_microseconds"] >= 520  # as it was, and what it may have become since
    assert clock["alerts"] == []


async def test_a_silent_clock_is_stale(rig: ClockRig, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.read(("a", 0, 0))
    await rig.look(at=61)
    result = await run(settings, monkeypatch, "a", "--json")
    assert result.exit_code == 1
    (clock,) = json.loads(result.stdout)
    assert (clock["state"], clock["status"]) == ("stale", "synchronized")
    assert [alert["kind"] for alert in clock["alerts"]] == ["stale"]
