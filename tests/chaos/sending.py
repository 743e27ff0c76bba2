"""A producer that keeps the order of a key over retries, and tries for as long as an outage lasts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.settings import Settings
from tests.e2e.events import Message


@asynccontextmanager
async def patient_producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
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


async def send(settings: Settings, producer: AIOKafkaProducer, messages: list[Message]) -> None:
    futures = []
    for topic, key, value in messages:
        futures.append(await producer.send(settings.topic(topic), value, key))
    await asyncio.gather(*futures)
