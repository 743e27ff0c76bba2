"""Every record ends stored, as a duplicate, or as a dead letter: over bad input, replay and SIGKILL."""

import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from aiokafka import ConsumerRecord

from streams.kafka.dead_letters import OWN_HEADERS
from streams.settings import Settings
from streams.store.database import Database
from tests.bad_input.case import DUPLICATE, FILES, Case
from tests.bad_input.corpus import corpus
from tests.e2e import events
from tests.e2e.worker import Sent, WorkerProcess, all_committed, eventually, producer, read_all, send_all

TABLES = ("filesystem_timestamps", "clock_sync_status", "submissions", "metadata_violations")
SECOND = 10**9
CODECS = ("gzip", "snappy", "lz4", "zstd")


def good_messages(random: Random, captures: int) -> list[events.Message]:
    """Captures of one to three files (some tampered with), readings of five clocks, and submissions."""
    messages = []
    for number in range(captures):
        host = f"host-{number % 7}"
        paths = [f"/srv/repo/src/file_{number}_{part}.py" for part in range(1 + number % 3)]
        times = {"mtime_ns": events.BASE_NS + 60 * SECOND} if number % 50 == 0 else {}
        event = events.capture(
            random, host, paths, f"2026-11-20T10:{number // 60 % 60:02d}:{number % 60:02d}Z", **times
        )
        messages.append(events.message("filesystem-timestamps.v1", host, event))
        if number % 10 == 0:
            component = f"clock-{number // 10 % 5}"
            # Two of the five, for were they more, the reference would be suspected and not they.
            offset = 25_000 if number // 250 % 2 and number // 10 % 5 < 2 else 100
            at = f"2026-11-20T{10 + number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
            messages.append(events.message("clock-sync.v1", component, events.reading(random, component, offset, at)))
        if number % 40 == 0:
            fields = {} if number % 80 else {"version": "one"}
            event = events.submission(random, f"submission-{number}", **fields)
            messages.append(events.message("submissions.v1", event["submission_id"], event))
    return messages


async def snapshot(database: Database) -> dict[str, list[dict[str, object]]]:
    """All rows of the tables that events cause, without the columns that follow their incidents."""
    rows = {table: await database.fetch_all(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}
    for row in rows["metadata_violations"]:
        del row["status"], row["resolved_at"]
    return rows


async def send_bombs(settings: Settings) -> None:
    """A batch of zeros by each codec: a few kilobytes for the broker, more than the limit for whoever unpacks it."""
    for codec in CODECS:
        async with producer(settings, compression_type=codec, max_request_size=20_000_000) as client:
            await client.send_and_wait(settings.topic(FILES), b"\0" * (settings.max_batch_bytes + 1), b"bomb")


def sent_as(case: Case) -> Sent:
    return case.topic, case.key, case.value, tuple(case.headers)


def header(letter: ConsumerRecord, name: str) -> bytes:
    return dict(letter.headers)[name] or b""


def assert_to_the_letter(rows: dict[str, list[dict[str, Any]]], sent: list[dict[str, Any]]) -> None:
    """Names and paths are in the tables exactly as they were sent, whatever they hold."""
    for table, column, field in (
        ("filesystem_timestamps", "host", "host"),
        ("clock_sync_status", "component_name", "component_name"),
        ("submissions", "submission_id", "submission_id"),
        ("submissions", "submitter", "submitter"),
    ):
        kept = {(row["event_id"].lower(), row[column]) for row in rows[table]}
        assert {(event["event_id"].lower(), event[field]) for event in sent if field in event} <= kept
    paths = {(row["event_id"].lower(), row["file_path"]) for row in rows["filesystem_timestamps"]}
    files = {(event["event_id"].lower(), file["file_path"]) for event in sent for file in event.get("files", ())}
    assert files <= paths


async def test_every_record_is_accounted_for(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(20261123)
    good = good_messages(random, 1500)
    odd = [case for case in corpus() if not case.is_dead]
    bad = [case for case in corpus() if case.is_dead]
    # Order within a clock matters to its alerts, so the good ones keep theirs, and the corpus its own.
    places = [0] * len(good) + [1] * len(corpus())
    random.shuffle(places)
    sources = iter(good), (sent_as(case) for case in corpus())
    mixed = [next(sources[place]) for place in places]
    worker = new_worker()
    await worker.ready()
    before = await snapshot(database)
    await send_all(deployed, mixed)
    await send_bombs(deployed)
    await eventually(lambda: all_committed(deployed, events.TOPICS), 120, "the group is at the end of every partition")

    letters = [letter for topic in events.TOPICS for letter in await read_all(deployed, topic + ".dlq")]
    origins = {
        (
            dict(letter.headers)["__dlq.errors.topic"],
            dict(letter.headers)["__dlq.errors.partition"],
            dict(letter.headers)["__dlq.errors.offset"],
        )
        for letter in letters
    }
    assert len(letters) == len(origins) == len(bad) + len(CODECS)
    assert Counter(
        (header(letter, "__dlq.errors.topic"), letter.key, letter.value, header(letter, "dlq.reason"))
        for letter in letters
    ) == Counter(
        [(deployed.topic(case.topic).encode(), case.key, case.value, case.outcome.encode()) for case in bad]
        + [(deployed.topic(FILES).encode(), None, None, b"unreadable_batch")] * len(CODECS)
    )
    for letter in letters:  # one of each of ours, also where the record came with some of that name
        assert Counter(name for name, _ in letter.headers if name in OWN_HEADERS) == Counter(OWN_HEADERS)
        assert header(letter, "__dlq.errors.message").decode().isprintable()

    after = await snapshot(database)
    stored = {row["event_id"] for table in TABLES[:3] for row in after[table]} - {
        row["event_id"] for row in before["clock_sync_status"]
    }
    stored_odd = [json.loads(case.value) for case in odd if case.value]
    assert {str(each).lower() for each in stored} == {
        event["event_id"].lower() for event in (*(json.loads(value) for _, _, value in good if value), *stored_odd)
    }
    assert_to_the_letter(after, stored_odd)
    repeated = sum(case.outcome == DUPLICATE for case in odd)
    outcomes = await worker.metric("cockpit_records_total")
    assert sum(value for labels, value in outcomes.items() if "stored" in labels) == len(good) + len(odd) - repeated
    assert sum(value for labels, value in outcomes.items() if "duplicate" in labels) == repeated
    assert sum(value for labels, value in outcomes.items() if "dead_lettered" in labels) == len(bad) + len(CODECS)

    # The same once more: no row changes, everything is a duplicate.
    await send_all(deployed, [*good, *map(sent_as, odd)])
    await eventually(lambda: all_committed(deployed, events.TOPICS), 90, "the replay is consumed")
    assert await snapshot(database) == after
    outcomes = await worker.metric("cockpit_records_total")
    duplicates = sum(value for labels, value in outcomes.items() if "duplicate" in labels)
    assert duplicates == repeated + len(good) + len(odd)

    alerts = [json.loads(record.value) for record in await read_all(deployed, "drift-alerts.v1")]
    alerts = [alert for alert in alerts if alert["component_name"].startswith("clock-")]
    assert len(alerts) == len({(alert["alert_id"], alert["state"]) for alert in alerts})
    assert {alert["state"] for alert in alerts} == {"firing", "resolved"}
    assert await worker.terminate() == 0


async def test_sigkill_loses_nothing_and_doubles_nothing(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(7)
    messages = good_messages(random, 3000)
    await send_all(deployed, messages)

    async def rows_of(table: str) -> int:
        return int((await database.fetch_all(f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"])

    for kill in range(4):
        worker = new_worker(COCKPIT_POLL_RECORDS="100", COCKPIT_TRANSACTION_RECORDS="150")
        seen = await rows_of("filesystem_timestamps")

        async def has_moved(seen: int = seen, least: int = 200 * (kill + 1)) -> bool:
            return await rows_of("filesystem_timestamps") >= min(seen + 1, least)

        await eventually(has_moved, 60, "the worker writes something before it is killed")
        worker.kill()
    worker = new_worker()
    await eventually(lambda: all_committed(deployed, events.TOPICS), 90, "everything is consumed in the end")

    files = sum(len(json.loads(value)["files"]) for topic, _, value in messages if topic.startswith("file") and value)
    assert await rows_of("filesystem_timestamps") == files
    submissions = [
        json.loads(value)["submission_id"] for topic, _, value in messages if topic.startswith("sub") and value
    ]
    assert await rows_of("submissions") == len(submissions)
    verdicts: dict[str, set[bytes]] = {name: set() for name in submissions}
    await eventually(lambda: _no_outbox(database), 60, "everything is announced")
    for record in await read_all(deployed, "verdicts.v1"):
        verdicts[record.key.decode()].add(record.value)
    assert all(len(given) == 1 for given in verdicts.values()), "each submission has one verdict, and one only"
    assert await worker.terminate() == 0


async def _no_outbox(database: Database) -> bool:
    return not await database.fetch_all("SELECT id FROM outbox")
