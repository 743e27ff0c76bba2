"""The recorder against a real database and a real broker; only Faust's event is stood in for."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from streams.decode import decode
from streams.local.mariadb import MariaDBServer
from streams.plan import Plan
from streams.recorder import Batch, TooManyInternalErrors
from streams.settings import Settings, load_settings
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.transaction import AlreadyStored, Transactions
from streams.sweeper import Sweeper
from tests.e2e import events
from tests.e2e.worker import eventually, read_all
from tests.integration.recorder_rig import Event, Rig, acknowledged, capture
from tests.unit.records import FakeRecord


@pytest.fixture
async def rig(settings: Settings, database: Database, topics: list[str]) -> AsyncIterator[Rig]:
    rig = Rig(settings, database)
    await rig.announcer.start()
    await rig.recorder.start()
    yield rig
    await rig.recorder.stop()
    await rig.announcer.stop()


async def test_a_batch_is_stored_announced_and_acknowledged(rig: Rig, settings: Settings) -> None:
    await rig.record([capture("/tmp/x"), capture("/srv/y", 2)])
    files = await rig.rows("filesystem_timestamps")
    assert {row["file_path"] for row in files} == {"/tmp/x", "/srv/y"}
    assert all(row["mtime_ns"] == events.BASE_NS for row in files)
    assert files[0]["mtime"].isoformat() == "2026-09-21T14:13:20.123456"
    (violation,) = await rig.rows("metadata_violations")
    (message,) = await read_all(settings, "violations.v1")
    announced = json.loads(message.value)
    assert announced["id"] == violation["id"]
    assert message.key == b"host:/tmp/x"
    assert (violation["ruleset_revision"], violation["status"], violation["field"]) == (5, "open", "file_path")
    assert announced["source"] == {"topic": settings.topic("filesystem-timestamps.v1"), "partition": 1, "offset": 0}


async def test_repeats_change_nothing_in_one_batch_and_in_the_next(rig: Rig, settings: Settings) -> None:
    values = [capture("/tmp/x"), capture("/tmp/x"), capture("/srv/y", 2)]
    await rig.record(values)
    before = [await rig.rows(table) for table in ("filesystem_timestamps", "metadata_violations")]
    again = await rig.plans(values, offset=10)
    event = Event()
    await rig.recorder.put([Batch(event, rig.flow, again)])
    await eventually(lambda: acknowledged(event), 30, "the repeat is acknowledged")
    assert [plan.duplicate for plan in again] == [True, True, True]
    assert [await rig.rows(table) for table in ("filesystem_timestamps", "metadata_violations")] == before
    assert len(await read_all(settings, "violations.v1")) == 1


async def test_new_and_known_records_may_stand_in_one_batch(rig: Rig) -> None:
    await rig.record([capture("/a", 1), capture("/b", 2)])
    plans = await rig.plans([capture("/a", 1), capture("/c", 3), capture("/b", 2), capture("/d", 4)])
    event = Event()
    await rig.recorder.put([Batch(event, rig.flow, plans)])
    await eventually(lambda: acknowledged(event), 30, "the batch is acknowledged")
    assert [plan.duplicate for plan in plans] == [True, False, True, False]
    assert len(await rig.rows("filesystem_timestamps")) == 4


async def test_an_event_id_used_twice_for_different_content_loses_nothing(rig: Rig) -> None:
    await rig.record([capture("/a", 1), capture("/a", 1, mtime_ns=5_000_000_000)])
    assert len(await rig.rows("filesystem_timestamps")) == 2


async def test_an_event_id_used_twice_with_some_of_the_same_files_loses_nothing(rig: Rig) -> None:
    first, later = json.loads(capture("/a", 1)), json.loads(capture("/b", 1))
    both = {**first, "files": [*first["files"], *later["files"]]}
    turned = {**first, "files": both["files"][::-1]}
    await rig.record([json.dumps(event).encode() for event in (first, both, turned)])
    await rig.record([json.dumps(both).encode()], offset=3)
    assert len(await rig.rows("filesystem_timestamps")) == 5


async def test_a_group_larger_than_one_call_is_one_transaction(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.store.steps._STATEMENT_CHARACTERS", 2_000)
    monkeypatch.setattr("streams.store.steps._CALL_BYTES", 5_000)
    plans = await rig.plans([capture(f"/tmp/{number}", number) for number in range(40)])
    transactions = Transactions(rig.database, 10)
    await transactions.prepare()
    await transactions.write([plans[39]])
    with pytest.raises(AlreadyStored):
        await transactions.write(plans)  # whose last call meets the row that is there
    assert len(await rig.rows("filesystem_timestamps")) == 1
    await transactions.write(plans[:39])
    assert len(await rig.rows("filesystem_timestamps")) == len(await rig.rows("metadata_violations")) == 40
    (counted,) = await rig.database.fetch_all("SELECT SUM(violation_count) AS n FROM violation_counts")
    assert counted["n"] == 40


async def test_a_record_whose_rows_were_purged_meets_its_old_violation_and_is_counted_once(rig: Rig) -> None:
    await rig.recorder._storing._transactions.prepare()
    await rig.record([capture("/tmp/x")])
    await rig.database.execute("DELETE FROM filesystem_timestamps")
    rig.flow.forget()
    await rig.record([capture("/tmp/x"), capture("/tmp/y", 2)])
    await _counted(rig, 2)
    await rig.record([capture("/tmp/z", 3)], offset=2)  # and the trigger does not count what is counted again
    await _counted(rig, 3)


async def _counted(rig: Rig, violations: int) -> None:
    assert len(await rig.rows("filesystem_timestamps")) == len(await rig.rows("metadata_violations")) == violations
    (counted,) = await rig.database.fetch_all("SELECT SUM(violation_count) AS n FROM violation_counts")
    assert counted["n"] == violations


async def test_what_the_database_refuses_is_found_by_halving_and_dead_lettered_alone(
    rig: Rig, settings: Settings
) -> None:
    await rig.database.execute(
        "ALTER TABLE filesystem_timestamps ADD CONSTRAINT no_poison CHECK (file_path NOT LIKE '%%poison%%')"
    )
    values: list[bytes | None] = [capture(f"/srv/{number}", number) for number in range(50)]
    values[17] = capture("/srv/poison", 17)
    await rig.record(values)
    assert len(await rig.rows("filesystem_timestamps")) == 49
    (letter,) = await read_all(settings, "filesystem-timestamps.v1.dlq")
    headers = dict(letter.headers)
    assert letter.value == values[17]
    assert headers["dlq.reason"] == b"refused_by_database"
    assert headers["dlq.stage"] == b"store"
    assert headers["__dlq.errors.offset"] == b"17"
    assert b"no_poison" in headers["__dlq.errors.message"]


async def test_dead_letters_keep_every_byte_and_header(rig: Rig, settings: Settings) -> None:
    topic = settings.topic("filesystem-timestamps.v1")
    record = FakeRecord(
        b"\xff\x00not json", topic, partition=3, key=b"\xfe", headers=(("traceparent", b"00-ab"), ("odd", b"\xff"))
    )
    plan = decode(record, rig.flow.model, 1000)
    assert isinstance(plan, Plan)
    nothing = FakeRecord(None, topic, partition=3, offset=43, key=None)
    other = decode(nothing, rig.flow.model, 1000)
    assert isinstance(other, Plan)
    event = Event()
    await rig.recorder.put([Batch(event, rig.flow, [plan, other])])
    await eventually(lambda: acknowledged(event), 30, "the batch is acknowledged")
    first, second = sorted(
        await read_all(settings, "filesystem-timestamps.v1.dlq"), key=lambda r: dict(r.headers)["__dlq.errors.offset"]
    )
    assert (first.key, first.value, first.partition) == (b"\xfe", b"\xff\x00not json", 3)
    assert first.headers[:2] == (("traceparent", b"00-ab"), ("odd", b"\xff"))
    assert dict(first.headers)["dlq.reason"] == b"invalid_encoding"
    assert (second.key, second.value, second.partition) == (None, None, 3)
    assert event.app.consumer.commits == 1


async def test_a_batch_of_moved_partitions_is_not_written(rig: Rig) -> None:
    event = Event(generation=0)
    await rig.recorder.put([Batch(event, rig.flow, await rig.plans([capture("/zombie")]))])
    await rig.record([capture("/ours", 2)])
    assert [row["file_path"] for row in await rig.rows("filesystem_timestamps")] == ["/ours"]
    assert not event.acknowledged


async def test_a_submission_gets_one_verdict_however_often_it_comes(rig: Rig, settings: Settings) -> None:
    first = json.dumps(events.submission(Random(1), "s-1")).encode()
    again = json.dumps({**json.loads(first), "event_id": events.uuid(Random(9))}).encode()
    other = json.dumps(events.submission(Random(2), "s-1", version="9.9.9")).encode()
    dry = json.dumps({**json.loads(other), "dry_run": True, "submission_id": "s-2"}).encode()
    await rig.record([first, again, other], rig.submissions)
    rig.submissions.forget()
    await rig.record([again, other, dry], rig.submissions, offset=3)
    verdicts = [json.loads(record.value) for record in await read_all(settings, "verdicts.v1")]
    assert [(v["verdict"], v["reason"]) for v in verdicts if v["submission_id"] == "s-1"] == [
        ("accepted", "all_checks_passed"),
        ("accepted", "all_checks_passed"),
        ("rejected", "conflict"),
        ("accepted", "all_checks_passed"),
        ("rejected", "conflict"),
    ]
    assert len({v["decision_id"] for v in verdicts}) == 3
    claims = [row["claim"] for row in await rig.rows("submissions")]
    assert sorted(claims, key=str) == [None, None, "s-1"]


async def test_a_bug_hitting_record_after_record_stops_the_worker(settings: Settings, rig: Rig) -> None:
    plans = await rig.plans([capture("/a", n) for n in range(settings.internal_error_limit + 1)])
    from streams.plan import dead

    bugs = [dead(plan.record, "internal_error", "judge", "boom") for plan in plans]
    with pytest.raises(TooManyInternalErrors):
        await rig.recorder._record([Batch(Event(), rig.flow, bugs)])
    assert await read_all(settings, "filesystem-timestamps.v1.dlq") == []


async def test_what_was_not_announced_is_swept_up_later(rig: Rig, settings: Settings) -> None:
    plans = await rig.plans([capture("/tmp/x")])
    transactions = Transactions(rig.database, 10)
    await transactions.write(plans)  # and the worker dies before it announces
    sweeper = Sweeper(settings, rig.database, rig.announcer)
    assert await sweeper.sweep(age_seconds=0) == 1
    assert await sweeper.sweep(age_seconds=0) == 0
    assert len(await read_all(settings, "violations.v1")) == 1


async def test_announced_outbox_rows_are_deleted_when_the_worker_falls_idle(rig: Rig) -> None:
    await rig.record([capture("/tmp/x")])

    async def empty() -> bool:
        return not await rig.rows("outbox")

    await eventually(empty, 10, "the outbox is empty")


async def test_an_outage_of_the_database_costs_nothing_but_time(
    settings: Settings, topics: list[str], tmp_path: Path, artifacts_directory: Path
) -> None:
    server = MariaDBServer(tmp_path / "mariadb", artifacts_directory)
    await asyncio.to_thread(server.start)
    try:
        own = load_settings(
            kafka_bootstrap=settings.kafka_bootstrap, database_url=server.url, topic_prefix=settings.topic_prefix
        )
        async with Database(own) as database:
            await migrate(database)
            rig = Rig(own, database)
            await rig.announcer.start()
            await rig.recorder.start()
            await rig.record([capture("/before")])
            plans = await rig.plans([capture("/during", 2)])
            await asyncio.to_thread(server.kill)
            event = Event()
            await rig.recorder.put([Batch(event, rig.flow, plans)])

            async def noticed() -> bool:
                return not rig.health.database_answers

            await eventually(noticed, 20, "the outage is noticed")
            assert "the database does not answer" in rig.health.problems_of_readiness()
            assert rig.health.problems_of_life() == []
            await asyncio.to_thread(server.start)
            await eventually(lambda: acknowledged(event), 30, "the batch is stored after the outage")
            assert {row["file_path"] for row in await rig.rows("filesystem_timestamps")} == {"/before", "/during"}
            assert await read_all(own, "filesystem-timestamps.v1.dlq") == []
            await rig.recorder.stop()
            await rig.announcer.stop()
    finally:
        await asyncio.to_thread(server.stop)
