"""A plain Kafka client: writes events as any producer would, and reads what the agents announce."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from time import monotonic, time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.errors import UserError
from streams.kafka.security import client_options
from streams.kafka.topics import INPUTS
from streams.settings import Settings

# What the client retries by itself is no news on the demo's screen; what it cannot, it raises.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())

_LOOK_AGAIN_SECONDS = 0.05
_MAX_REQUEST_BYTES = 2_000_000
_MAX_FETCH_BYTES = 4_000_000

Message = tuple[str, str, bytes | None]
"""Topic without the prefix, key, value."""


class Wire:
    """One connection of each kind for the whole demo; `sent` counts the records by topic, without the prefix."""

    def __init__(self, settings: Settings) -> None:
        self.sent: Counter[str] = Counter()
        self._settings = settings
        options = client_options(settings)
        self._producer = AIOKafkaProducer(**options, acks="all", max_request_size=_MAX_REQUEST_BYTES)
        self._consumer = AIOKafkaConsumer(**options, enable_auto_commit=False)
        self._admin = AIOKafkaAdminClient(**options)

    async def __aenter__(self) -> "Wire":
        started: list[Any] = []
        try:
            for client in (self._producer, self._consumer, self._admin):
                started.append(client)
                await client.start()
        except BaseException:
            await _close(started)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await _close([self._producer, self._consumer, self._admin])

    async def send(self, messages: Iterable[Message]) -> None:
        """Write records and wait until the broker has acknowledged every one."""
        futures = []
        for topic, key, value in messages:
            futures.append(await self._producer.send(self._settings.topic(topic), value, key.encode()))
            self.sent[topic] += 1
        await asyncio.gather(*futures)

    async def send_at_rate(self, messages: list[Message], per_second: float) -> list[float]:
        """Write records at their intended times and with those as their timestamps; returns the times.

        Where the machine is late, the record is late and its time is not: waiting is part of the latency.
        """
        begin = time() + 0.1
        intended = [begin + number / per_second for number in range(len(messages))]
        futures = []
        for (topic, key, value), at in zip(messages, intended, strict=True):
            if (early := at - time()) > 0:
                await asyncio.sleep(early)
            name = self._settings.topic(topic)
            futures.append(await self._producer.send(name, value, key.encode(), timestamp_ms=int(at * 1000)))
            self.sent[topic] += 1
        await asyncio.gather(*futures)
        return intended

    async def wait_until_consumed(self, seconds: float, alive: Callable[[], None]) -> None:
        """Return when the workers' group has committed the end of every partition of the input topics.

        Args:
            seconds: the deadline; past it a UserError says how many records are left.
            alive: raises when waiting is vain.
        """
        deadline = monotonic() + seconds
        partitions = [tp for topic in INPUTS for tp in self._partitions(topic)]
        ends = await self._consumer.end_offsets(partitions)
        while True:
            alive()
            committed = await self._admin.list_consumer_group_offsets(self._settings.kafka_group)
            left = sum(end - max(0, committed[tp].offset if tp in committed else 0) for tp, end in ends.items())
            if left <= 0:
                return
            if monotonic() > deadline:
                raise UserError(f"worker: {left} records are not consumed after {seconds:.0f} s")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def read(self, topic: str) -> list[ConsumerRecord]:
        """Every record that a topic holds now."""
        # By the reset policy and not by seek_to_beginning(), which loses a race against that very policy.
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_MAX_FETCH_BYTES,
        )
        await consumer.start()
        try:
            partitions = self._partitions(topic)
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            records: list[ConsumerRecord] = []
            while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
            return records
        finally:
            await consumer.stop()

    def _partitions(self, topic: str) -> list[TopicPartition]:
        name = self._settings.topic(topic)
        return [TopicPartition(name, number) for number in range(self._settings.topic_partitions)]


async def _close(clients: list[Any]) -> None:
    for client in clients:
        if isinstance(client, AIOKafkaAdminClient):
            await client.close()
        else:
            await client.stop()
