"""The frame of every fault but the kills: a worker at work, a fault, and what must hold afterwards."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.chaos.faults import Form
from tests.chaos.lane import Addresses, Lane, new_lane
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.e2e.worker import WorkerProcess, eventually

PER_SECOND = 200
RECOVERY_SECONDS = 10.0
MOST_BYTES = 400_000_000
"""A worker holds a fetch, a queue, a transaction and 100,000 paths, and never what piles up in Kafka."""

Breaks = Callable[[Lane, WorkerProcess], Awaitable[str]]
"""Does it under load and undoes it; returns how one sees that it happened. It tells the lane when it is over."""


async def under_load(
    name: str,
    servers: Servers,
    directory: Path,
    form: Form,
    breaks: Breaks,
    *,
    runs: int = 1,
    addresses: Addresses | None = None,
    **environment: str,
) -> Result:
    """One worker, one lane; the worker must live through it and stop by itself at the end."""
    result = Result(name)
    async with new_lane(addresses or servers.addresses, directory, form.seed) as lane, lane.watching() as watched:
        worker = await lane.ready_worker(**environment)
        async with lane.load(PER_SECOND):
            await lane.stored(PER_SECOND)
            result.seen = await breaks(lane, worker)
            await lane.stored(PER_SECOND)
        await lane.drained()
        result.add(await lane.account(), watched, lane.sent, runs)
        if worker.process.poll() is not None:
            result.complaints.append(f"the worker ended with {worker.process.returncode}: {worker.text()[-2000:]}")
        elif (code := await worker.terminate()) != 0:
            result.complaints.append(f"SIGTERM ended the worker with {code}")
    if (watched.back_after_seconds or 0.0) > RECOVERY_SECONDS:
        result.complaints.append(f"back only {watched.back_after_seconds:.1f} s after the fault's end")
    if watched.peak_bytes > MOST_BYTES:
        result.complaints.append(f"the worker grew to {watched.peak_bytes / 1e6:.0f} MB")
    return result


async def retries(worker: WorkerProcess) -> int:
    """How often the worker has tried a statement again."""
    return int(sum((await worker.metric("cockpit_store_retries_total")).values()))


async def tried_again(worker: WorkerProcess, before: int, seconds: float = 30) -> None:
    """Wait until the worker has met the fault."""

    async def more() -> bool:
        return await retries(worker) > before

    await eventually(more, seconds, f"the worker meets the fault\n{worker.text()[-2000:]}")
