"""One group of workers with topics and a database of its own, traffic for it, and an eye on both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from pymysql.cursors import DictCursor
from pymysql.err import MySQLError

from streams.kafka.topics import create_topics
from streams.local.mariadb import USER, connect
from streams.local.server import LOOPBACK
from streams.settings import Settings, load_settings
from streams.standards.catalog import seed_standards
from streams.store import components
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.registry import insert_missing
from tests.chaos.account import Account, account
from tests.chaos.oracle import Oracle
from tests.chaos.traffic import CLOCKS, FILES, SUBMISSIONS, Traffic
from tests.e2e.events import TOPICS, Message
from tests.e2e.worker import WorkerProcess, all_committed, eventually

_GLANCE_SECONDS = 0.1
_STORED = " + ".join(
    f"(SELECT COUNT(*) FROM {table})" for table in ("filesystem_timestamps", "clock_sync_status", "submissions")
)


@dataclass(frozen=True)
class Addresses:
    """Where the servers are: for the worker, perhaps through proxies, and straight, for the test itself."""

    kafka: str
    database: str
    """A COCKPIT_DATABASE_URL whose database is replaced by that of the lane."""
    admin: str
    straight_kafka: str = ""
    straight_database: str = ""


@dataclass
class Watched:
    """What was seen while the lane was at work."""

    longest_pause_seconds: float = 0.0
    """The longest time in which nothing was stored although something waited."""
    back_after_seconds: float | None = None
    """From the fault's end to the next row; of several faults the longest."""
    peak_bytes: int = 0
    """Resident memory of the largest worker."""
    rows: int = 0
    _returned_at: float | None = None

    def fault_ends(self) -> None:
        self._returned_at = monotonic()

    def progressed(self, now: float) -> None:
        if self._returned_at is not None:
            self.back_after_seconds = max(self.back_after_seconds or 0.0, now - self._returned_at)
            self._returned_at = None


@dataclass
class Lane:
    """Made by `new_lane`; its workers are gone when that ends."""

    settings: Settings
    """The workers'."""
    straight: Settings
    """The same topics and database without a proxy in between."""
    directory: Path
    traffic: Traffic
    oracle: Oracle = field(default_factory=Oracle)
    workers: list[WorkerProcess] = field(default_factory=list)
    watched: Watched = field(default_factory=Watched)
    initial_rows: int = 0
    sent: int = 0

    def worker(self, settings: Settings | None = None, **environment: str) -> WorkerProcess:
        worker = WorkerProcess(
            settings or self.settings, self.directory / f"worker-{len(self.workers)}.log", **environment
        )
        self.workers.append(worker)
        worker.start()
        return worker

    async def ready_worker(self, settings: Settings | None = None, **environment: str) -> WorkerProcess:
        worker = self.worker(settings, **environment)
        await worker.ready()
        return worker

    async def send(self, number: int) -> None:
        """Send so many messages and wait until Kafka has them."""
        await self.send_these(self.traffic.take(number))

    async def send_uncounted(self, number: int) -> None:
        """Send what nobody expects to be stored."""
        async with _patient_producer(self.straight) as producer:
            await _send(self.straight, producer, self.traffic.take(number))

    async def send_these(self, messages: list[Message]) -> None:
        self._counts(messages)
        async with _patient_producer(self.straight) as producer:
            await _send(self.straight, producer, messages)

    def _counts(self, messages: list[Message]) -> None:
        self.oracle.sent(messages)
        self.sent += len(messages)

    @asynccontextmanager
    async def load(self, per_second: int) -> AsyncIterator[None]:
        """Send in the background at this rate; at the end everything sent is in Kafka."""
        stop = asyncio.Event()

        async def run() -> None:
            async with _patient_producer(self.straight) as producer:
                while not stop.is_set():
                    due_at = monotonic() + 0.1
                    messages = self.traffic.take(per_second // 10)
                    self._counts(messages)
                    await _send(self.straight, producer, messages)
                    await asyncio.sleep(max(0.0, due_at - monotonic()))

        sending = asyncio.create_task(run())
        try:
            yield
        finally:
            stop.set()
            await sending

    async def rows(self) -> int:
        """Rows that records have become."""
        return await asyncio.to_thread(self._rows)

    async def stored(self, more: int = 1, seconds: float = 60) -> None:
        """Wait for so many more rows than there are."""
        wanted = await self.rows() + more

        async def there() -> bool:
            return await self.rows() >= wanted

        await eventually(there, seconds, f"{more} more rows are stored\n{self.last_words()}")

    async def drained(self, seconds: float = 90) -> None:
        """Wait until everything is consumed, committed and announced."""

        async def done() -> bool:
            if not await all_committed(self.straight, TOPICS):
                return False
            return not await asyncio.to_thread(self.fetch, "SELECT id FROM outbox LIMIT 1")

        await eventually(done, seconds, f"everything is consumed and announced\n{self.last_words()}")

    async def account(self) -> Account:
        return await account(self.straight, self.fetch, self.oracle)

    def last_words(self) -> str:
        return self.workers[-1].text()[-3000:] if self.workers else "no worker was started"

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Watched]:
        """Look at rows and memory ten times a second."""
        looking = asyncio.create_task(self._watch())
        try:
            yield self.watched
        finally:
            looking.cancel()
            await asyncio.wait([looking])

    async def _watch(self) -> None:
        since = monotonic()
        while True:
            rows = await asyncio.to_thread(self._rows_or_none)
            now = monotonic()
            if rows is not None and rows != self.watched.rows:
                self.watched.rows = rows
                self.watched.progressed(now)
                since = now
            elif self.watched.rows >= self.oracle.rows and rows is not None:
                since = now  # nothing waits
            self.watched.longest_pause_seconds = max(self.watched.longest_pause_seconds, now - since)
            for worker in self.workers:
                self.watched.peak_bytes = max(self.watched.peak_bytes, _resident_bytes(worker))
            await asyncio.sleep(_GLANCE_SECONDS)

    def fetch(self, sql: str, timeout_seconds: float = 30) -> list[dict[str, Any]]:
        """The answer to one query, over a connection of its own and past every proxy."""
        with (
            connect(self.straight.database_url.get_secret_value(), timeout_seconds) as connection,
            connection.cursor(DictCursor) as cursor,
        ):
            cursor.execute(sql)
            return list(cursor.fetchall())

    def _rows(self) -> int:
        return int(self.fetch(f"SELECT {_STORED} AS found", 2)[0]["found"]) - self.initial_rows

    def _rows_or_none(self) -> int | None:
        try:
            return self._rows()
        except (MySQLError, OSError):
            return None


@asynccontextmanager
async def new_lane(addresses: Addresses, directory: Path, seed: int, **overrides: object) -> AsyncIterator[Lane]:
    """Topics, a migrated database and traffic; `overrides` are settings of the workers."""
    name = f"chaos_{token_hex(4)}"
    grant = f"GRANT ALL ON {name}.* TO '{USER}'@'{LOOPBACK}'"
    create = f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    await asyncio.to_thread(execute, addresses.admin, create, grant)
    shared: dict[str, object] = {
        "topic_prefix": f"{name}.", "kafka_group": name, "topic_partitions": 4, "metrics_port": 0,
        "metrics_host": LOOPBACK, **overrides,
    }  # fmt: skip

    def settings(kafka: str, database: str) -> Settings:
        url = urlsplit(database)._replace(path=f"/{name}").geturl()
        return load_settings(kafka_bootstrap=kafka, database_url=url, **shared)

    straight = settings(addresses.straight_kafka or addresses.kafka, addresses.straight_database or addresses.database)
    directory = directory / name
    directory.mkdir(parents=True)
    async with Database(straight) as database:
        await migrate(database)
        await insert_missing(database, seed_standards())
        await components.insert_missing(database)
        await create_topics(straight)
    lane = Lane(settings(addresses.kafka, addresses.database), straight, directory, Traffic(seed))
    lane.initial_rows = await lane.rows()
    try:
        yield lane
    finally:
        for worker in lane.workers:
            worker.close()
    await asyncio.to_thread(execute, addresses.admin, f"DROP DATABASE IF EXISTS {name}")


def execute(url: str, *statements: str) -> None:
    """Run statements, as an administrator would by hand."""
    with connect(url) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@asynccontextmanager
async def _patient_producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """Keeps the order of a key over retries, and tries for as long as an outage lasts."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=True, linger_ms=5, request_timeout_ms=300_000
    )
    await until_kafka(producer.start, 120)
    try:
        yield producer
    finally:
        await producer.stop()


async def until_kafka(attempt: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Try again while Kafka is away."""
    deadline = monotonic() + seconds
    while True:
        try:
            await attempt()
        except (KafkaError, OSError):
            if monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def _send(settings: Settings, producer: AIOKafkaProducer, messages: list[Message]) -> None:
    futures = []
    for topic, key, value in messages:
        futures.append(await producer.send(settings.topic(topic), value, key))
    await asyncio.gather(*futures)


def _resident_bytes(worker: WorkerProcess) -> int:
    if worker.process.poll() is not None:
        return 0
    try:
        pages = Path(f"/proc/{worker.process.pid}/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * 4096


__all__ = ["CLOCKS", "FILES", "SUBMISSIONS", "Addresses", "Lane", "Watched", "execute", "new_lane", "until_kafka"]
