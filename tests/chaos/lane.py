"""One group of workers with topics and a database of its own, traffic for it, and an eye on both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pymysql
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
from tests.chaos.sending import patient_producer, send
from tests.chaos.traffic import Traffic
from tests.chaos.watching import Watched, watch
from tests.e2e.events import TOPICS, Message
from tests.e2e.worker import WorkerProcess, all_committed, eventually

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
    _glance: "pymysql.Connection[Any] | None" = None

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
        async with patient_producer(self.straight) as producer:
            await send(self.straight, producer, self.traffic.take(number))

    async def send_these(self, messages: list[Message]) -> None:
        self._counts(messages)
        async with patient_producer(self.straight) as producer:
            await send(self.straight, producer, messages)

    def _counts(self, messages: list[Message]) -> None:
        self.oracle.sent(messages)
        self.sent += len(messages)

    @asynccontextmanager
    async def load(self, per_second: int) -> AsyncIterator[None]:
        """Send in the background at this rate; at the end everything sent is in Kafka."""
        stop = asyncio.Event()

        async def run() -> None:
            async with patient_producer(self.straight) as producer:
                while not stop.is_set():
                    due_at = monotonic() + 0.1
                    messages = self.traffic.take(per_second // 10)
                    self._counts(messages)
                    await send(self.straight, producer, messages)
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

    async def drained(self, seconds: float = 90, *, ages_outbox: bool = False) -> None:
        """Wait until everything is consumed, committed and announced.

        What a dead worker left in the outbox is announced by another when it is 15 s old; `ages_outbox` makes it so.
        """

        async def done() -> bool:
            if not await all_committed(self.straight, TOPICS):
                return False
            left = await asyncio.to_thread(self.fetch, "SELECT id FROM outbox LIMIT 1")
            if left and ages_outbox:
                age = "UPDATE outbox SET created_at = created_at - INTERVAL 15 SECOND"
                await asyncio.to_thread(execute, self.straight.database_url.get_secret_value(), age)
            return not left

        await eventually(done, seconds, f"everything is consumed and announced\n{self.last_words()}")

    async def announced(self, seconds: float) -> float:
        """Wait until Kafka has what is decided by now, under load; returns how many seconds that took."""
        (now,) = await asyncio.to_thread(self.fetch, "SELECT CURRENT_TIMESTAMP(6) AS at")
        waiting = f"SELECT id FROM outbox WHERE created_at <= '{now['at']}' LIMIT 1"
        since = monotonic()

        async def none() -> bool:
            return not await asyncio.to_thread(self.fetch, waiting)

        await eventually(none, seconds, f"what was decided is announced\n{self.last_words()}")
        return monotonic() - since

    async def account(self) -> Account:
        return await account(self.straight, self.fetch, self.oracle)

    def last_words(self) -> str:
        return self.workers[-1].text()[-3000:] if self.workers else "no worker was started"

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Watched]:
        """Look at rows and memory ten times a second."""
        stop = asyncio.Event()
        looking = asyncio.create_task(
            watch(self.watched, self._rows_or_none, lambda: self.oracle.rows, self.workers, stop)
        )
        try:
            yield self.watched
        finally:
            stop.set()
            await looking
            self._end_glance()

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
        """As `_rows`, over one connection for as long as it lasts: it is asked ten times a second."""
        try:
            if self._glance is None:
                self._glance = connect(self.straight.database_url.get_secret_value(), 2)
            with self._glance.cursor() as cursor:
                cursor.execute(f"SELECT {_STORED}")
                return int((cursor.fetchone() or (0,))[0]) - self.initial_rows
        except (MySQLError, OSError):
            self._end_glance()
            return None

    def _end_glance(self) -> None:
        if self._glance is not None and self._glance.open:
            self._glance.close()
        self._glance = None


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
