"""The manifests' worker and job with their own users, over TLS: a Kafka that lets nobody do what no rule allows.

What each user may do beyond that, which is nothing: tests/security/test_kafka_access.py.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from secrets import token_hex
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka.access import OPERATOR, PRODUCER, SCALER, SETUP, WORKER
from streams.kafka.security import client_options
from streams.kafka.topics import INPUTS
from streams.local.server import free_port
from streams.settings import Settings, load_settings
from streams.standards.catalog import seed_standards
from streams.store import components
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.registry import insert_missing
from tests.e2e.events import capture, reading, submission
from tests.k8s.conftest import built
from tests.k8s.overlay import Overlay
from tests.k8s.pod_process import answer, environment_of, started
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


async def _send(
    kafka: SecuredKafka, user: str, *records: tuple[str, bytes, bytes], headers: Sequence[tuple[str, bytes]] = ()
) -> None:
    producer = AIOKafkaProducer(**_as(kafka, user), acks="all")
    await producer.start()
    try:
        for topic, key, value in records:
            await producer.send_and_wait(topic, value, key=key, headers=headers)
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


def _records(unique: str) -> dict[str, tuple[bytes, bytes]]:
    """For each input a key and an event that makes every output of it: a violation, an alert, a verdict."""
    random, now = Random(1), datetime.now(UTC).isoformat()
    host, component, submission_id = f"h-{unique}", f"gateway-{unique}", f"s-{unique}"
    return {
        "filesystem-timestamps.v1": (
            host.encode(),
            json.dumps(capture(random, host, ["/srv/tmp~"], now)).encode(),
        ),
        "clock-sync.v1": (component.encode(), json.dumps(reading(random, component, 25_000, now)).encode()),
        "submissions.v1": (
            submission_id.encode(),
            json.dumps(submission(random, submission_id, status="Whatever")).encode(),
        ),
    }


async def test_the_worker_needs_no_more_than_it_may(
    prod: Overlay, secured_kafka: SecuredKafka, database: None, database_url: str, tmp_path: Path
) -> None:
    """Every input is read, every output and every dead-letter topic written, the offsets committed, nothing refused."""
    port, worker, unique = free_port(), prod.container("worker"), token_hex(4)
    environment = _environment(secured_kafka) | {"COCKPIT_METRICS_PORT": str(port)}
    topics = [Settings().topic(name) for name in INPUTS]
    ca, password = secured_kafka.certificates.ca.read_text(), secured_kafka.passwords[WORKER]
    refused = {user: len(secured_kafka.denied(user)) for user in (WORKER, SCALER)}
    junk_key = f"junk-{unique}".encode()
    with started(prod, worker, tmp_path, database_url, kafka_password=password, kafka_ca=ca, **environment) as process:
        ready = lambda: answer(port, worker["readinessProbe"]) == 200  # noqa: E731
        await asyncio.to_thread(wait_until, ready, 60, f"readiness: {tmp_path / 'log'}")
        junk = [(topic, junk_key, b"not json") for topic in topics]
        good = [(Settings().topic(name), *record) for name, record in _records(unique).items()]
        await _send(secured_kafka, PRODUCER, *good, *junk)
        outputs = {
            "violations.v1": f"h-{unique}:/srv/tmp~",
            "drift-alerts.v1": f"gateway-{unique}",
            "verdicts.v1": f"s-{unique}",
        }
        async with asyncio.TaskGroup() as group:
            letters = [group.create_task(_sent_with(secured_kafka, f"{topic}.dlq", junk_key)) for topic in topics]
            for name, key in outputs.items():
                group.create_task(_sent_with(secured_kafka, Settings().topic(name), key.encode()))
        assert {letter.result() for letter in letters} == {b"not json"}
        async with asyncio.timeout(60):
            while any([await _lag(secured_kafka, topic) for topic in topics]):
                assert process.poll() is None
        process.terminate()
        assert await asyncio.to_thread(process.wait, 60) == 0
    assert {user: len(secured_kafka.denied(user)) for user in refused} == refused


async def test_a_person_uses_the_operators_password_in_a_workers_pod(
    prod: Overlay, secured_kafka: SecuredKafka, database_url: str, tmp_path: Path
) -> None:
    """The way of docs/operations.md: the password comes in at standard input, and is left nowhere."""
    topic, key = Settings().topic("clock-sync.v1"), f"replayed-{token_hex(4)}".encode()
    origin = {"__dlq.errors.topic": topic, "__dlq.errors.partition": "0", "dlq.reason": "invalid_json"}
    headers = [(name, text.encode()) for name, text in origin.items()]
    await _send(secured_kafka, WORKER, (f"{topic}.dlq", key, b"sent back"), headers=headers)
    as_worker = environment_of(
        prod, prod.container("worker"), tmp_path, database_url,
        secured_kafka.passwords[WORKER], secured_kafka.certificates.ca.read_text(), **_environment(secured_kafka),
    )  # fmt: skip
    as_operator = as_worker | {
        "COCKPIT_KAFKA_SASL_USERNAME": OPERATOR,
        "COCKPIT_KAFKA_SASL_PASSWORD_FILE": "/dev/stdin",
    }

    async def cockpit(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "streams", *arguments]
        return await asyncio.to_thread(
            lambda: subprocess.run(
                command, env=environment, input=secured_kafka.passwords[OPERATOR],
                capture_output=True, text=True, timeout=60, check=False,
            )
        )  # fmt: skip

    denied = {user: len(secured_kafka.denied(user)) for user in (WORKER, OPERATOR)}
    refused, replayed = await asyncio.gather(
        cockpit(as_worker, "dlq", "list"), cockpit(as_operator, "dlq", "replay", "clock-sync.v1")
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1
    assert len(secured_kafka.denied(WORKER)) > denied[WORKER]
    assert replayed.returncode == 0, replayed.stderr
    assert len(secured_kafka.denied(OPERATOR)) == denied[OPERATOR]
    assert await _sent_with(secured_kafka, topic, key) == b"sent back"


async def test_the_job_sees_the_topics(
    prod: Overlay, secured_kafka: SecuredKafka, database_url: str, tmp_path: Path
) -> None:
    ca, password = secured_kafka.certificates.ca.read_text(), secured_kafka.passwords[SETUP]
    job, environment = prod.container("topics"), _environment(secured_kafka)
    with started(prod, job, tmp_path, database_url, kafka_password=password, kafka_ca=ca, **environment) as process:
        assert await asyncio.to_thread(process.wait, 60) == 0, (tmp_path / "log").read_text()
