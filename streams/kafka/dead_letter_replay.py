"""Sending dead letters back to where they came from.

Not by the worker's announcer: that one waits for brokers as long as it takes and puts a stub in place of a
record that is too large, which is right for a dead-letter topic and wrong for an input.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from time import time
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.errors import RetriableError, UserError
from streams.kafka.announcer import MAX_REQUEST_BYTES
from streams.kafka.dead_letter_box import REPLAYS, Letter
from streams.kafka.dead_letters import OWN_HEADERS
from streams.kafka.refusal import why_unreachable
from streams.kafka.security import client_options
from streams.kafka.topics import INPUTS
from streams.settings import Settings

MOST_REPLAYS = 5
_ANSWER_SECONDS = 30.0
_STOP_SECONDS = 5.0


def refusal(letter: Letter, settings: Settings, *, force: bool = False) -> str | None:
    """Why this letter must not go back, as one line; None where it may."""
    if letter.source_topic not in {settings.topic(name) for name in INPUTS}:
        return f"{letter.at}: says it came from {letter.source_topic!a}, which is no input topic of ours"
    if letter.is_stub:
        return f"{letter.at}: is a stub: the record was too large to be kept or read; send it again from its producer"
    if letter.replays >= MOST_REPLAYS and not force:
        return f"{letter.at}: was replayed {letter.replays} times already; --force replays it once more"
    return None


def headers_back(letter: Letter) -> list[tuple[str, bytes | None]]:
    """The record's own headers, and the count of its replays."""
    kept = [(name, value) for name, value in letter.headers if name not in (*OWN_HEADERS, REPLAYS)]
    return [*kept, (REPLAYS, str(letter.replays + 1).encode())]


class Replayer:
    """Sends letters to their source topics, byte for byte, each to the partition it was read from."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, letters: Sequence[Letter]) -> list[str]:
        """Send letters that `refusal` lets pass; returns, one line each, why some were not taken.

        Raises:
            UserError: the brokers refuse us or the topic.
            RetriableError: no acknowledgement came in time; what was taken is a duplicate when it is sent again.
        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                futures = [await self._hand_over(letter) for letter in letters]
                results = await asyncio.gather(*futures, return_exceptions=True)
        except TimeoutError:
            raise RetriableError(
                f"topic {letters[0].source_topic}: no acknowledgement within {_ANSWER_SECONDS:g} s: see whether the"
                " brokers run, and replay again"
            ) from None
        refused = []
        for letter, result in zip(letters, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError):
                refused.append(f"{letter.at}: is larger than the max.message.bytes of {letter.source_topic}")
            elif isinstance(result, KafkaError):
                text = " ".join(str(result).split())
                raise UserError(f"topic {letter.source_topic}: takes no records: {text}")
            elif isinstance(result, BaseException):
                raise result
        return refused

    async def _hand_over(self, letter: Letter) -> "asyncio.Future[Any]":
        topic, headers = letter.source_topic, headers_back(letter)
        partition = None
        if letter.source_partition is not None:
            partition = letter.source_partition % max(1, len(await self._producer.partitions_for(topic)))
        sent: asyncio.Future[Any]
        if letter.key is None and letter.value is None:
            # The producer's send() refuses a record without key and value; a batch of one takes it.
            batch = self._producer.create_batch()
            batch.append(key=None, value=None, timestamp=int(time() * 1000), headers=headers)
            sent = await self._producer.send_batch(batch, topic, partition=partition or 0)
        else:
            sent = await self._producer.send(topic, letter.value, letter.key, partition=partition, headers=headers)
        return sent


@asynccontextmanager
async def replayer(settings: Settings) -> AsyncIterator[Replayer]:
    """A connected Replayer; raises RetriableError when no broker answers."""
    producer = AIOKafkaProducer(
        **client_options(settings),
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",
        max_request_size=MAX_REQUEST_BYTES,
        request_timeout_ms=20_000,
    )
    try:
        await _start(producer, settings)
        yield Replayer(producer)
    finally:
        # stop() flushes first, and waits for brokers that are silent as long as they are.
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await producer.stop()


async def _start(producer: AIOKafkaProducer, settings: Settings) -> None:
    try:
        await producer.start()
    except KafkaError as error:
        raise await why_unreachable(settings, error) from None
