"""SIGTERM to workers whose servers are away: none may wait for them for ever, and nothing may be lost by that."""

import asyncio
import signal
import subprocess
from pathlib import Path
from time import monotonic

from streams.local.server import Server
from tests.chaos.faults import Form
from tests.chaos.faults.under_load import PER_SECOND
from tests.chaos.lane import Lane, new_lane
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.e2e.worker import WorkerProcess, eventually

_DRAIN_SECONDS = 5
_STOP_SECONDS = 60
"""Who has not ended by then waits for ever."""
_WAITS = '"event": "waiting"'


async def during_an_outage(servers: Servers, directory: Path, form: Form) -> Result:
    """The database, then Kafka, then both are away, for a worker at work and for one that starts."""
    result = Result("SIGTERM while a server is away")
    ends = []
    outages: tuple[tuple[Server, ...], ...] = (
        (servers.mariadb,),
        (servers.kafka,),
        (servers.mariadb, servers.kafka),
    )
    for away in outages:
        async with new_lane(servers.addresses, directory, form.seed) as lane, lane.watching() as watched:
            worker = await lane.ready_worker(COCKPIT_DRAIN_SECONDS=str(_DRAIN_SECONDS))
            async with lane.load(PER_SECOND):
                await lane.stored(PER_SECOND)
                for server in away:
                    await asyncio.to_thread(server.kill)
                starting = await waiting_worker(lane)
                codes, seconds = await stopped(worker, starting)
                name = " and ".join(server.name for server in away)
                ends.append(f"{name}: exit codes {codes} after {seconds:.0f} s")
                if any(codes):
                    result.complaints.append(f"{ends[-1]}: {worker.text()[-2000:]}")
                for server in away:
                    await asyncio.to_thread(server.start)
                lane.watched.fault_ends()
                worker = await lane.ready_worker()
            await lane.drained()
            result.add(await lane.account(), watched, lane.sent)
            assert await worker.terminate() == 0
    result.seen = f"{', '.join(ends)}; the drain takes {_DRAIN_SECONDS} s"
    return result


async def waiting_worker(lane: Lane) -> WorkerProcess:
    """One that starts and finds a server away."""
    worker = lane.worker()

    async def waits() -> bool:
        return _WAITS in worker.text()

    await eventually(waits, 30, f"a worker that starts waits for what is away\n{worker.text()[-2000:]}")
    return worker


async def stopped(*workers: WorkerProcess) -> tuple[list[int], float]:
    """SIGTERM to all of them: their exit codes, and when the last has ended."""
    began = monotonic()
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)
    return [await asyncio.to_thread(_end, worker) for worker in workers], monotonic() - began


def _end(worker: WorkerProcess) -> int:
    try:
        return worker.process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        return -signal.SIGKILL
