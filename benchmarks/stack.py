"""Kafka and MariaDB of the benchmark's own, and what the harness itself asks of them."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from time import monotonic, sleep
from typing import Any

from benchmarks.load import PARTITIONS
from streams.local.mariadb import connect
from streams.local.stack import Stack
from streams.settings import PREFIX, load_settings
from streams.standards.cache import StandardsCache
from streams.store.database import Database

CHECKOUT = Path(__file__).parents[1]
TOPIC = "filesystem-timestamps.v1"
_TABLES = ("filesystem_timestamps", "metadata_violations", "violation_counts", "outbox", "query_metrics")

_ERRORS_ONLY = 3
"""Of syslog's levels: librdkafka logs to stderr."""

Progress = Callable[[str], None]


class BenchError(Exception):
    """The benchmark cannot go on; the text is one line for whoever started it."""


def plain_environment(**more: str) -> dict[str, str]:
    """This process's environment without any setting of the product, and with what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "BENCH_"))}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(CHECKOUT), **more}


class BenchStack:
    """The running servers. `directory` holds their data and the contestants' logs, and is gone afterwards."""

    def __init__(self, directory: Path, kafka_bootstrap: str, database_url: str, pids: tuple[int, ...] = ()) -> None:
        self.directory = directory
        self.pids = pids
        self.kafka_bootstrap = kafka_bootstrap
        self.database_url = database_url

    @property
    def kafka_pid(self) -> int:
        """Of the broker's virtual machine."""
        return self.pids[0]

    def cockpit_environment(self, prefix: str, group: str, **settings: str) -> dict[str, str]:
        """What an operator would set for a worker; `settings` by their names after COCKPIT_."""
        chosen = {
            "KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "DATABASE_URL": self.database_url,
            "TOPIC_PREFIX": prefix,
            "TOPIC_PARTITIONS": str(PARTITIONS),
            "KAFKA_GROUP": group,
            "METRICS_HOST": "127.0.0.1",
            "METRICS_PORT": "0",
            "LOG_LEVEL": "warning",
            **settings,
        }
        return plain_environment(**{PREFIX + name: value for name, value in chosen.items()})

    def cockpit(self, *arguments: str, prefix: str = "bench.") -> None:
        """Run one command of the product; raises BenchError with its last line."""
        run = subprocess.run(
            [sys.executable, "-m", "streams", *arguments],
            cwd=CHECKOUT, env=self.cockpit_environment(prefix, "bench"), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if run.returncode != 0:
            words = (run.stderr or run.stdout).strip().splitlines() or ["it said nothing"]
            raise BenchError(f"cockpit {' '.join(arguments)}: {words[-1]}")

    @contextmanager
    def topics(self) -> Iterator[str]:
        """The prefix of a fresh set of the product's topics, which are deleted afterwards."""
        prefix = f"bench-{token_hex(3)}."
        self.cockpit("topics", "create", prefix=prefix)
        wait_until(lambda: self._has_leaders(prefix), 30, "the topics' partitions have leaders")
        try:
            yield prefix
        finally:
            self._delete_topics(prefix)

    def _has_leaders(self, prefix: str) -> bool:
        try:
            return self.end_offsets(prefix + TOPIC) == [0] * PARTITIONS
        except BenchError:
            return False

    def _delete_topics(self, prefix: str) -> None:
        with _told_as_bench_errors():
            admin = self._admin()
            names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
            if names:
                for future in admin.delete_topics(names).values():
                    future.result(30)

    def connect(self) -> Any:
        """A PyMySQL connection in autocommit."""
        return connect(self.database_url, timeout_seconds=120)

    def empty_tables(self) -> None:
        """Leave no row that an event causes."""
        with self.connect() as connection, connection.cursor() as cursor:
            for table in _TABLES:
                cursor.execute(f"TRUNCATE TABLE {table}")

    def rows(self, table: str = "filesystem_timestamps") -> int:
        """How many rows a table has."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            return int(cursor.fetchone()[0])

    def end_offsets(self, topic: str) -> list[int]:
        """The offset after the last record of each partition."""
        with self._consumer("bench-ends", topic) as (consumer, partitions):
            return [consumer.get_watermark_offsets(partition, timeout=10)[1] for partition in partitions]

    def committed(self, group: str, topic: str) -> list[int]:
        """The offset that the group has committed for each partition; 0 where it has none."""
        with self._consumer(group, topic) as (consumer, partitions):
            return [max(0, found.offset) for found in consumer.committed(partitions, timeout=10)]

    def skip_to_end(self, group: str, topic: str) -> None:
        """Commit the topic's end for a group that nobody is in."""
        ends = self.end_offsets(topic)
        with self._consumer(group, topic) as (consumer, partitions):
            for partition, end in zip(partitions, ends, strict=True):
                partition.offset = end
            consumer.commit(offsets=partitions, asynchronous=False)

    def members(self, group: str) -> int:
        """How many members of a group have partitions; 0 while they are being shared out."""
        from confluent_kafka import ConsumerGroupState

        with _told_as_bench_errors():
            admin = self._admin()  # without a name it would be destroyed, sometimes before its answer
            try:
                described = admin.describe_consumer_groups([group])[group].result(10)
            except TimeoutError:  # a coordinator under load: whoever waits asks again
                return 0
        if described.state != ConsumerGroupState.STABLE:
            return 0
        return sum(bool(member.assignment and member.assignment.topic_partitions) for member in described.members)

    def _admin(self) -> Any:
        # Imported late here and below: what only computes needs no client.
        from confluent_kafka.admin import AdminClient

        return AdminClient({"bootstrap.servers": self.kafka_bootstrap, "log_level": _ERRORS_ONLY})

    @contextmanager
    def _consumer(self, group: str, topic: str) -> Iterator[tuple[Any, list[Any]]]:
        """A client that joins no group, and the topic's partitions."""
        from confluent_kafka import Consumer, TopicPartition

        settings = {
            "bootstrap.servers": self.kafka_bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "log_level": _ERRORS_ONLY,
        }
        consumer = Consumer(settings)
        try:
            with _told_as_bench_errors():
                yield consumer, [TopicPartition(topic, number) for number in range(PARTITIONS)]
        finally:
            consumer.close()


@contextmanager
def _told_as_bench_errors() -> Iterator[None]:
    from confluent_kafka import KafkaException

    try:
        yield
    except KafkaException as error:
        raise BenchError(f"Kafka: {error.args[0].str()}") from None


def database_options() -> tuple[str, ...]:
    """Those of a database server: a third of the machine's memory, and a redo log in which a checkpoint has time.

    With a developer's gigabyte and 512 MB every writer, ours and the peers', waits for random pages to be flushed after
    half a minute at 7,000 rows a second.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    pool_mb = max(1024, memory // 3 // 2**20)
    return f"--innodb-buffer-pool-size={pool_mb}M", f"--innodb-log-file-size={min(4096, pool_mb // 2)}M"


@contextmanager
def running_stack(progress: Progress) -> Iterator[BenchStack]:
    """Servers with the product's schema and seed standards; stopped and wiped afterwards, whatever happens."""
    local = CHECKOUT / ".local"
    local.mkdir(exist_ok=True)
    # Beside the product's own stack and not in /tmp, which may be in memory.
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=local))
    stack = Stack(directory, artifacts_directory=local / "artifacts", database_options=database_options())
    stack.kafka.java_options = ()  # a server's: what it costs to begin is not what is measured
    try:
        progress("starting Kafka and MariaDB")
        addresses = stack.start(progress)
        pids = tuple(server.pid for server in (stack.kafka, stack.mariadb) if server.pid is not None)
        bench = BenchStack(directory, addresses.kafka_bootstrap, addresses.database_url, pids)
        bench.cockpit("migrate")
        asyncio.run(_number_rules(addresses.database_url))
        yield bench
    finally:
        stack.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _number_rules(database_url: str) -> None:
    """Let the product give the seed's rules their revision, which the peers name in what they write."""
    settings = load_settings(database_url=database_url)
    async with Database(settings, connections=2) as database:
        await StandardsCache(database, settings.standards_poll_seconds).load()


def wait_until(condition: Callable[[], Any], seconds: float, what: str, every_seconds: float = 0.02) -> Any:
    """The first true value of a condition; raises BenchError at the deadline."""
    deadline = monotonic() + seconds
    while not (value := condition()):
        if monotonic() > deadline:
            raise BenchError(f"not within {seconds:.0f} s: {what}")
        sleep(every_seconds)
    return value
