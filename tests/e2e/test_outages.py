"""Kafka and the database go away and come back; workers join, leave and stop: nothing is lost or doubled."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest

from streams.kafka.topics import create_topics
from streams.local.kafka import KafkaServer
from streams.local.mariadb import MariaDBServer
from streams.settings import Settings, load_settings
from streams.standards.catalog import seed_standards
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.registry import insert_missing
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, all_committed, eventually, send_all

FILES = "filesystem-timestamps.v1"


def captures(random: Random, count: int, start: int = 0) -> list[events.Message]:
    return [
        events.message(FILES, f"host-{n % 5}", events.capture(random, f"host-{n % 5}", [f"/srv/f{n}"]))
        for n in range(start, start + count)
    ]


async def stored_ids(database: Database) -> list[str]:
    return [row["event_id"] for row in await database.fetch_all("SELECT event_id FROM filesystem_timestamps")]


def ids_of(messages: list[events.Message]) -> list[str]:
    return [json.loads(value or b"")["event_id"] for _, _, value in messages]


class Own:
    """Servers and a worker of one test, which it may stop and start."""

    def __init__(self, directory: Path, artifacts: Path) -> None:
        self.kafka = KafkaServer(directory / "kafka", artifacts)
        self.mariadb = MariaDBServer(directory / "mariadb", artifacts)
        self.directory = directory

    async def start(self) -> Settings:
        await asyncio.gather(asyncio.to_thread(self.kafka.start), asyncio.to_thread(self.mariadb.start))
        settings = load_settings(kafka_bootstrap=self.kafka.bootstrap, database_url=self.mariadb.url)
        async with Database(settings) as database:
            await migrate(database)
            await insert_missing(database, seed_standards())
        await create_topics(settings)
        return settings


@pytest.fixture
async def own(tmp_path: Path, artifacts_directory: Path) -> AsyncIterator[Own]:
    own = Own(tmp_path, artifacts_directory)
    try:
        yield own
    finally:
        await asyncio.to_thread(own.kafka.kill)
        await asyncio.to_thread(own.mariadb.kill)


async def test_kafka_and_the_database_restart_under_load(own: Own) -> None:
    settings = await own.start()
    worker = WorkerProcess(settings, own.directory / "worker.log")
    worker.start()
    try:
        await worker.ready()
        messages = captures(Random(1), 3000)
        await send_all(settings, messages[:1000])
        await asyncio.to_thread(own.mariadb.kill)
        await send_all(settings, messages[1000:2000])

        async def unready() -> bool:
            return (await worker.get("/readyz"))[0] == 503

        await eventually(unready, 45, "/readyz notices that the database is away")
        assert (await worker.get("/livez"))[0] == 200
        await asyncio.to_thread(own.mariadb.start)
        await eventually(lambda: all_committed(settings, [FILES]), 60, "all is stored after the database's return")

        await asyncio.to_thread(own.kafka.stop)
        assert worker.process.poll() is None
        await asyncio.to_thread(own.kafka.start)
        await send_all(settings, messages[2000:])
        await eventually(lambda: all_committed(settings, [FILES]), 90, "all is stored after Kafka's return")
        async with Database(settings) as database:
            assert sorted(await stored_ids(database)) == sorted(ids_of(messages))
        dead = await worker.metric("cockpit_records_total")
        assert not any("dead_lettered" in labels for labels, value in dead.items() if value)
        assert await worker.terminate() == 0
    finally:
        worker.close()


async def test_workers_join_leave_and_stop_under_load(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(2)
    sent: list[events.Message] = []
    first = new_worker()
    await first.ready()

    async def load() -> None:
        for round_ in range(12):
            messages = captures(random, 300, round_ * 300)
            sent.extend(messages)
            await send_all(deployed, messages)
            await asyncio.sleep(0.5)  # the pace of the producer, not a wait for anything

    producing = asyncio.create_task(load())
    second = new_worker()
    await second.ready()
    assert await first.terminate() == 0  # a rolling restart: one leaves,
    third = new_worker()  # another comes
    await third.ready()
    await producing
    await eventually(lambda: all_committed(deployed, [FILES]), 60, "everything is consumed")
    assert sorted(await stored_ids(database)) == sorted(ids_of(sent))
    assert [await second.terminate(), await third.terminate()] == [0, 0]


async def test_sigterm_drains_what_was_fetched_and_commits_it(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    messages = captures(Random(3), 4000)
    worker = new_worker(COCKPIT_COMMIT_INTERVAL_SECONDS="60")  # so that only the stop can have committed
    await worker.ready()
    await send_all(deployed, messages)

    async def begun() -> bool:
        return bool(await stored_ids(database))

    await eventually(begun, 30, "the worker has begun")
    assert await worker.terminate() == 0
    stored = await stored_ids(database)
    again = new_worker()
    await eventually(lambda: all_committed(deployed, [FILES]), 60, "the next worker reads the rest")
    outcomes = await again.metric("cockpit_records_total") if again.port else {}
    if not outcomes:
        await again.ready()
        outcomes = await again.metric("cockpit_records_total")
    assert sum(value for labels, value in outcomes.items() if "duplicate" in labels) == 0
    assert sum(value for labels, value in outcomes.items() if "stored" in labels) == len(messages) - len(stored)
    assert len(await stored_ids(database)) == len(messages)
    assert await again.terminate() == 0
