"""Whether the group still counts this worker in: what it may write and commit depends on that.

A worker that was frozen (SIGSTOP, a paused machine, a hung host) wakes with batches in hand whose partitions have
long been given to somebody else, and learns of it only with its next heartbeat. So a batch is stored only while a
heartbeat was answered within the session timeout; after that the answer to the next one decides.
"""

import asyncio
from time import monotonic
from typing import Any

_LOOK_AGAIN_SECONDS = 0.05


class Lease:
    """The membership that the coordinator confirmed last."""

    def __init__(self, session_seconds: float) -> None:
        self._session_seconds = session_seconds
        self._coordinator: Any = None
        self._generation = -1
        self._confirmed_at = monotonic()

    def begins(self, coordinator: Any) -> None:
        """Partitions were assigned: from now on the heartbeats of aiokafka's coordinator are listened to."""
        if coordinator is not self._coordinator:
            self._coordinator, beat = coordinator, coordinator._do_heartbeat

            async def listened() -> bool:
                sent_at = monotonic()
                answered = bool(await beat())
                if answered:
                    self._confirmed_at = sent_at
                return answered

            coordinator._do_heartbeat = listened
        self._generation = coordinator.generation
        self._confirmed_at = monotonic()

    @property
    def lost(self) -> bool:
        """The coordinator does not know us any more: our partitions are somebody else's."""
        return self._coordinator is not None and self._coordinator.generation != self._generation

    @property
    def doubtful(self) -> bool:
        """No heartbeat was answered for so long that our partitions may have been given away."""
        return self._coordinator is not None and monotonic() - self._confirmed_at > self._session_seconds

    async def holds(self) -> bool:
        """Whether what we hold is ours; in doubt this waits for the next heartbeat's answer."""
        while self.doubtful and not self.lost:  # noqa: ASYNC110  # heartbeats are timed by aiokafka, and rare
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return not self.lost
