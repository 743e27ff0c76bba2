"""Kafka goes away and comes back, its network is bad, its topics and offsets are not what they were."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from tests.chaos.cluster import add_partitions, commit_beyond, delete_all_records
from tests.chaos.faults import Form
from tests.chaos.faults.under_load import PER_SECOND, under_load
from tests.chaos.lane import Lane, new_lane
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.e2e.worker import WorkerProcess, eventually

_BAD_SECONDS = 5.0
_DELAY_SECONDS = 0.5
_BYTES_PER_SECOND = 30_000
_MORE_PARTITIONS = 8
_FOUND_WITHIN_SECONDS = 30


async def away(servers: Servers, directory: Path, form: Form) -> Result:
    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        await asyncio.to_thread(servers.kafka.kill)
        gone_at = monotonic()
        await asyncio.sleep(form.away_seconds - (monotonic() - gone_at))
        ready, _ = await worker.get("/readyz")
        alive, _ = await worker.get("/livez")
        assert alive == 200, "/livez fails although a restart would not help"
        await asyncio.to_thread(servers.kafka.start)
        lane.watched.fault_ends()
        await lane.stored()
        return f"/readyz {ready}, /livez {alive}"

    return await under_load(f"all of Kafka away for {form.away_seconds:.0f} s", servers, directory, form, breaks)


async def cut(servers: Servers, directory: Path, form: Form) -> Result:
    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        connections = 0
        for _ in range(2 * form.rounds):
            connections += servers.kafka_proxy.cut() // 2
            lane.watched.fault_ends()
            await lane.stored()
            await asyncio.sleep(1)
        return f"{connections} connections reset"

    return await under_load("connection to Kafka cut", servers, directory, form, breaks, runs=2 * form.rounds)


async def silent(servers: Servers, directory: Path, form: Form) -> Result:
    def silence() -> None:
        servers.kafka_proxy.silent = True

    return await _bad_network(
        "network to Kafka passes nothing, longer than a session", silence, 12, servers, directory, form
    )


async def delayed(servers: Servers, directory: Path, form: Form) -> Result:
    def delay() -> None:
        servers.kafka_proxy.delay_seconds = _DELAY_SECONDS

    return await _bad_network(
        "network to Kafka delayed by 500 ms", delay, _BAD_SECONDS * form.rounds, servers, directory, form
    )


async def throttled(servers: Servers, directory: Path, form: Form) -> Result:
    def throttle() -> None:
        servers.kafka_proxy.bytes_per_second = _BYTES_PER_SECOND

    name = f"network to Kafka throttled to {_BYTES_PER_SECOND // 1000} kB/s"
    return await _bad_network(name, throttle, _BAD_SECONDS * form.rounds, servers, directory, form)


async def _bad_network(
    name: str, spoil: Callable[[], None], seconds: float, servers: Servers, directory: Path, form: Form
) -> Result:
    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        before = await lane.rows()
        spoil()
        await asyncio.sleep(seconds)
        meanwhile = await lane.rows() - before
        servers.kafka_proxy.mend()
        lane.watched.fault_ends()
        await lane.stored()
        return f"for {seconds:.0f} s, {meanwhile} rows meanwhile"

    return await under_load(name, servers, directory, form, breaks)


async def new_partitions(servers: Servers, directory: Path, form: Form) -> Result:
    """Of a topic that is being read; what comes in them must be found without a restart."""
    result = Result("topics get new partitions", runs=0)
    async with new_lane(servers.addresses, directory, form.seed) as lane, lane.watching() as watched:
        worker = await lane.ready_worker()
        async with lane.load(PER_SECOND):
            await lane.stored(PER_SECOND)
        await add_partitions(lane.straight, _MORE_PARTITIONS)
        began = monotonic()
        async with lane.load(PER_SECOND):  # a new producer knows of them at once

            async def found() -> bool:
                query = "SELECT 1 FROM filesystem_timestamps WHERE source_partition >= 4 LIMIT 1"
                return bool(await asyncio.to_thread(lane.fetch, query))

            await eventually(found, 330, "the worker reads the new partitions")
            seconds = monotonic() - began
        await lane.drained()
        result.seen = f"4 to {_MORE_PARTITIONS} partitions, read after {seconds:.0f} s"
        result.add(await lane.account(), watched, lane.sent)
        if seconds > _FOUND_WITHIN_SECONDS:
            result.complaints.append(f"new partitions are read only after {seconds:.0f} s")
        assert await worker.terminate() == 0
    return result


async def offsets_out_of_range(servers: Servers, directory: Path, form: Form) -> Result:
    """Committed offsets before the first record there is, and after the last."""
    result = Result("offsets out of range")
    async with new_lane(servers.addresses, directory, form.seed) as lane, lane.watching() as watched:
        worker = await lane.ready_worker()
        await lane.send(PER_SECOND)
        await lane.drained()
        assert await worker.terminate() == 0
        await lane.send_uncounted(PER_SECOND)
        deleted = await delete_all_records(lane.straight)
        await lane.send(PER_SECOND)
        worker = await lane.ready_worker()
        await lane.drained()
        assert await worker.terminate() == 0
        await lane.send(PER_SECOND)
        await commit_beyond(lane.straight, 1_000_000)
        worker = await lane.ready_worker()

        async def all_stored() -> bool:  # by their offsets they would seem so from the beginning
            return await lane.rows() >= lane.oracle.rows

        await eventually(all_stored, 60, f"what there is, is stored\n{lane.last_words()}")
        await lane.drained()
        result.seen = f"committed 1,000,000 past the end, {deleted} records deleted before and after it"
        result.add(await lane.account(), watched, lane.sent)
        assert await worker.terminate() == 0
    return result
