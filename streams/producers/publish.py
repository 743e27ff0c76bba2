"""Sends events to Kafka and returns when every one of them is acknowledged."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from schemas.event import Event
from streams.errors import RetriableError, UserError
from streams.kafka.security import client_log_silenced, client_options
from streams.kafka.topics import list_topics
from streams.settings import Settings

FILES, CLOCKS, SUBMISSIONS = "filesystem-timestamps.v1", "clock-sync.v1", "submissions.v1"

_REQUEST_OVERHEAD_BYTES = 65_536


async def publish(settings: Settings, topic_name: str, events: Iterable[tuple[str, Event]]) -> int:
    """Send (key, event) pairs to a topic (named without prefix) and return how many were acknowledged.

    Raises:
        UserError: Kafka is unreachable, the topic is missing, or an event is too large for a worker.
    """
    topic = settings.topic(topic_name)
    with client_log_silenced(), kafka_errors_told(topic):
        await partitions_of(settings, topic_name)
        producer = AIOKafkaProducer(
            **client_options(settings),
            acks="all",
            enable_idempotence=True,
            compression_type="gzip",  # paths and field names repeat
            max_request_size=max(1_048_576, settings.max_record_bytes + _REQUEST_OVERHEAD_BYTES),
        )
        try:
            await producer.start()
            return await _send_all(producer, topic, iter(events), settings.max_record_bytes)
        finally:
            await producer.stop()


async def _send_all(producer: AIOKafkaProducer, topic: str, events: Iterator[tuple[str, Event]], max_bytes: int) -> int:
    count = 0
    waiting: deque[asyncio.Future[Any]] = deque()
    # In a thread: what makes the events may walk a disk for minutes, and the client must go on meanwhile.
    while (pair := await asyncio.to_thread(next, events, None)) is not None:
        key, event = pair
        value = event.model_dump_json(exclude_none=True).encode()
        if len(value) > max_bytes:
            raise UserError(
                f"topic {topic}: the event of {key!r} has {len(value)} bytes, and workers refuse more than"
                f" {max_bytes}: split it, or raise COCKPIT_MAX_RECORD_BYTES"
            )
        waiting.append(await producer.send(topic, value, key.encode()))
        count += 1
        while waiting and waiting[0].done():  # the first refusal ends it all, not the last event
            waiting.popleft().result()
    await asyncio.gather(*waiting)
    return count


async def partitions_of(settings: Settings, topic_name: str) -> int:
    """The number of partitions of one of our topics; raises UserError when it, or Kafka, is not there."""
    # Asking a producer would make brokers create the topic, with settings that nobody chose.
    topic = settings.topic(topic_name)
    try:
        states = await list_topics(settings)
    except RetriableError as error:
        text = " ".join(str(error).split())
        raise UserError(f"{text}: run `cockpit up`, or set the address of your brokers") from None
    partitions = next(state.partitions for state in states if state.name == topic)
    if not partitions:
        raise UserError(f"topic {topic}: does not exist, or this user may not see it: run `cockpit topics create`")
    return partitions


@contextmanager
def kafka_errors_told(topic: str) -> Iterator[None]:
    """Turn the client's errors into one line for a person."""
    try:
        yield
    except MessageSizeTooLargeError:
        raise UserError(f"topic {topic}: an event is larger than its max.message.bytes: split it") from None
    except KafkaError as error:
        text = " ".join(str(error).split())
        raise UserError(f"topic {topic}: Kafka does not take the events or answer: {text}") from None
