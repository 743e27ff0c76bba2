"""Waiting for a database that is away."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from streams.errors import RetriableError

Result = TypeVar("Result")


async def until_it_answers(operation: Callable[[], Awaitable[Result]]) -> Result:
    """The operation's result, however long the database is away; every other error is raised."""
    async for attempt in stamina.retry_context(
        on=RetriableError, attempts=None, timeout=None, wait_initial=0.1, wait_max=5.0, wait_jitter=0.5
    ):
        with attempt:
            return await operation()
    raise AssertionError("the retry loop has no end")
