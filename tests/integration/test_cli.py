"""The commands that look at dead letters, violations and reports, run as a person runs them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from streams.cli.app import build_cli
from streams.errors import UserError
from streams.kafka.announcer import Announcer
from streams.kafka.dead_letters import headers_of
from streams.kafka.outgoing import Outgoing
from streams.kafka.topics import create_topics
from streams.plan import DeadLetter
from streams.settings import Settings
from streams.standards.catalog import seed_standards
from streams.store import rows
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.registry import insert_missing
from tests.e2e import events
from tests.e2e.worker import read_all
from tests.unit.records import NOW_US, FakeRecord

NASTY = "evil\x1b[31m[red]\nforged line"
T = TypeVar("T")
Run = Callable[..., Any]


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    async def go() -> T:
        async with Database(settings) as database:
            return await work(database)

    return asyncio.run(go())


@pytest.fixture
def cockpit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command in this test's surroundings, which are set up."""
    monkeypatch.setenv("COCKPIT_KAFKA_BOOTSTRAP", settings.kafka_bootstrap)
    monkeypatch.setenv("COCKPIT_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COCKPIT_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("COLUMNS", "250")

    async def prepare(database: Database) -> None:
        await migrate(database)
        await insert_missing(database, seed_standards())
        await create_topics(settings)

    with_database(settings, prepare)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(build_cli(), arguments)
        if isinstance(result.exception, UserError):
            assert code == 2, result.exception
            return str(result.exception)
        assert result.exit_code == code, result.output + str(result.exception)
        return result.output

    return run


def put_letters(settings: Settings, *letters: tuple[bytes | None, bytes | None, str, dict[str, bytes]]) -> None:
    async def go() -> None:
        announcer = Announcer(settings)
        await announcer.start()
        topic = settings.topic("clock-sync.v1")
        outgoing = []
        for offset, (key, value, reason, extra) in enumerate(letters):
            record = FakeRecord(value, topic, 0, offset, key=key, headers=tuple(extra.items()))
            headers = headers_of(record, DeadLetter(reason, "decode", NASTY), "g", NOW_US)
            outgoing.append(Outgoing(topic + ".dlq", key, value, headers, 0))
        await announcer.send_all(outgoing)
        await announcer.stop()

    asyncio.run(go())


def test_dead_letters_are_listed_shown_and_replayed(cockpit: Run, settings: Settings) -> None:
    reading = json.dumps(events.reading(Random(1), "api", 5, "2026-11-20T10:00:00Z")).encode()
    put_letters(
        settings,
        (b"api", reading, "internal_error", {"traceparent": b"00-1"}),
        (NASTY.encode(), b"\xff\x00raw", "invalid_encoding", {}),
        (None, None, "tombstone", {}),
        (b"k", b"", "too_large", {"dlq.value_sha256": b"ab"}),
        (b"k", b"tired", "invalid_json", {"dlq.replays": b"5"}),
    )
    listed = cockpit("dlq", "list")
    assert "5 dead letters" in listed
    assert "internal_error: 1" in listed
    assert "\x1b[31m" not in listed
    assert "\nforged line" not in listed
    one = [
        json.loads(line)
        for line in cockpit("dlq", "list", "clock-sync.v1", "--reason", "tombstone", "--json").splitlines()
    ]
    assert [(letter["reason"], letter["bytes"]) for letter in one] == [("tombstone", None)]

    assert '"offset_microseconds": 5' in cockpit("dlq", "show", "clock-sync.v1", "0", "0")
    shown = cockpit("dlq", "show", "clock-sync.v1", "0", "1")
    assert "ff 00 72 61 77" in shown
    assert "\x1b" not in shown
    assert "holds no dead letter" in cockpit("dlq", "show", "clock-sync.v1", "0", "99", code=2)
    assert "is none of ours" in cockpit("dlq", "list", "bogus", code=2)

    assert "would replay 3 of 5" in cockpit("dlq", "replay", "--dry-run", code=1)
    assert asyncio.run(read_all(settings, "clock-sync.v1")) == []
    output = cockpit("dlq", "replay", "--rate", "1000", code=1)
    assert "replayed 3 of 5" in output
    back = asyncio.run(read_all(settings, "clock-sync.v1"))
    assert {(record.key, record.value) for record in back} == {
        (b"api", reading),
        (NASTY.encode(), b"\xff\x00raw"),
        (None, None),
    }
    first = next(record for record in back if record.key == b"api")
    assert dict(first.headers) == {"traceparent": b"00-1", "dlq.replays": b"1"}
    assert "replayed 1 of 1" in cockpit("dlq", "replay", "--partition", "0", "--offset", "4", "--force")


def test_violations_and_reports(cockpit: Run, settings: Settings) -> None:
    async def fill(database: Database) -> None:
        standard = (await database.fetch_all("SELECT id FROM metadata_standards WHERE code = 'CLK-OFFSET'"))[0]["id"]
        for number, status in enumerate(("open", "open", "resolved", "resolved")):
            await database.execute(
                "INSERT INTO metadata_violations (id, standard_id, standard_version, subject, field, observed,"
                " expected, severity, status, fingerprint, evidence, ruleset_revision, event_id, source_topic,"
                " source_partition, source_offset, event_time) VALUES (%s, %s, 1, %s, 'f', '=1+1', 'e', 'high',"
                " %s, 'fp', '{\"a\": 1}', 1, 'e', 't', 0, 0, CURRENT_TIMESTAMP(6))",
                (f"v-{number}", standard, f"{NASTY} 100%_{number}", status),
            )
        samples = ",".join(
            rows.row(f"'{kind}-{n}'", f"'{kind}'", str(float(n)))
            for kind, count in (("violation_check", 100), ("clock_sync", 1))
            for n in range(1, count + 1)
        )
        await database.execute(f"INSERT INTO query_metrics (id, query_type, latency_ms) VALUES {samples}")

    with_database(settings, fill)
    listed = cockpit("violations", "list", "--rows")
    assert "4 violations" in listed
    assert "\x1b[31m" not in listed
    assert "3 violations" not in cockpit("violations", "list", "--rows", "--status", "open")
    assert "1 violations" in cockpit("violations", "list", "--rows", "--subject", "100%_3")
    assert "0 violations" in cockpit("violations", "list", "--rows", "--subject", "100__3")
    assert "is unknown" in cockpit("violations", "list", "--status", "opened", code=2)
    assert '"a": 1' in cockpit("violations", "show", "v-2")
    assert "no such violation" in cockpit("violations", "show", "v-9", code=2)

    report = json.loads(cockpit("report", "compliance", "--format", "json"))
    assert [(r["category"], r["violation_count"], r["resolved_count"], r["resolution_rate"]) for r in report] == [
        ("clock", 4, 2.0, 50.0)
    ]
    assert json.loads(cockpit("report", "compliance", "--scan", "--format", "json")) == report
    assert "'=1+1" in cockpit("report", "standards", "--format", "csv")
    # Nearest rank: of 1..100 the 95th and the 99th; of one sample that sample.
    slo = {row["query_type"]: row for row in json.loads(cockpit("report", "slo", "--format", "json", code=1))}
    assert (slo["violation_check"]["p95_ms"], slo["violation_check"]["p99_ms"]) == (95.0, 99.0)
    assert (slo["violation_check"]["average_ms"], slo["violation_check"]["met"]) == (50.5, "no")
    assert (slo["clock_sync"]["p99_ms"], slo["clock_sync"]["met"]) == (1.0, "yes")
