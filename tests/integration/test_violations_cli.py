"""`cockpit violations` as a person runs it, over violations that were really stored."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from streams.cli.app import build_cli
from streams.errors import UserError
from streams.settings import Settings
from streams.store.database import Database
from streams.store.migrate import migrate
from tests.integration.incidents_rig import BAD, FILE, GOOD, Rig

T = TypeVar("T")
Run = Callable[..., str]


def with_rig(settings: Settings, work: Callable[[Rig], Awaitable[T]]) -> T:
    async def go() -> T:
        async with Database(settings) as database:
            await migrate(database)
            return await work(await Rig.on(settings, database))

    return asyncio.run(go())


@pytest.fixture
def cockpit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COCKPIT_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COCKPIT_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("COLUMNS", "250")

    async def fill(rig: Rig) -> None:
        await rig.store(rig.file(BAD, 10), rig.file(BAD, 20), rig.file(BAD, 20, "/opt/b"))

    with_rig(settings, fill)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(build_cli(), list(arguments))
        if isinstance(result.exception, UserError):
            assert code == 2, result.exception
            assert "\n" not in str(result.exception)
            return str(result.exception)
        assert result.exit_code == code, result.output + str(result.exception)
        return result.output

    return run


def listed(cockpit: Run, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cockpit("violations", "list", "--json", *options).splitlines()]


def test_incidents_are_listed_shown_and_explained(cockpit: Run) -> None:
    incidents = {row["fingerprint"]: row for row in listed(cockpit)}
    assert len(incidents) == 2
    assert (incidents[FILE]["occurrences"], incidents[FILE]["status"], incidents[FILE]["observed"]) == (2, "open", BAD)
    assert "2 incidents" in cockpit("violations", "list")
    assert len(listed(cockpit, "--rows")) == 3
    assert [row["subject"] for row in listed(cockpit, "--subject", "/opt")] == ["host:/opt/b"]
    assert listed(cockpit, "--status", "waived") == []
    shown = json.loads(cockpit("violations", "show", FILE, "--json"))
    assert [sample["source_offset"] for sample in shown["samples"]] == [2, 1]
    by_id = json.loads(cockpit("violations", "show", incidents[FILE]["id"], "--json"))
    assert by_id["incident"]["fingerprint"] == FILE
    assert "opened by" in cockpit("violations", "show", FILE)
    told = cockpit("violations", "explain", FILE)
    assert f"host:/srv/a: git_commit_sha is {BAD}" in told
    assert "breaks FS-INC-001 version 1" in told
    command = next(line for line in told.splitlines() if line.startswith("to see it again: cockpit "))
    assert "FAIL" in cockpit(*command.removeprefix("to see it again: cockpit ").split(), code=1).upper()
    assert "no such violation" in cockpit("violations", "explain", "x", code=2)


def test_decisions_have_an_actor_and_a_reason(cockpit: Run) -> None:
    assert "--reason" in cockpit("violations", "ack", FILE, code=2)
    assert "open → acknowledged" in cockpit("violations", "ack", FILE, "--reason", "on it", "--actor", "ann")
    refused = cockpit("violations", "ack", FILE, "--reason", "me too", code=2)
    assert "is acknowledged already" in refused
    cockpit("violations", "resolve", FILE, "--reason", "mended", "--actor", "bob")
    assert {row["status"] for row in listed(cockpit, "--rows", "--subject", "/srv/a")} == {"resolved"}
    assert "cannot become acknowledged" in cockpit("violations", "ack", FILE, "--reason", "late", code=2)
    cockpit("violations", "reopen", FILE, "--reason", "not mended", "--actor", "bob")
    cockpit("violations", "false-positive", FILE, "--reason", "a test", "--actor", "bob")
    log = json.loads(cockpit("violations", "show", FILE, "--json"))["transitions"]
    assert [(entry["to_status"], entry["actor"], entry["reason"]) for entry in log] == [
        ("acknowledged", "ann", "on it"),
        ("resolved", "bob", "mended"),
        ("open", "bob", "not mended"),
        ("false_positive", "bob", "a test"),
    ]


def test_waivers_have_a_scope_an_owner_and_an_end(cockpit: Run, settings: Settings) -> None:
    why = ("--owner", "docs", "--reason", "known")
    for arguments, said in (
        ((FILE, *why), "--until"),
        ((FILE, "--until", "2020-01-01", *why), "later than now"),
        ((FILE, "--until", "soon", *why), "must be like"),
        ((FILE, "--until", "1d", "--reason", "known"), "--owner"),
        (("--until", "1d", *why), "a scope"),
        ((FILE, "--standard", "FS-INC-001", "--until", "1d", *why), "a scope"),
        (("--standard", "FS-NO-001", "--until", "1d", *why), "is not in the registry"),
        (("--subject-glob", "{a", "--until", "1d", *why), "--subject-glob"),
    ):
        assert said in cockpit("violations", "waive", *arguments, code=2)
    scope = ("--standard", "FS-INC-001", "--subject-glob", "host:/srv/**")
    assert "1 incidents waived" in cockpit("violations", "waive", *scope, "--until", "30d", *why)
    (waived,) = listed(cockpit, "--status", "waived")
    assert waived["fingerprint"] == FILE
    (waiver,) = [json.loads(line) for line in cockpit("violations", "waivers", "--json").splitlines()]
    assert (waiver["id"], waiver["incidents"], waiver["owner"]) == (waived["waiver_id"], 1, "docs")
    assert "with unwaive first" in cockpit("violations", "resolve", FILE, "--reason", "x", code=2)
    assert json.loads(cockpit("report", "compliance", "--format", "json"))[0]["violation_count"] == 3
    assert "1 incidents given back" in cockpit("violations", "unwaive", waiver["id"], "--reason", "over")
    assert "does not run" in cockpit("violations", "unwaive", waiver["id"], "--reason", "over", code=2)
    assert "0 waivers" in cockpit("violations", "waivers")
    assert "revoked by" in cockpit("violations", "waivers", "--all")
    assert len(listed(cockpit, "--status", "open")) == 2
    cockpit("violations", "resolve", FILE, "--reason", "mended")
    assert "cannot become waived" in cockpit("violations", "waive", FILE, "--until", "1d", *why, code=2)

    async def passes(rig: Rig) -> int:
        await rig.store(rig.file(GOOD, 40, "/opt/b"))
        return await rig.keeper.keep()

    assert with_rig(settings, passes) == 1
    (report,) = json.loads(cockpit("report", "compliance", "--format", "json"))
    assert (report["violation_count"], report["resolved_count"]) == (3, 3)
    assert json.loads(cockpit("report", "compliance", "--format", "json", "--scan")) == [report]


def test_the_report_is_a_picture_too(cockpit: Run, tmp_path: Path) -> None:
    out = tmp_path / "report.png"
    cockpit("report", "compliance", "--format", "png", "--out", str(out))
    assert out.read_bytes().startswith(b"\x89PNG")
    assert "--out" in cockpit("report", "compliance", "--format", "csv", "--out", str(out), code=2)
    assert "cannot be written" in cockpit("report", "compliance", "--format", "png", "--out", str(tmp_path), code=2)
