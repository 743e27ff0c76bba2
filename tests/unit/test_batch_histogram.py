"""The histogram for batches, held against the library's own."""

import random

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from streams.observability import metrics
from streams.observability.batch_histogram import BatchHistogram

EDGES = (0.005, 0.01, 0.05, 1)
assert metrics.REGISTRY  # whose module turns off the `_created` series


@pytest.mark.parametrize(
    "values", [[], [0.0], list(EDGES), [-1.0, 7.0, 1e9], [random.Random(3).randrange(4096) / 1024 for _ in range(500)]]
)
def test_its_exposition_is_that_of_the_stock_histogram(values: list[float]) -> None:
    ours, stock = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    batch = BatchHistogram("cockpit_seconds", "Time.", buckets=EDGES, registry=ours)
    single = Histogram("cockpit_seconds", "Time.", buckets=EDGES, registry=stock)
    for value in values[:2]:
        batch.observe(value)
    batch.observe_all(values[2:])
    for value in values:
        single.observe(value)
    assert generate_latest(ours) == generate_latest(stock)


def test_two_of_one_name_are_refused() -> None:
    registry = CollectorRegistry(auto_describe=True)
    BatchHistogram("cockpit_seconds", "Time.", buckets=EDGES, registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        BatchHistogram("cockpit_seconds", "Time.", buckets=EDGES, registry=registry)
