"""What the producers publish, as a plain client reads it from a real Kafka, and what a person is told."""

import asyncio
import json
import logging
import socket
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from schemas import ClockReading, Document, FilesystemTimestamps, Submission
from schemas.examples import VERDICT
from streams.cli.app import build_cli
from streams.errors import UserError
from streams.producers.clocks import read_clock
from streams.producers.files import capture
from streams.producers.publish import CLOCKS, FILES, SUBMISSIONS, publish
from streams.producers.verdicts import VERDICTS, VerdictWatch
from streams.settings import Settings
from streams.standards.catalog import seed_standards
from streams.store import components
from streams.store.database import Database
from streams.store.registry import insert_missing
from tests.e2e.worker import WorkerProcess, read_all, send_all


def one_line(caught: pytest.ExceptionInfo[UserError]) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


def reading(component: str = "c") -> ClockReading:
    return ClockReading(event_id=str(uuid4()), component_name=component, protocol="NTP", offset_microseconds=-420)


def verdict(submission_id: str) -> bytes:
    return json.dumps({**VERDICT, "submission_id": submission_id}).encode()


@pytest.fixture
def command(settings: Settings, monkeypatch):
    """Runs `cockpit …` against this test's servers, in a thread because it has an event loop of its own."""
    for name, value in {
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "TOPIC_PREFIX": settings.topic_prefix,
    }.items():
        monkeypatch.setenv(f"COCKPIT_{name}", value)

    async def run(*arguments: object):
        return await asyncio.to_thread(CliRunner().invoke, build_cli(), [str(argument) for argument in arguments])

    return run


async def test_every_event_is_read_back_as_it_was_and_keyed(settings, topics, tmp_path):
    for number in range(30):
        (tmp_path / str(number)).touch()
    captures = list(capture([tmp_path], host="build-07", event_bytes=2000))
    clock = read_clock("web-01")
    document = Document(path="a.md", sha256="0" * 64, metadata={"version": "1.1.0"})
    submission = Submission(
        event_id=str(uuid4()), submission_id="s", submitter="me", submitted_at=datetime.now(UTC), documents=[document]
    )
    for topic, model, pairs in (
        (FILES, FilesystemTimestamps, [(event.host, event) for event in captures]),
        (CLOCKS, ClockReading, [("web-01", clock)]),
        (SUBMISSIONS, Submission, [("s", submission)]),
    ):
        assert await publish(settings, topic, iter(pairs)) == len(pairs)
        records = await read_all(settings, topic)
        assert [record.key for record in records] == [key.encode() for key, _ in pairs]
        assert [model.model_validate_json(record.value) for record in records] == [event for _, event in pairs]
    assert len(captures) > 1


async def test_a_missing_topic_is_one_line_and_is_not_created(settings):
    for _ in range(2):
        with pytest.raises(UserError, match="run `cockpit topics create`") as caught:
            await publish(settings, CLOCKS, [("c", reading())])
        assert f"topic {settings.topic_prefix}clock-sync.v1: does not exist" in one_line(caught)


async def test_an_unreachable_broker_is_one_line_and_nothing_is_logged(settings, caplog):
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        nowhere = settings.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{taken.getsockname()[1]}"})
        with caplog.at_level(logging.DEBUG), pytest.raises(UserError) as caught:
            await publish(nowhere, CLOCKS, [("c", reading())])
        assert f"COCKPIT_KAFKA_BOOTSTRAP: no broker answers at {nowhere.kafka_bootstrap}" in one_line(caught)
        assert not [record for record in caplog.records if record.name.startswith("aiokafka")]
        with pytest.raises(UserError, match="no broker answers"):
            await VerdictWatch(nowhere).__aenter__()
    assert logging.getLogger("aiokafka").level == logging.NOTSET


async def test_an_event_that_workers_would_refuse_is_not_sent(settings, topics):
    small = settings.model_copy(update={"max_record_bytes": 1024})
    large = reading().model_copy(update={"reference_id": "x" * 2000})
    with pytest.raises(UserError, match="split it, or raise COCKPIT_MAX_RECORD_BYTES"):
        await publish(small, CLOCKS, [("c", large)])
    assert await read_all(settings, CLOCKS) == []


async def test_an_event_that_the_broker_refuses_is_one_line(settings, topics):
    generous = settings.model_copy(update={"max_record_bytes": 9_000_000})
    incompressible = reading().model_copy(update={"reference_id": "".join(uuid4().hex for _ in range(120_000))})
    with pytest.raises(UserError, match=r"larger than its max\.message\.bytes") as caught:
        await publish(generous, CLOCKS, [("c", incompressible)])
    one_line(caught)


async def test_a_mistake_half_way_ends_the_publishing_with_that_mistake(settings, topics):
    def events():
        yield "c", reading()
        raise UserError("a mistake")

    with pytest.raises(UserError, match=r"^a mistake$"):
        await publish(settings, CLOCKS, events())


async def test_the_watch_gives_the_next_verdict_of_this_submission_only(settings, topics):
    await send_all(settings, [(VERDICTS, b"mine", verdict("an older one"))])
    async with VerdictWatch(settings) as watch:
        await send_all(settings, [(VERDICTS, b"other", verdict("other")), (VERDICTS, b"mine", verdict("mine"))])
        assert (await watch.verdict_of("mine", 20)).submission_id == "mine"


async def test_no_verdict_in_time_is_one_line(settings, topics):
    async with VerdictWatch(settings) as watch:
        with pytest.raises(UserError, match=r"submission s: no verdict within 0\.2 s: is a worker running") as caught:
            await watch.verdict_of("s", 0.2)
    one_line(caught)


async def test_a_verdict_that_breaks_its_contract_is_one_line(settings, topics):
    async with VerdictWatch(settings) as watch:
        await send_all(settings, [(VERDICTS, b"s", b'{"verdict": "perhaps"}')])
        with pytest.raises(UserError, match="the verdict breaks its contract in") as caught:
            await watch.verdict_of("s", 20)
    one_line(caught)


async def test_capture_publishes_and_says_what_it_left_out(command, settings, topics, tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b\udcff").touch()
    result = await command("capture", tmp_path, "--host", "h", "--no-git")
    assert result.exit_code == 0, result.output
    assert f"1 files in 1 events → {settings.topic(FILES)}" in result.stdout
    assert "left out: 1 (name is not UTF-8, which JSON cannot carry)" in result.stderr
    (record,) = await read_all(settings, FILES)
    event = FilesystemTimestamps.model_validate_json(record.value)
    assert [file.file_path for file in event.files] == [str(tmp_path / "a")]
    assert (record.key, event.host) == (b"h", "h")


async def test_dry_runs_print_what_would_be_published_and_need_no_kafka(command, settings, tmp_path):
    (tmp_path / "a").touch()
    result = await command("capture", tmp_path, "--dry-run")
    assert FilesystemTimestamps.model_validate_json(result.stdout).files[0].file_path == str(tmp_path / "a")
    result = await command("clock", "publish", "--component", "c", "--offset-microseconds", "-420", "--dry-run")
    assert ClockReading.model_validate_json(result.stdout).offset_microseconds == -420


async def test_submit_publishes_all_documents_as_one(command, settings, topics, tmp_path):
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(f"---\ntitle: {name}\n---\n")
    files = (tmp_path / "a.md", tmp_path / "b.md")
    result = await command(
        "submit", *files, "--base", tmp_path, "--submission-id", "s", "--submitter", "me", "--dry-run"
    )
    assert result.exit_code == 0, result.output
    (record,) = await read_all(settings, SUBMISSIONS)
    submission = Submission.model_validate_json(record.value)
    assert (record.key, submission.submitter, submission.dry_run) == (b"s", "me", True)
    assert [(d.path, d.metadata) for d in submission.documents] == [
        ("a.md", {"title": "a.md"}),
        ("b.md", {"title": "b.md"}),
    ]


async def test_clock_status_shows_readings_and_those_that_never_came(command, database: Database):
    await components.insert_missing(database)
    await database.execute(
        "INSERT INTO clock_states (component_name, protocol, last_sync_at, offset_microseconds, status, alert)"
        " VALUES ('api-gateway', 'NTP', '2026-11-20 10:12:12.5', 14000, 'drifting', %s)",
        (
            json.dumps(
                {
                    "alert_id": "886313e1-3b8a-5372-9b90-0c9aee199e5d",
                    "kind": "offset",
                    "severity": "warning",
                    "starts_at_us": 1_795_169_532_500_000,
                    "peak_offset_microseconds": 14_000,
                    "occurrences": 1,
                }
            ),
        ),
    )
    result = await command("clock", "status", "--json")
    clocks = {clock["component_name"]: clock for clock in json.loads(result.stdout)}
    assert len(clocks) == len(components.COMPONENTS)
    assert clocks["api-gateway"]["status"] == "drifting"
    assert clocks["api-gateway"]["alert_since"] == "2026-11-20T10:12:12+00:00"
    assert clocks["the-bin"]["last_sync_at"] is None
    one = await command("clock", "status", "the-bin")
    assert "no reading yet" in one.stdout
    assert "api-gateway" not in one.stdout


async def test_submit_waits_for_the_verdict_of_a_real_worker(command, settings, database, topics, tmp_path):
    await insert_missing(database, seed_standards())
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    head = "---\ntitle: A guide\nversion: {}\nstatus: Active\ndate: 2026-01-02T00:00:00Z\nowner: docs\n---\n"
    good.write_text(head.format("1.1.0"))
    bad.write_text(head.format("one[red]\x85"))
    worker = WorkerProcess(settings, tmp_path / "worker.log")
    worker.start()
    try:
        await worker.ready()
        accepted = await command("submit", good, "--base", tmp_path, "--submitter", "me", "--wait")
        rejected = await command("submit", good, bad, "--base", tmp_path, "--submitter", "me", "--wait")
        verbose = await command("submit", good, "--base", tmp_path, "--submitter", "me", "--wait", "--verbose")
    finally:
        worker.close()
    assert (accepted.exit_code, rejected.exit_code) == (0, 1), accepted.output + rejected.output
    assert accepted.stdout.startswith("accepted (")
    assert "rejected (checks failed)" in rejected.stdout
    failed = [line for line in rejected.stdout.splitlines() if line.strip().startswith("fail ")]
    (version,) = [line for line in failed if "metadata.version" in line]
    assert "SUB-META-001: metadata.version 'one[red]' does not match ^" in version
    assert "Every document has a semantic version" in version
    good_counts, bad_counts = [line.strip() for line in rejected.stdout.splitlines() if " passed" in line]
    assert good_counts.startswith("good.md: ")
    assert "failed" not in good_counts
    assert f"{len(failed)} failed" in bad_counts
    assert "violations recorded: see `cockpit violations list --rows`" in rejected.stdout
    assert "pass " not in accepted.stdout.replace("passed", "")
    assert "    pass " in verbose.stdout
