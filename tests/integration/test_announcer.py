"""The announcer against a real broker that does not take everything."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.kafka.announcer import Announcer
from streams.kafka.outgoing import Outgoing
from streams.settings import Settings
from tests.e2e.worker import read_all

LETTERS, OUTPUT = "clock-sync.v1.dlq", "violations.v1"


@pytest.fixture
async def announcer(settings: Settings) -> AsyncIterator[Announcer]:
    """One whose topics take no batch over 100,000 bytes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    limit = {"max.message.bytes": "100000"}
    await admin.create_topics([NewTopic(settings.topic(name), 2, 1, topic_configs=limit) for name in (LETTERS, OUTPUT)])
    await admin.close()
    announcer = Announcer(settings)
    await announcer.start()
    yield announcer
    await announcer.stop()


def letter(settings: Settings, value: bytes) -> Outgoing:
    return Outgoing(settings.topic(LETTERS), b"k", value, (("dlq.reason", b"too_large"),), source_partition=1)


async def test_a_letter_that_its_topic_refuses_becomes_a_stub_and_holds_up_nothing(
    settings: Settings, announcer: Announcer
) -> None:
    large = Random(1).randbytes(300_000)
    await announcer.send_all([letter(settings, value) for value in (b"before", large, b"after")])
    await announcer.send_all([letter(settings, value) for value in (large, b"last")])
    records = await read_all(settings, LETTERS)
    assert sorted(record.value for record in records) == [b"", b"", b"after", b"before", b"last"]
    stubs = [dict(record.headers) for record in records if record.value == b""]
    assert [headers["dlq.value_bytes"] for headers in stubs] == [b"300000"] * 2
    assert announcer.reachable


async def test_announcements_that_are_too_large_are_left_out_and_the_others_sent(
    settings: Settings, announcer: Announcer
) -> None:
    random = Random(2)
    values = [random.randbytes(size) for size in (60_000, 60_000, 150_000, 10)]  # together too large for a batch
    await announcer.send_all([Outgoing(settings.topic(OUTPUT), b"k", value) for value in values])
    records = await read_all(settings, OUTPUT)
    assert [record.value for record in records] == [values[0], values[1], values[3]]


async def test_two_tasks_may_meet_a_refusal_at_once(settings: Settings, announcer: Announcer) -> None:
    large = Random(3).randbytes(300_000)

    async def send(number: int) -> None:
        for turn in range(5):
            await announcer.send_all([letter(settings, b"%d-%d" % (number, turn)), letter(settings, large)])

    await asyncio.gather(*(send(number) for number in range(3)))
    values = {record.value for record in await read_all(settings, LETTERS)}
    assert values == {b"", *(b"%d-%d" % (number, turn) for number in range(3) for turn in range(5))}
