"""A histogram that takes the values of a whole batch at once."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class BatchHistogram(Collector):
    """The same exposition as `prometheus_client.Histogram`, without a lock and a method call for every value.

    There is a value for each record, and a stock histogram takes 4 µs of the 60 that a record may cost. To be
    observed from one thread; a scrape in another sees a batch wholly or in part, as it would there.
    """

    def __init__(self, name: str, documentation: str, *, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._documentation = documentation
        self._edges = tuple(buckets)
        self._counts = [0] * (len(self._edges) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._edges, value)] += 1
        self._sum += value

    def observe_all(self, values: Iterable[float]) -> None:
        """Count every value into its bucket."""
        edges, counts = self._edges, self._counts
        total = 0.0
        for value in values:
            counts[bisect_left(edges, value)] += 1
            total += value
        self._sum += total

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The cumulative buckets, as Prometheus wants them."""
        cumulative, buckets = 0, []
        for edge, count in zip((*self._edges, float("inf")), self._counts, strict=True):
            cumulative += count
            buckets.append((floatToGoString(edge), cumulative))  # type: ignore[no-untyped-call]
        yield HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=self._sum)
