"""What a worker uses while it runs: memory, file descriptors, connections, and how far it is behind."""

import urllib.request
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import monotonic
from typing import Any

from benchmarks.contestants import Running
from benchmarks.memory import resident_mb
from benchmarks.stack import BenchStack, wait_until

Sample = dict[str, float]
_READY_SECONDS = 90.0
SERIES = ("rss_mb", "descriptors", "threads", "connections", "lag", "files")


def wait_until_ready(process: Running, port: int) -> float:
    """Wait for /readyz on the worker's COCKPIT_METRICS_PORT; how old the process was then, in seconds."""

    def age() -> float | bool:
        process.require_alive()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return round(process.age_seconds, 1)
        except OSError:
            return False

    return float(wait_until(age, _READY_SECONDS, "the worker is ready", every_seconds=0.05))


class VitalSigns:
    """Samples a worker in a thread of its own until it is stopped."""

    def __init__(self, stack: BenchStack, process: Running, topic: str, files_per_event: int, every_seconds: float):
        self.samples: list[Sample] = []
        self.error: str | None = None
        self._stack, self._process, self._topic = stack, process, topic
        self._files_per_event = files_per_event
        self._every_seconds = every_seconds
        self._began = monotonic()
        self._over = Event()
        self._thread = Thread(target=self._watch, name="vital-signs", daemon=True)

    def __enter__(self) -> "VitalSigns":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._every_seconds):
            try:
                self.samples.append(self.take())
            except Exception as error:  # noqa: BLE001  # told by whoever waits; a thread must not end in silence
                self.error = f"{type(error).__name__}: {error}"
                return

    def take(self) -> Sample:
        """One look, now."""
        pid = self._process.pid
        ends = self._stack.end_offsets(self._topic)
        committed = self._stack.committed(self._process.group, self._topic)
        return {
            "seconds": round(monotonic() - self._began, 1),
            "rss_mb": resident_mb(pid),
            "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
            "connections": self._connections(),
            "lag": sum(ends) - sum(committed),
            "files": sum(committed) * self._files_per_event,
        }

    def _connections(self) -> int:
        """Those of the database but this one; the observer of the latency has one as well."""
        with self._stack.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            )
            return int(cursor.fetchone()[0])


def middle_and_end(samples: list[Sample], name: str) -> tuple[float, float]:
    """The median of the second fifth of the time and of the last: what comes before has not warmed up."""
    values = [sample[name] for sample in samples]
    fifth = max(1, len(values) // 5)
    return median(values[fifth : 2 * fifth] or values), median(values[-fifth:])


def growth_percent(samples: list[Sample], name: str) -> float:
    """From the second fifth of the time to the last."""
    middle, end = middle_and_end(samples, name)
    return round((end / middle - 1) * 100, 1) if middle else 0.0


def summary(samples: list[Sample]) -> dict[str, Any]:
    """Least, most and growth of each series."""
    return {
        name: {
            "least": min(sample[name] for sample in samples),
            "most": max(sample[name] for sample in samples),
            "growth_percent": growth_percent(samples, name),
        }
        for name in SERIES
    }
