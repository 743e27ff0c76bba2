"""A row of the table keeps its bounds or does not, and says when it cannot know."""

import pytest

from benchmarks.memory import growth_percent
from benchmarks.targets import TARGETS, Measurement
from benchmarks.throughput import ratios

BY_KEY = {target.key: target for target in TARGETS}


@pytest.mark.parametrize(
    ("key", "value", "detail", "must", "aim"),
    [
        ("throughput_vs_floor", 0.5, {}, True, False),
        ("throughput_vs_floor", 0.49, {}, False, False),
        ("throughput_vs_best_peer", 2.0, {}, True, True),
        ("latency_500_p99_ms", 15.0, {"ratio_to_loop": 0.8, "p99_9_ms": 49.0}, True, True),
        ("latency_500_p99_ms", 15.0, {"ratio_to_loop": 0.81, "p99_9_ms": 50.0}, False, False),
        ("latency_500_p99_ms", 15.0, {"p99_9_ms": 49.0}, None, True),
        ("latency_500_p99_ms", 50.0, {}, False, False),
        ("latency_2000_p99_ms", 49.0, {"ratio_to_loop": 0.5}, True, False),
        ("lookup_10000_p99_ms", 1.0, {"cost_to_that_of_50": 2.1}, True, False),
        ("memory_mb", 150.0, {"growth_percent": 4.9}, True, True),
        ("memory_mb", 150.0, {"growth_percent": 5.0}, False, False),
        ("memory_mb", 250.0, {"growth_percent": 0.0}, True, False),
    ],
)
def test_bounds(key: str, value: float, detail: dict[str, float], must: bool | None, aim: bool | None) -> None:
    measured = Measurement(key, value, "", detail)
    assert (BY_KEY[key].must.kept(measured), BY_KEY[key].aim.kept(measured)) == (must, aim)


def test_keys_are_unique() -> None:
    assert len(BY_KEY) == len(TARGETS)


def test_ratios_are_of_the_same_round_and_leave_out_what_failed() -> None:
    rounds = [
        {"cockpit": {"files_per_second": 1000}, "floor": {"files_per_second": 2000}, "a": {"files_per_second": 500},
         "b": {"files_per_second": 400}},
        {"cockpit": {"files_per_second": 100}, "floor": {"files_per_second": 400}, "a": {"files_per_second": 25},
         "b": {"files_per_second": 99999, "problem": "rows are missing"}},
    ]  # fmt: skip
    measured = {one.key: one for one in ratios(rounds)}
    assert measured["throughput_vs_floor"].detail["rounds"] == [0.5, 0.25]
    assert measured["throughput_vs_best_peer"].detail["rounds"] == [2.0, 4.0]
    assert measured["throughput_vs_best_peer"].value == 3.0
    assert "throughput_vs_faust_event" not in measured


def test_growth_is_that_of_the_second_half_of_the_files() -> None:
    flat = [{"files": number, "rss_mb": 100.0 + (20.0 if number < 40 else 50.0)} for number in range(101)]
    assert growth_percent(flat) == 0.0
    rising = [{"files": number, "rss_mb": 100.0 + number} for number in range(101)]
    assert growth_percent(rising) > 20
