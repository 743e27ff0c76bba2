"""A stop ends in time: clients of Kafka wait for as long as their brokers are away, and whoever stops them does not."""

import asyncio
import logging
from collections.abc import Awaitable

log = logging.getLogger(__name__)

KAFKA_SECONDS = 2.0
"""Each last word to Kafka gets so long: a commit, a flush, the farewell to the group."""

BEYOND_DRAIN_SECONDS = 7.5
"""All of a stop may take so much longer than its drain; the loop takes two seconds more to close.

Three last words are 6 s. Whoever ends workers (`terminationGracePeriodSeconds`) must wait longer than all of it.
"""


async def ends_within(seconds: float, ending: Awaitable[object], consequence: str) -> bool:
    """Wait so long for it to end; in vain, it is cancelled, the log says what that means, and this returns False.

    Unlike under `asyncio.timeout`, what does not heed its cancellation holds up nobody.
    """
    task = asyncio.ensure_future(ending)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if done:
            task.result()
            return True
        log.warning("not ended after %.1f s: %s", seconds, consequence)
        return False
    finally:
        task.cancel()


def unfinished() -> str:
    """What still runs in this loop, for the log."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    # Faust wraps what a service runs.
    running = {getattr(task, "__wrapped__", task.get_coro()) for task in tasks}
    return ", ".join(sorted({getattr(coroutine, "__qualname__", "?") for coroutine in running}))
