"""Sends what was decided to Kafka and waits for every acknowledgement, however long the brokers are away."""

import asyncio
import logging
from collections.abc import Sequence
from time import time
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streams.kafka.dead_letters import stub_of
from streams.kafka.outgoing import Outgoing
from streams.kafka.security import client_options
from streams.settings import Settings

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 64 * 1024 * 1024
"""Checked before compression; the broker's limit holds after it. A verdict over 1,000 documents has 4 MB."""

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0

_PERMANENT = (TopicAuthorizationFailedError, UnknownTopicOrPartitionError)


class Announcer:
    """A producer with acks=all and idempotence; order is kept per key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self.reachable = True
        """Whether the last send reached the brokers; for /readyz."""

    async def start(self) -> None:
        """Connect; raises KafkaError when no broker answers."""
        self._producer = AIOKafkaProducer(
            **client_options(self._settings),
            acks="all",
            enable_idempotence=True,
            compression_type="gzip",
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=20_000,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Flush and disconnect."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        """Return when every message is acknowledged; messages already acknowledged are not sent again."""
        waiting = list(messages)
        pause_seconds = _FIRST_PAUSE_SECONDS
        while waiting := await self._attempt(waiting):
            self.reachable = False
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        self.reachable = True

    async def _attempt(self, messages: Sequence[Outgoing]) -> list[Outgoing]:
        """Send; returns those that a broker did not take and that are worth another attempt."""
        futures = []
        for message in messages:
            futures.append(await self._send(message))
        results = await asyncio.gather(*futures, return_exceptions=True)
        again = []
        for message, result in zip(messages, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError) and message.source_partition is not None:
                again.append(stub_of(message))
            elif isinstance(result, MessageSizeTooLargeError):
                # What was decided is in the database; waiting would not make the message smaller.
                log.error("%s takes no message of %d bytes: not announced", message.topic, len(message.value or b""))
            elif isinstance(result, _PERMANENT) or (isinstance(result, KafkaError) and not _retriable(result)):
                raise result
            elif isinstance(result, KafkaError):
                log.warning("kafka does not take messages for %s: %s", message.topic, result)
                again.append(message)
            elif isinstance(result, BaseException):
                raise result
        return again

    async def _send(self, message: Outgoing) -> "asyncio.Future[Any]":
        assert self._producer is not None
        try:
            return await self._hand_over(self._producer, message)
        except KafkaError as error:
            failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    async def _hand_over(self, producer: AIOKafkaProducer, message: Outgoing) -> "asyncio.Future[Any]":
        partition = await self._partition(message)
        headers = list(message.headers)
        sent: asyncio.Future[Any]
        if message.key is None and message.value is None:
            # The producer's send() refuses a record without key and value; a batch of one takes it.
            batch = producer.create_batch()
            batch.append(key=None, value=None, timestamp=int(time() * 1000), headers=headers)
            sent = await producer.send_batch(batch, message.topic, partition=partition or 0)
        else:
            sent = await producer.send(message.topic, message.value, message.key, partition=partition, headers=headers)
        return sent

    async def _partition(self, message: Outgoing) -> int | None:
        if message.source_partition is None:
            return None
        assert self._producer is not None
        partitions = await self._producer.partitions_for(message.topic)
        return message.source_partition % max(1, len(partitions))


def _retriable(error: KafkaError) -> bool:
    return bool(getattr(error, "retriable", False)) or "Timeout" in type(error).__name__
