"""A real `cockpit worker` process, and plain clients around it: what a producer and an operator have."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, time
from typing import Any
from urllib.error import HTTPError, URLError

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.structs import RecordMetadata

from streams.settings import Settings


class WorkerProcess:
    """One worker; every wait is for a condition, with a deadline."""

    command: tuple[str, ...] = (sys.executable, "-m", "streams")

    def __init__(self, settings: Settings, log: Path, **environment: str) -> None:
        self.settings = settings
        self.log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COCKPIT_")},
            "COCKPIT_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "COCKPIT_DATABASE_URL": self.settings.database_url.get_secret_value(),
            "COCKPIT_TOPIC_PREFIX": self.settings.topic_prefix,
            "COCKPIT_KAFKA_GROUP": self.settings.kafka_group,
            "COCKPIT_METRICS_HOST": "127.0.0.1",
            "COCKPIT_METRICS_PORT": "0",
            "COCKPIT_KAFKA_SESSION_TIMEOUT_SECONDS": "6",
            **self._environment,
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([*self.command, "worker"], env=environment, stdout=log, stderr=log)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    async def ready(self, seconds: float = 60) -> None:
        """Wait until /readyz says so."""
        deadline = monotonic() + seconds
        marker = '"metrics_port": '
        while monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the worker exited with {self.process.returncode}:\n{self.text()[-4000:]}")
            text = self.text()
            starts = text.rfind('"event": "worker_starts"')
            if starts >= 0:
                line = text[text.rfind("\n", 0, starts) + 1 : text.find("\n", starts)]
                self.port = int(line.split(marker)[1].split(",")[0].rstrip("}"))
                status, _ = await self.get("/readyz")
                if status == 200:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not ready after {seconds} s:\n{self.text()[-4000:]}")

    async def get(self, path: str) -> tuple[int, str]:
        def fetch() -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                    return answer.status, answer.read().decode()
            except HTTPError as error:
                with error:
                    return error.code, error.read().decode()
            except (URLError, TimeoutError, ConnectionError):
                return 0, ""

        return await asyncio.to_thread(fetch)

    async def metric(self, name: str) -> dict[str, float]:
        """Every sample of one metric, by its label text."""
        _, text = await self.get("/metrics")
        samples = {}
        for line in text.splitlines():
            if line.startswith((name + "{", name + " ")):
                sample, value = line.rsplit(" ", 1)
                samples[sample.removeprefix(name)] = float(value)
        return samples

    def kill(self) -> None:
        """SIGKILL: nothing is said or done any more."""
        self.process.kill()
        self.process.wait(30)

    async def terminate(self, seconds: float = 40) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, seconds)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


@asynccontextmanager
async def producer(settings: Settings, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A plain client with nothing of ours in it."""
    options = {"linger_ms": 5, "max_request_size": 2_000_000, **options}
    client = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all", **options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


Headers = Sequence[tuple[str, bytes | None]]
Sent = tuple[str, bytes | None, bytes | None] | tuple[str, bytes | None, bytes | None, Headers]


async def send_all(settings: Settings, messages: Iterable[Sent]) -> list[TopicPartition]:
    """Write records and wait for every acknowledgement.

    Each is (topic without prefix, key, value), and headers if it has any.
    """
    async with producer(settings) as client:
        futures = [await _send(client, settings.topic(topic), *rest) for topic, *rest in messages]
        sent = await asyncio.gather(*futures)
    return [TopicPartition(metadata.topic, metadata.partition) for metadata in sent]


async def _send(
    client: AIOKafkaProducer, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()
) -> "asyncio.Future[RecordMetadata]":
    if key is not None or value is not None:
        return await client.send(topic, value, key, headers=list(headers))
    batch = client.create_batch()  # send() refuses a record with neither; other clients do not
    batch.append(key=None, value=None, timestamp=int(time() * 1000))
    return await client.send_batch(batch, topic, partition=0)


async def read_all(settings: Settings, topic: str) -> list[ConsumerRecord]:
    """Every record of a topic (without prefix), from the beginning to its end now."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4_000_000,
    )
    await consumer.start()
    try:
        name = settings.topic(topic)
        partitions = [TopicPartition(name, number) for number in await _partitions(consumer, name)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records = []
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, name: str) -> set[int]:
    await consumer._client._wait_on_metadata(name)
    return set(consumer.partitions_for_topic(name) or ())


async def all_committed(settings: Settings, topics: Iterable[str]) -> bool:
    """Whether the group has committed up to the end of every partition of these topics."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=settings.kafka_group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        for topic in topics:
            name = settings.topic(topic)
            partitions = [TopicPartition(name, number) for number in await _partitions(consumer, name)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            for partition, end in ends.items():
                if end and (await consumer.committed(partition) or 0) < end:
                    return False
        return True
    finally:
        await consumer.stop()


async def eventually(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until an async condition holds; fail with `what` at the deadline."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        if await condition():  # type: ignore[misc]
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")
