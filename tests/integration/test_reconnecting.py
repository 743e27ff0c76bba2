"""A client whose connections are taken and closed at once tries again, and not without a pause."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from time import monotonic

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import BrokerMetadata

from streams.kafka import reconnecting
from streams.settings import Settings


@pytest.fixture
def patient() -> Iterator[None]:
    before = AIOKafkaClient._metadata_update
    reconnecting.install()
    yield
    AIOKafkaClient._metadata_update = before


@pytest.mark.usefixtures("patient")
async def test_attempts_grow_apart_and_begin_anew_once_one_succeeds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: asyncio.Queue[float] = asyncio.Queue()

    async def close_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.put_nowait(monotonic())
        writer.close()

    async def seconds_of(count: int) -> list[float]:
        async with asyncio.timeout(30):
            at = [await attempts.get() for _ in range(count)]
        return [later - earlier for earlier, later in pairwise(at)]

    async def ask_without_a_pause() -> None:
        while True:
            await client.force_metadata_update()

    client = AIOKafkaClient(bootstrap_servers=settings.kafka_bootstrap)
    await client.bootstrap()
    balancer = await asyncio.start_server(close_at_once, "127.0.0.1", 0)
    host, port = balancer.sockets[0].getsockname()
    asking = None
    try:
        for _ in range(2):
            with monkeypatch.context() as context:
                context.setattr(client.cluster, "broker_metadata", lambda node: BrokerMetadata(node, host, port, None))
                for connection in client._conns.values():
                    connection.close()
                asking = asyncio.create_task(ask_without_a_pause())
                pauses = await seconds_of(6)
                assert sum(pauses) > 2 * reconnecting.LONGEST_SECONDS, pauses  # 0.1 + 0.2 + 0.4 + 0.8 + 1
                assert pauses[0] < reconnecting.LONGEST_SECONDS, pauses
                asking.cancel()
            while not await client.force_metadata_update():
                pass
            answered_at = monotonic()
            for _ in range(5):
                assert await client.force_metadata_update()
            assert monotonic() - answered_at > 4 * reconnecting.ANSWERED_SECONDS
            while not attempts.empty():
                attempts.get_nowait()
    finally:
        if asking is not None:
            asking.cancel()
        await client.close()
        balancer.close()
        await balancer.wait_closed()
