"""Workers come, go, and freeze."""

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from tests.chaos.cluster import committed, has_members
from tests.chaos.faults import Form
from tests.chaos.faults.under_load import PER_SECOND
from tests.chaos.lane import Lane, new_lane
from tests.chaos.mysql_proxy import Delay, MySqlProxy, writes
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.e2e.worker import WorkerProcess, eventually

_STORM_SECONDS = 2.0
_HEARTBEATS_SECONDS = 5.0


async def rolling_restart(servers: Servers, directory: Path, form: Form) -> Result:
    """SIGTERM to one of two workers after the other, each replaced, under load."""
    result = Result("rolling restart of two workers by SIGTERM")
    async with new_lane(servers.addresses, directory, form.seed) as lane, lane.watching() as watched:
        workers = [await lane.ready_worker(), await lane.ready_worker()]
        codes = []
        async with lane.load(PER_SECOND):
            for _ in range(2 * form.rounds):
                await lane.stored(PER_SECOND // 2)
                codes.append(await workers.pop(0).terminate())
                workers.append(await lane.ready_worker())
        await lane.drained()
        result.add(await lane.account(), watched, lane.sent, 2 * form.rounds)
        codes += [await worker.terminate() for worker in workers]
    result.seen = f"{len(codes)} stops, exit codes {sorted(set(codes))}"
    if any(codes):
        result.complaints.append(f"exit codes {codes}")
    return result


async def rebalance_storm(servers: Servers, directory: Path, form: Form) -> Result:
    """Beside one worker that stays, another joins or leaves every 2 s."""
    result = Result("rebalance storm, a worker joins or leaves every 2 s")
    async with new_lane(servers.addresses, directory, form.seed) as lane, lane.watching() as watched:
        steady = await lane.ready_worker()
        guests: list[WorkerProcess] = []
        codes = []
        async with lane.load(PER_SECOND):
            for step in range(4 * form.rounds):
                if step % 4 < 2:
                    guests.append(lane.worker())
                else:
                    guests[0].process.send_signal(signal.SIGTERM)
                    codes.append(await asyncio.to_thread(guests.pop(0).process.wait, 60))
                await asyncio.sleep(_STORM_SECONDS)
            lane.watched.fault_ends()
        await lane.drained(150)
        result.add(await lane.account(), watched, lane.sent, 4 * form.rounds)
        codes.append(await steady.terminate())
    result.seen = f"{4 * form.rounds} rebalances at least, exit codes {sorted(set(codes))}"
    if any(codes):
        result.complaints.append(f"exit codes {codes}")
    return result


async def zombie(servers: Servers, directory: Path, form: Form) -> Result:
    """A worker full of batches is frozen beyond its session; another does its work; then it wakes."""
    result = Result("worker frozen beyond its session, then awake")
    late = 0
    async with (
        new_lane(servers.addresses, directory, form.seed) as lane,
        lane.watching() as watched,
        MySqlProxy(servers.mariadb.port) as own_proxy,
    ):
        url = urlsplit(lane.settings.database_url.get_secret_value())
        netloc = url.netloc.rpartition(":")[0] + f":{own_proxy.port}"
        settings = lane.settings.model_copy(update={"database_url": SecretStr(url._replace(netloc=netloc).geturl())})
        frozen = await lane.ready_worker(settings, COCKPIT_POLL_RECORDS="50", COCKPIT_TRANSACTION_RECORDS="50")
        own_proxy.rule = lambda text: Delay(0.2) if writes(text) else None  # so that it has its hands full
        other: WorkerProcess | None = None
        for _ in range(form.rounds):
            late += await _freeze_and_wake(lane, frozen, own_proxy, other)
            other = lane.workers[-1]
        result.add(await lane.account(), watched, lane.sent, form.rounds)
        own_proxy.rule = None
        codes = [await worker.terminate() for worker in (frozen, other) if worker]
        assert codes == [0, 0], codes
    result.seen = f"{late} transactions sent and offsets moved back after waking"
    if late:
        result.complaints.append(result.seen)
    return result


async def _freeze_and_wake(lane: Lane, frozen: WorkerProcess, proxy: MySqlProxy, other: WorkerProcess | None) -> int:
    """Returns how many transactions it sent, and how many offsets it moved back, after it woke."""
    await lane.send(3 * PER_SECOND)
    await lane.stored(PER_SECOND // 4)
    os.kill(frozen.process.pid, signal.SIGSTOP)
    try:
        if other is None:
            await lane.ready_worker()
        await lane.drained()
        await eventually(lambda: has_members(lane.straight, 1), 60, "the frozen worker is a member no more")
        texts, offsets = proxy.written, await committed(lane.straight)
    finally:
        os.kill(frozen.process.pid, signal.SIGCONT)
    await eventually(lambda: has_members(lane.straight, 2), 60, "the worker that woke joins again")
    await asyncio.sleep(_HEARTBEATS_SECONDS)  # what it still holds it would have written by now
    after = await committed(lane.straight)
    moved_back = sum(after[partition] < offset for partition, offset in offsets.items())
    return proxy.written - texts + moved_back
