"""Files judged by processes beside the worker: the same plans, however many; and what happens when one ends."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from streams.settings import Settings
from streams.store.database import Database
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, all_committed, eventually, send_all


def captures(random: Random) -> list[events.Message]:
    """Forty hosts, each with a file whose times then go back, and a path that breaks a rule."""
    messages = []
    for minute, back_ns in ((0, 0), (1, 10**9)):
        for number in range(40):
            host, at = f"host-{number}", f"2026-11-20T10:{minute:02}:00Z"
            event = events.capture(random, host, ["/srv/a", "/srv/with space "], at, inode=5, device=1)
            for file in event["files"]:
                file |= dict.fromkeys(("mtime_ns", "ctime_ns"), events.BASE_NS - back_ns)
            messages.append(events.message("filesystem-timestamps.v1", host, event))
    return messages


async def consumed(settings: Settings, worker: WorkerProcess) -> None:
    await eventually(lambda: all_committed(settings, events.TOPICS), 60, f"all is consumed:\n{worker.text()[-2000:]}")


async def violations(database: Database) -> list[tuple[Any, ...]]:
    found = await database.fetch_all(
        "SELECT s.code, v.subject, v.event_id FROM metadata_violations AS v JOIN metadata_standards AS s"
        " ON s.id = v.standard_id ORDER BY 1, 2, 3"
    )
    return [tuple(row.values()) for row in found]


def judging_processes(worker: WorkerProcess) -> list[int]:
    pid = worker.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("processes", [0, 1, 3])
async def test_the_verdict_does_not_depend_on_how_many_judge(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess], processes: int
) -> None:
    worker = new_worker(COCKPIT_JUDGE_PROCESSES=str(processes))
    await worker.ready()
    assert len(judging_processes(worker)) == processes
    await send_all(deployed, captures(Random(3)))
    await consumed(deployed, worker)
    found = await violations(database)
    assert len([code for code, *_ in found if code == "TS-CTIME-REGRESSED"]) == 80
    assert len({subject for _, subject, _ in found}) == 80
    lookups = await worker.metric("cockpit_standards_lookup_seconds_count")
    assert lookups == {"": 80}
    assert await worker.terminate() == 0


async def test_a_worker_ends_with_its_judging_process_and_loses_nothing(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    worker = new_worker()
    await worker.ready()
    (child,) = judging_processes(worker)
    os.kill(child, signal.SIGTERM)  # it is not the one to be told
    await send_all(deployed, captures(Random(4)))
    os.kill(child, signal.SIGKILL)
    assert worker.process.wait(60) == 1
    assert "a judging process ended with exit code -9" in worker.text()
    again = new_worker()
    await again.ready()
    await consumed(deployed, again)
    (stored,) = await database.fetch_all("SELECT COUNT(*) AS n FROM filesystem_timestamps")
    assert stored["n"] == 160


async def test_a_judging_process_ends_with_its_worker(
    deployed: Settings, new_worker: Callable[..., WorkerProcess]
) -> None:
    worker = new_worker()
    await worker.ready()
    (child,) = judging_processes(worker)
    worker.kill()

    async def gone() -> bool:
        return not runs(child)

    await eventually(gone, 10, "the judging process has ended")
