"""Every record ends stored, as a duplicate, or as a dead letter: over bad input, replay and SIGKILL."""

import json
from collections import Counter
from collections.abc import Callable
from random import Random

from streams.settings import Settings
from streams.store.database import Database
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, all_committed, eventually, read_all, send_all

TABLES = ("filesystem_timestamps", "clock_sync_status", "submissions", "metadata_violations")
SECOND = 10**9


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


async def test_every_record_is_accounted_for(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(20261123)
    good = good_messages(random, 1500)
    bad = [(topic, b"key", value) for topic in events.TOPICS for value in events.bad_values(random)] + [
        ("filesystem-timestamps.v1", None, b"no key"),
        ("filesystem-timestamps.v1", b"k", None),
    ]
    mixed = good + bad
    random.shuffle(mixed)
    # Order within a clock matters to its alerts, so the good ones keep theirs.
    kept = iter(good)
    mixed = [next(kept) if item in good_set else item for item in mixed] if (good_set := set(good)) else mixed
    worker = new_worker()
    await worker.ready()
    before = await snapshot(database)
    await send_all(deployed, mixed)
    await eventually(lambda: all_committed(deployed, events.TOPICS), 90, "the group is at the end of every partition")

    letters = [letter for topic in events.TOPICS for letter in await read_all(deployed, topic + ".dlq")]
    origins = {
        (
            dict(letter.headers)["__dlq.errors.topic"],
            dict(letter.headers)["__dlq.errors.partition"],
            dict(letter.headers)["__dlq.errors.offset"],
        )
        for letter in letters
    }
    assert len(letters) == len(origins) == len(bad)
    assert Counter(letter.value for letter in letters) == Counter(value for _, _, value in bad)
    assert {dict(letter.headers)["dlq.reason"] for letter in letters} == {
        b"tombstone", b"too_large", b"invalid_encoding", b"invalid_json", b"invalid",
    }  # fmt: skip

    after = await snapshot(database)
    stored = {row["event_id"] for table in TABLES[:3] for row in after[table]} - {
        row["event_id"] for row in before["clock_sync_status"]
    }
    assert stored == {json.loads(value)["event_id"] for _, _, value in good if value}
    outcomes = await worker.metric("cockpit_records_total")
    assert sum(value for labels, value in outcomes.items() if "stored" in labels) == len(good)
    assert sum(value for labels, value in outcomes.items() if "dead_lettered" in labels) == len(bad)

    # The same once more: no row changes, everything is a duplicate.
    await send_all(deployed, good)
    await eventually(lambda: all_committed(deployed, events.TOPICS), 90, "the replay is consumed")
    assert await snapshot(database) == after
    outcomes = await worker.metric("cockpit_records_total")
    assert sum(value for labels, value in outcomes.items() if "duplicate" in labels) == len(good)

    alerts = [json.loads(record.value) for record in await read_all(deployed, "drift-alerts.v1")]
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
