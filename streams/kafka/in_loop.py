"""Faust's Kafka consumer in the event loop of the agents, not in a thread of its own.

The thread is there so that heartbeats go on while an agent computes. It costs a hand-over of the interpreter's lock
for every fetch, in both directions, which was half of a worker's time at 500 records a second. Our agents give the
loop its turn every few milliseconds (see `judging.py`), so that heartbeats go on without it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from faust.transport.drivers import aiokafka as driver
from mode.utils.futures import maybe_async

from streams.stopping import KAFKA_SECONDS, ends_within


class InLoop:
    """Stands where Faust puts a thread (`ServiceThread.Worker`): serves in the loop that is there."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Serve until the service is stopped."""
        self._serving = self._service.thread_loop.create_task(self._service._serve())

    def stop(self) -> None:
        """Nothing is left to stop: whoever stops the service has waited for its shutdown event."""

    def abandon(self) -> None:
        """Serve no more, whatever is still waited for."""
        if self._serving is not None:
            self._serving.cancel()


class InLoopConsumer(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The consumer "thread" that shares the loop of its parent."""

    def __init__(self, consumer: Any, *, loop: asyncio.AbstractEventLoop, **kwargs: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, Worker=InLoop, **kwargs)

    async def stop(self) -> None:
        """As Faust's, which waits for brokers: for the group's coordinator, or still for the first connection."""
        left = "the group was not left, kafka does not answer: it misses this worker after its session timeout"
        if not await ends_within(KAFKA_SECONDS, super().stop(), left) and self._thread is not None:
            self._thread.abandon()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call at once: there is no thread to hand the call to."""
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """Nothing: the other tasks of this loop are not the consumer's, and must not be cancelled."""
