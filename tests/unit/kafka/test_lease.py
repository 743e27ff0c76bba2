"""The lease on partitions: held while heartbeats are answered, in doubt when they are not, lost with the generation."""

import asyncio

from streams.kafka import lease as module
from streams.kafka.lease import Lease

SESSION_SECONDS = 6.0


class Coordinator:
    """Of aiokafka the part that the lease knows."""

    def __init__(self) -> None:
        self.generation = 7
        self.answers = True

    async def _do_heartbeat(self) -> bool:
        return self.answers


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_heartbeat_that_is_answered_renews_the_lease(monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    lease, coordinator = Lease(SESSION_SECONDS), Coordinator()
    lease.begins(coordinator)
    clock.now += 5
    assert not lease.doubtful
    assert await coordinator._do_heartbeat()
    clock.now += 5
    assert not lease.doubtful
    coordinator.answers = False
    assert not await coordinator._do_heartbeat()
    clock.now += 2
    assert lease.doubtful


async def test_a_worker_that_was_frozen_waits_for_the_next_heartbeat_and_goes_by_its_answer(monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    lease, coordinator = Lease(SESSION_SECONDS), Coordinator()
    lease.begins(coordinator)
    clock.now += 60
    waiting = asyncio.create_task(lease.holds())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await coordinator._do_heartbeat()
    assert await waiting is True

    clock.now += 60
    waiting = asyncio.create_task(lease.holds())
    await asyncio.sleep(0)
    coordinator.generation = -1  # "unknown member id"
    assert await waiting is False
    assert lease.lost


async def test_a_new_assignment_is_a_new_lease_and_the_heartbeat_is_listened_to_once() -> None:
    lease, coordinator = Lease(SESSION_SECONDS), Coordinator()
    lease.begins(coordinator)
    listened = coordinator._do_heartbeat
    coordinator.generation = 8
    assert lease.lost
    lease.begins(coordinator)
    assert not lease.lost
    assert coordinator._do_heartbeat is listened


async def test_nothing_is_doubted_before_the_first_assignment() -> None:
    lease = Lease(SESSION_SECONDS)
    assert await lease.holds()
    assert not lease.doubtful
