"""Silence, told by real workers: once, whoever of them lives, and over a kill."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from streams.settings import Settings
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, all_committed, eventually, read_all, send_all

IMPATIENT = {"COCKPIT_CLOCK_SILENCE_SECONDS": "2", "COCKPIT_CLOCK_TIMER_SECONDS": "0.2"}
COMPONENTS = [f"clock-{number}" for number in range(6)]


async def stale(settings: Settings) -> Counter[tuple[str, str]]:
    """How many alerts about silence are in each (component, state); what a crash sent twice has the same id."""
    found: list[dict[str, Any]] = [json.loads(r.value) for r in await read_all(settings, "drift-alerts.v1")]
    alerts = {(a["component_name"], a["state"], a["alert_id"]) for a in found if a["kind"] == "stale"}
    return Counter((component, state) for component, state, _ in alerts)


async def test_components_that_go_silent_are_told_once_by_two_workers_and_after_a_kill(
    deployed: Settings, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(7)

    async def speak(components: list[str]) -> None:
        at = datetime.now(UTC).isoformat()
        await send_all(
            deployed,
            [events.message("clock-sync.v1", name, events.reading(random, name, 100, at)) for name in components],
        )

    async def told(state: str, names: list[str]) -> bool:
        found = await stale(deployed)
        return all(found[name, state] for name in names)

    workers = [new_worker(**IMPATIENT) for _ in range(2)]
    await asyncio.gather(*(worker.ready() for worker in workers))
    await speak(COMPONENTS)
    await eventually(lambda: told("firing", COMPONENTS), 60, "every silence is told")
    workers[0].kill()
    await speak(COMPONENTS[:3])
    await eventually(lambda: told("resolved", COMPONENTS[:3]), 60, "three of them are heard again")

    async def again() -> bool:
        found = await stale(deployed)
        return all(found[name, "firing"] == 2 for name in COMPONENTS[:3])

    await eventually(again, 60, "and are silent again")
    await eventually(lambda: all_committed(deployed, ("clock-sync.v1",)), 60, "all is consumed")
    third = new_worker(**IMPATIENT)
    await third.ready()
    workers[1].kill()
    await speak(COMPONENTS[3:])
    await eventually(lambda: told("resolved", COMPONENTS[3:]), 60, "the others are heard again")
    found = await stale(deployed)
    assert {name: found[name, "firing"] for name in COMPONENTS[:3]} == dict.fromkeys(COMPONENTS[:3], 2)
    assert {name: found[name, "resolved"] for name in COMPONENTS} == dict.fromkeys(COMPONENTS, 1)
    assert await third.terminate() == 0
