"""The manifests' worker and job with their own users, over TLS: a Kafka that lets nobody do what no rule allows.

What each user may do beyond that, which is nothing: tests/security/test_kafka_access.py.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from secrets import token_hex
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka.access import OPERATOR, PRODUCER, SCALER, SETUP, WORKER
from streams.kafka.security import client_options
from streams.local.server import free_port
from streams.settings import Settings, load_settings
from streams.standards.catalog import seed_standards
from streams.store import components
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.registry import insert_missing
from tests.e2e.events import message, submission
from tests.k8s.conftest import built
from tests.k8s.overlay import Overlay
from tests.k8s.pod_process import answer, started
from tests.monitoring.programs import wait_until
from tests.security.servers import SecuredKafka

_PARTITIONS = range(2)


@pytest.fixture
def prod() -> Overlay:
    return built("prod")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[None]:
    async with Database(load_settings(database_url=database_url)) as database:
        await migrate(database)
        await insert_missing(database, seed_standards())
        await components.insert_missing(database)
        yield


def _as(kafka: SecuredKafka, user: str) -> dict[str, Any]:
    """What any client needs to be that user."""
    return client_options(
        load_settings(
            kafka_bootstrap=kafka.address("named"),
            kafka_security="SASL_SSL",
            kafka_sasl_username=user,
            kafka_sasl_password=kafka.passwords[user],
            kafka_tls_ca=kafka.certificates.ca,
        )
    )


async def _send(kafka: SecuredKafka, user: str, topic: str, key: bytes, value: bytes) -> None:
    producer = AIOKafkaProducer(**_as(kafka, user), acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=key)
    finally:
        await producer.stop()


async def _sent_with(kafka: SecuredKafka, topic: str, key: bytes) -> bytes | None:
    """The value of the first record with this key, as a person sees it."""
    consumer = AIOKafkaConsumer(**_as(kafka, OPERATOR), auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in _PARTITIONS])
        async with asyncio.timeout(60):
            async for record in consumer:
                if record.key == key:
                    value: bytes | None = record.value
                    return value
    finally:
        await consumer.stop()
    raise AssertionError("the stream of records ended")


async def _lag(kafka: SecuredKafka, topic: str) -> int:
    """How many records of a topic the group has not done, as KEDA's user sees it."""
    client = AIOKafkaAdminClient(**_as(kafka, SCALER))
    consumer = AIOKafkaConsumer(**_as(kafka, SCALER), enable_auto_commit=False)
    await client.start()
    await consumer.start()
    try:
        offsets = await client.list_consumer_group_offsets("cockpit-streams")
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in _PARTITIONS])
        return sum(end - max(0, offsets[tp].offset if tp in offsets else 0) for tp, end in ends.items())
    finally:
        await consumer.stop()
        await client.close()


def _environment(kafka: SecuredKafka) -> dict[str, str]:
    return {"COCKPIT_KAFKA_BOOTSTRAP": kafka.address("named"), "COCKPIT_KAFKA_SECURITY": "SASL_SSL"}


async def test_the_worker_needs_no_more_than_it_may(
    prod: Overlay, secured_kafka: SecuredKafka, database: None, database_url: str, tmp_path: Path
) -> None:
    """A submission is answered, a record that nobody can read is dead-lettered, and both are committed."""
    port, worker = free_port(), prod.container("worker")
    environment = _environment(secured_kafka) | {"COCKPIT_METRICS_PORT": str(port)}
    topic, unique = Settings().topic("submissions.v1"), token_hex(4)
    ca, password = secured_kafka.certificates.ca.read_text(), secured_kafka.passwords[WORKER]
    with started(prod, worker, tmp_path, database_url, password, ca, **environment) as process:
        ready = lambda: answer(port, worker["readinessProbe"]) == 200  # noqa: E731
        await asyncio.to_thread(wait_until, ready, 60, f"readiness: {tmp_path / 'log'}")
        _, key, value = message("submissions.v1", f"good-{unique}", submission(Random(), f"good-{unique}"))
        assert key
        assert value
        await _send(secured_kafka, PRODUCER, topic, key, value)
        await _send(secured_kafka, PRODUCER, topic, f"bad-{unique}".encode(), b"not json")
        assert await _sent_with(secured_kafka, Settings().topic("verdicts.v1"), key)
        assert await _sent_with(secured_kafka, f"{topic}.dlq", f"bad-{unique}".encode()) == b"not json"
        async with asyncio.timeout(60):
            while await _lag(secured_kafka, topic):
                assert process.poll() is None
        process.terminate()
        assert await asyncio.to_thread(process.wait, 60) == 0
    assert "uthorizationFailed" not in (tmp_path / "log").read_text()


async def test_the_job_sees_the_topics(
    prod: Overlay, secured_kafka: SecuredKafka, database_url: str, tmp_path: Path
) -> None:
    ca, password = secured_kafka.certificates.ca.read_text(), secured_kafka.passwords[SETUP]
    job, environment = prod.container("topics"), _environment(secured_kafka)
    with started(prod, job, tmp_path, database_url, password, ca, **environment) as process:
        assert await asyncio.to_thread(process.wait, 60) == 0, (tmp_path / "log").read_text()
