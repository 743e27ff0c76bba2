"""The gauges that alerts read: what they say after a restart, a refusal, and a partition that moved."""

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import pytest

from streams.observability import metrics
from streams.observability.clock_gauges import ClockGauges
from streams.observability.health import Health
from streams.probes import Probes
from streams.settings import Settings
from streams.standards.cache import StandardsCache
from streams.store.database import Database

Partition = namedtuple("Partition", ("topic", "partition"))
TOPIC = "governance.clock-sync.v1"
INSERT = (
    "INSERT INTO metadata_standards (id, code, applies_to, category, field, pattern, match_mode, status)"
    " VALUES (UUID(), 'FS-BAD-001', 'filesystem', 'path_hygiene', 'file_path', '(?=x)', 'must_not_match', 'active')"
)


@pytest.fixture
def gauges() -> Iterator[ClockGauges]:
    made = ClockGauges()
    yield made
    for gauge in (metrics.CLOCK_OFFSET, metrics.CLOCK_STATE, metrics.CLOCK_READ_AT):
        gauge.clear()


def sample(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(name, labels)


def offset(component: str) -> float | None:
    return sample("cockpit_clock_offset_seconds", component=component, protocol="NTP")


def test_the_newest_reading_of_a_clock_is_told_whoever_tells_it_last(gauges: ClockGauges) -> None:
    gauges.tell("api", "NTP", read_at=100, offset_seconds=0.025, state=1)
    gauges.tell("api", "NTP", read_at=99, offset_seconds=0.001, state=0)  # what the table said before the commit
    assert offset("api") == 0.025
    assert sample("cockpit_clock_state", component="api", protocol="NTP") == 1
    gauges.tell("api", "NTP", read_at=101, offset_seconds=0.001, state=0)
    assert offset("api") == 0.001
    assert sample("cockpit_clock_read_timestamp_seconds", component="api", protocol="NTP") == 101


def test_a_producer_cannot_fill_prometheus(gauges: ClockGauges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "COMPONENT_LABEL_LIMIT", 2)
    for number in range(5):
        gauges.tell(f"c-{number}", "NTP", read_at=100 + number, offset_seconds=number, state=0)
    assert (offset("c-0"), offset("c-1"), offset("c-2"), offset("other")) == (0, 1, None, 4)


def test_a_component_that_was_taken_out_is_told_no_more_and_makes_room(
    gauges: ClockGauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "COMPONENT_LABEL_LIMIT", 1)
    gauges.tell("old", "NTP", read_at=100, offset_seconds=1, state=0)
    gauges.forget({("old", "NTP"), ("never-told", "NTP")})
    gauges.tell("new", "NTP", read_at=100, offset_seconds=2, state=0)
    assert (offset("old"), offset("new"), offset("other")) == (None, 2, None)


async def test_refused_standards_are_not_verified_until_the_table_is_mended(
    database: Database,
) -> None:
    def verified() -> float:
        return sample("cockpit_standards_verified_timestamp_seconds") or 0.0

    cache = StandardsCache(database, 60)
    await cache.load()
    metrics.STANDARDS_VERIFIED_AT.set(1)
    await cache.refresh()
    assert verified() > 1

    metrics.STANDARDS_VERIFIED_AT.set(1)
    await database.execute(INSERT)
    for _ in range(2):  # refused, then found unchanged
        await cache.refresh()
        assert verified() == 1
    late = StandardsCache(database, 60)
    await late.load()
    assert verified() > 1  # its age begins with the worker, so that the alert comes for this one too
    metrics.STANDARDS_VERIFIED_AT.set(1)
    await late.refresh()
    assert verified() == 1

    await database.execute("DELETE FROM metadata_standards WHERE code = 'FS-BAD-001'")
    await cache.refresh()
    assert verified() > 1


class Consumer:
    """What Faust's consumer says of its partitions; lag is arithmetic on that."""

    def __init__(self) -> None:
        self.offsets: dict[Partition, tuple[int, int]] = {}

    def assignment(self) -> set[Partition]:
        return set(self.offsets)

    def highwater(self, partition: Partition) -> int:
        return self.offsets[partition][1]

    def committed_or_none(self, partition: Partition) -> int:
        return self.offsets[partition][0]


def test_a_partition_that_moved_away_is_told_no_more(settings: Settings) -> None:
    app: Any = namedtuple("App", "consumer")(Consumer())
    health = Health(stall_seconds=60, assigned=True)
    unused: Any = None
    probes = Probes(settings, app, unused, unused, health)
    app.consumer.offsets = {Partition(TOPIC, 0): (5, 9), Partition(TOPIC, 1): (7, 7)}
    probes._measure_lag()

    def told(partition: str) -> tuple[float | None, float | None]:
        labels = {"topic": TOPIC, "partition": partition}
        return sample("cockpit_consumer_lag_records", **labels), sample("cockpit_committed_offset", **labels)

    assert (told("0"), told("1")) == ((4, 5), (0, 7))
    del app.consumer.offsets[Partition(TOPIC, 0)]
    probes._measure_lag()
    assert (told("0"), told("1")) == ((None, None), (0, 7))
    app.consumer.offsets.clear()
    probes._measure_lag()
    assert told("1") == (None, None)
