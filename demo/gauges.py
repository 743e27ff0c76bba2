"""The worker's own metrics, as Prometheus would read them."""

import asyncio
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from time import monotonic
from urllib.error import HTTPError, URLError

from prometheus_client.parser import text_string_to_metric_families

from streams.errors import UserError

_TIMEOUT_SECONDS = 5
_LOOK_AGAIN_SECONDS = 0.05
_COUNT_SECONDS = 10.0


class Snapshot:
    """All samples at one moment."""

    def __init__(self, text: str) -> None:
        self._samples: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples[sample.name].append((sample.labels, sample.value))

    def labelled(self, name: str, *labels: str) -> dict[tuple[str, ...], int]:
        """A counter's values by these labels."""
        return {tuple(found[label] for label in labels): int(value) for found, value in self._samples[name]}

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels."""
        return sum(value for found, value in self._samples[name] if labels.items() <= found.items())

    def buckets(self, name: str, **labels: str) -> dict[float, float]:
        """A histogram's cumulative counts by upper edge, in the metric's unit."""
        samples = self._samples[f"{name}_bucket"]
        return {float(found["le"]): value for found, value in samples if labels.items() <= found.items()}


def p99_edge(name: str, before: Snapshot, after: Snapshot, **labels: str) -> float:
    """The upper edge of the bucket that holds the p99 of what was observed in between; 0 without observations."""
    earlier = before.buckets(name, **labels)
    counts = {edge: value - earlier.get(edge, 0) for edge, value in sorted(after.buckets(name, **labels).items())}
    total = max(counts.values(), default=0)
    return next((edge for edge, count in counts.items() if total and count >= 0.99 * total), 0.0)


async def snapshot(port: int) -> Snapshot:
    """Read /metrics."""
    status, text = await _get(port, "/metrics")
    if status != 200:
        raise UserError(f"worker: /metrics on port {port} answers with status {status}")
    return Snapshot(text)


async def accounted(port: int, records: int) -> Snapshot:
    """/metrics when it has counted so many records, or after 10 seconds: a worker may serve them a moment old."""
    deadline = monotonic() + _COUNT_SECONDS
    while True:
        seen = await snapshot(port)
        if seen.total("cockpit_records_total") >= records or monotonic() > deadline:
            return seen
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def wait_until_ready(port: int, seconds: float, alive: Callable[[], None]) -> None:
    """Return when /readyz says so; past the deadline a UserError says why not. `alive` raises when it is vain."""
    deadline = monotonic() + seconds
    while True:
        alive()
        status, text = await _get(port, "/readyz")
        if status == 200:
            return
        if monotonic() > deadline:
            raise UserError(f"worker: not ready after {seconds:.0f} s: {text.strip() or 'no answer'}")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _get(port: int, path: str) -> tuple[int, str]:
    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_TIMEOUT_SECONDS) as answer:
                return int(answer.status), answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (URLError, TimeoutError, ConnectionError) as error:
            return 0, str(error)

    return await asyncio.to_thread(fetch)
