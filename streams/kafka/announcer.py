"""Sends what was decided to Kafka and waits for every acknowledgement, however long the brokers are away."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import time
from typing import Any
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streams.kafka.dead_letters import stub_of
from streams.kafka.outgoing import Outgoing
from streams.kafka.security import client_options
from streams.settings import Settings
from streams.stopping import KAFKA_SECONDS, ends_within

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 64 * 1024 * 1024
"""Checked before compression; the broker's limit holds after it. A verdict over 1,000 documents has 4 MB."""

_PARCEL_BYTES = 500_000
"""Half of what a topic takes in one batch if nobody configures it, before compression."""
_OVERHEAD_BYTES = 30
"""What the format adds to a message and to a header, at the most."""

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0

_PERMANENT = (TopicAuthorizationFailedError, UnknownTopicOrPartitionError)


class Announcer:
    """A producer with acks=all and idempotence; order is kept per key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: _Producer | None = None
        self._beginning = asyncio.Lock()
        self.reachable = True
        """Whether the last send reached the brokers; for /readyz."""

    async def start(self) -> None:
        """Connect; raises KafkaError when no broker answers."""
        producer = AIOKafkaProducer(
            **client_options(self._settings),
            acks="all",
            enable_idempotence=True,
            compression_type="snappy",
            max_batch_size=2 * _PARCEL_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=20_000,
        )
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            raise
        self._producer = _Producer(producer)

    async def stop(self) -> None:
        """Flush and disconnect."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await _end(producer.client)

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        """Return when every message is acknowledged; messages already acknowledged are not sent again."""
        parcels = [list(messages)]
        pause_seconds = _FIRST_PAUSE_SECONDS
        while parcels := await self._attempt(parcels):
            self.reachable = False
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        self.reachable = True

    async def _attempt(self, parcels: Iterable[Sequence[Outgoing]]) -> list[list[Outgoing]]:
        """Send; returns, in parcels of one partition each, what no broker took and what is worth another attempt."""
        try:
            producer = await self._running()
        except KafkaError as error:
            return _to_try_again(parcels, error)
        producer.users += 1
        try:
            return await self._attempt_with(producer, parcels)
        finally:
            producer.users -= 1
            if producer.refused and not producer.users:
                await _end(producer.client)

    async def _attempt_with(self, producer: "_Producer", parcels: Iterable[Sequence[Outgoing]]) -> list[list[Outgoing]]:
        client = producer.client
        try:
            addressed = [of_one for parcel in parcels for of_one in await _addressed(client, parcel)]
        except KafkaError as error:
            return _to_try_again(parcels, error)
        sent = [(parcel, await _send(client, parcel, topic, partition)) for topic, partition, parcel in addressed]
        results = await asyncio.gather(*[future for _, future in sent], return_exceptions=True)
        again: list[list[Outgoing]] = []
        for (parcel, _), result in zip(sent, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError):
                again += _smaller(parcel)
            elif isinstance(result, OutOfOrderSequenceNumber):
                again.append(parcel)
            elif isinstance(result, _PERMANENT) or (isinstance(result, KafkaError) and not _retriable(result)):
                raise result
            elif isinstance(result, KafkaError):
                log.warning("kafka does not take messages for %s: %s", parcel[0].topic, result)
                again.append(parcel)
            elif isinstance(result, BaseException):
                raise result
        if any(isinstance(result, MessageSizeTooLargeError | OutOfOrderSequenceNumber) for result in results):
            producer.refused = True
            if self._producer is producer:
                self._producer = None  # the next attempt begins a new one
        return again

    async def _running(self) -> "_Producer":
        async with self._beginning:
            if self._producer is None:
                await self.start()
        assert self._producer is not None
        return self._producer


@dataclass(eq=False, slots=True)
class _Producer:
    """A client, how many attempts use it now, and whether a broker refused a batch of it.

    What a broker refuses has used up a sequence number all the same, so that to the broker everything behind it for
    that partition is out of order, for as long as this producer lives.
    """

    client: AIOKafkaProducer
    users: int = 0
    refused: bool = False


async def _end(client: AIOKafkaProducer) -> None:
    left = "kafka does not answer: what it did not acknowledge will be sent again"
    await ends_within(KAFKA_SECONDS, client.stop(), left)


def _to_try_again(parcels: Iterable[Sequence[Outgoing]], error: KafkaError) -> list[list[Outgoing]]:
    if isinstance(error, _PERMANENT) or not _retriable(error):
        raise error
    log.warning("kafka does not say where its partitions are: %s", error)
    return [list(parcel) for parcel in parcels]


async def _addressed(producer: AIOKafkaProducer, messages: Sequence[Outgoing]) -> list[tuple[str, int, list[Outgoing]]]:
    """The messages by topic and partition, each list no larger than a batch may be."""
    counts = {topic: len(await producer.partitions_for(topic)) for topic in {m.topic for m in messages}}
    lists: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
    for message in messages:
        lists[message.topic, _partition(message, counts[message.topic])].append(message)
    return [
        (topic, partition, parcel)
        for (topic, partition), of_one in lists.items()
        for parcel in _parcels(of_one, _PARCEL_BYTES)
    ]


async def _send(
    producer: AIOKafkaProducer, parcel: Sequence[Outgoing], topic: str, partition: int
) -> "asyncio.Future[Any]":
    """One batch for one partition: a future for all of it, where the producer's `send` makes one a message."""
    batch = producer.create_batch()
    now_ms = int(time() * 1000)
    for message in parcel:
        added = batch.append(key=message.key, value=message.value, timestamp=now_ms, headers=list(message.headers))
        assert added is not None, "a parcel is smaller than a batch"
    sent: asyncio.Future[Any]
    try:
        sent = await producer.send_batch(batch, topic, partition=partition)
    except KafkaError as error:
        sent = asyncio.get_running_loop().create_future()
        sent.set_exception(error)
    return sent


def _partition(message: Outgoing, count: int) -> int:
    """Where a message goes: by key, with the hash of librdkafka; a dead letter to the partition of its source."""
    if message.source_partition is not None:
        return message.source_partition % count
    return crc32(message.key or b"") % count


def _parcels(messages: Iterable[Outgoing], most_bytes: int) -> Iterator[list[Outgoing]]:
    parcel: list[Outgoing] = []
    size = 0
    for message in messages:
        message_bytes = _size(message)
        if parcel and size + message_bytes > most_bytes:
            yield parcel
            parcel, size = [], 0
        parcel.append(message)
        size += message_bytes
    yield parcel


def _size(message: Outgoing) -> int:
    headers = sum([len(name.encode()) + len(value or b"") + _OVERHEAD_BYTES for name, value in message.headers])
    return len(message.key or b"") + len(message.value or b"") + headers + _OVERHEAD_BYTES


def _smaller(parcel: list[Outgoing]) -> list[list[Outgoing]]:
    """What to send in place of a parcel that is too large for its topic."""
    if len(parcel) > 1:
        return [[message] for message in parcel]
    (message,) = parcel
    if message.source_partition is not None:
        return [[stub_of(message)]]
    # What was decided is in the database; waiting would not make the message smaller.
    log.error("%s takes no message of %d bytes: not announced", message.topic, len(message.value or b""))
    return []


def _retriable(error: KafkaError) -> bool:
    return bool(getattr(error, "retriable", False)) or "Timeout" in type(error).__name__
