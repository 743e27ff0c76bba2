"""SIGKILL: at random moments, and at every named point on a batch's way."""

import asyncio
import signal
from itertools import cycle, islice
from pathlib import Path
from random import Random

from streams.crash_points import POINTS
from tests.chaos.faults import Form
from tests.chaos.lane import Lane, new_lane
from tests.chaos.servers import Servers
from tests.chaos.table import Result

_MESSAGES_A_LIFE = 300
_LONGEST_LIFE_SECONDS = 1.5
_MOST_PASSES = 3
_SMALL = {"COCKPIT_POLL_RECORDS": "60", "COCKPIT_TRANSACTION_RECORDS": "80", "COCKPIT_COMMIT_INTERVAL_SECONDS": "0.3"}
"""Many transactions and commits in a short life."""


async def at_random_moments(servers: Servers, directory: Path, form: Form) -> Result:
    """SIGKILL some time after the worker has begun to store."""
    return await _killed("SIGKILL at random moments", [""] * (form.kills * 2 // 5), servers, directory, form)


async def at_crash_points(servers: Servers, directory: Path, form: Form) -> Result:
    """The worker kills itself at each point in turn."""
    kills = form.kills - form.kills * 2 // 5
    return await _killed("SIGKILL at each crash point", list(islice(cycle(POINTS), kills)), servers, directory, form)


async def _killed(name: str, deaths: list[str], servers: Servers, directory: Path, form: Form) -> Result:
    result = Result(name)
    shares = [deaths[number :: form.lanes] for number in range(form.lanes)]
    await asyncio.gather(
        *[_lane(result, share, servers, directory, form, n) for n, share in enumerate(shares) if share]
    )
    points = {point: deaths.count(point) for point in POINTS if point in deaths}
    result.seen = ", ".join(f"{count} {point}" for point, count in points.items()) or f"{len(deaths)} deaths"
    return result


async def _lane(result: Result, deaths: list[str], servers: Servers, directory: Path, form: Form, number: int) -> None:
    seed = form.seed + number
    async with new_lane(servers.addresses, directory, seed) as lane, lane.watching() as watched:
        random = Random(seed)
        for point in deaths:
            await lane.send(_MESSAGES_A_LIFE)
            if point:
                await _die_at(lane, f"{point}:{random.randrange(_MOST_PASSES + 1)}")
            else:
                await _die_at_random(lane, random)
        await lane.ready_worker()
        await lane.drained(ages_outbox=form.impatient)
        result.add(await lane.account(), watched, lane.sent, runs=len(deaths))


async def _die_at(lane: Lane, wish: str) -> None:
    worker = lane.worker(COCKPIT_CRASH_POINT=wish, **_SMALL)
    code = await asyncio.to_thread(worker.process.wait, 60)
    assert code == -signal.SIGKILL, f"the worker was to die at {wish}, and ended with {code}:\n{lane.last_words()}"


async def _die_at_random(lane: Lane, random: Random) -> None:
    worker = lane.worker(**_SMALL)
    if random.random() < 0.8:  # else while it starts
        await lane.stored(1)
        await asyncio.sleep(random.random() * _LONGEST_LIFE_SECONDS / 3)
    else:
        await asyncio.sleep(random.random() * _LONGEST_LIFE_SECONDS)
    assert worker.process.poll() is None, f"the worker ended by itself:\n{lane.last_words()}"
    worker.kill()
