"""An eye on a lane at work: how long nothing was stored, how soon it went on, how large the workers grew."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tests.e2e.worker import WorkerProcess

_GLANCE_SECONDS = 0.1


@dataclass
class Watched:
    """What was seen while the lane was at work."""

    longest_pause_seconds: float = 0.0
    """The longest time in which nothing was stored although something waited."""
    back_after_seconds: float | None = None
    """From the fault's end to the next row; of several faults the longest."""
    peak_bytes: int = 0
    """Resident memory of the largest worker."""
    rows: int = 0
    _returned_at: float | None = None

    def fault_ends(self) -> None:
        self._returned_at = monotonic()

    def progressed(self, now: float) -> None:
        if self._returned_at is not None:
            self.back_after_seconds = max(self.back_after_seconds or 0.0, now - self._returned_at)
            self._returned_at = None


async def watch(
    watched: Watched,
    rows_or_none: Callable[[], int | None],
    expected: Callable[[], int],
    workers: Sequence[WorkerProcess],
) -> None:
    """Look ten times a second, until cancelled; None for rows says that the database does not answer."""
    since = monotonic()
    while True:
        rows = await asyncio.to_thread(rows_or_none)
        now = monotonic()
        if rows is not None and rows != watched.rows:
            watched.rows = rows
            watched.progressed(now)
            since = now
        elif rows is not None and rows >= expected():
            since = now  # nothing waits
        watched.longest_pause_seconds = max(watched.longest_pause_seconds, now - since)
        for worker in workers:
            watched.peak_bytes = max(watched.peak_bytes, _resident_bytes(worker))
        await asyncio.sleep(_GLANCE_SECONDS)


def _resident_bytes(worker: WorkerProcess) -> int:
    if worker.process.poll() is not None:
        return 0
    try:
        pages = Path(f"/proc/{worker.process.pid}/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * 4096
