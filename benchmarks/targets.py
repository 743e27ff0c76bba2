"""The table of targets: what is measured, what it must reach, and what it should."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """One measured row; `detail` holds whatever else the row's bounds ask for, and what explains the value."""

    key: str
    value: float
    unit: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bound:
    """A bound in words, and whether a measurement keeps it; None when it lacks what the bound is about."""

    text: str
    kept: Callable[[Measurement], bool | None]


@dataclass(frozen=True)
class Target:
    key: str
    title: str
    must: Bound
    aim: Bound


def _below(limit: float, text: str) -> Bound:
    return Bound(text, lambda measured: measured.value < limit)


def _at_least(limit: float) -> Bound:
    return Bound(f"≥ {limit:g} x", lambda measured: measured.value >= limit)


def _detail_below(key: str, limit: float, measured: Measurement, or_equal: bool = False) -> bool | None:
    value = measured.detail.get(key)
    if value is None:
        return None
    return bool(value <= limit if or_equal else value < limit)


def _all(*results: bool | None) -> bool | None:
    if any(result is False for result in results):
        return False
    return None if None in results else True


def _p99_and_ratio(p99_ms: float, ratio: float) -> Bound:
    return Bound(
        f"p99 < {p99_ms:g} ms, ≤ {ratio:g} x the loop's",
        lambda measured: _all(measured.value < p99_ms, _detail_below("ratio_to_loop", ratio, measured, True)),
    )


def _p99_and_p999(p99_ms: float, p999_ms: float) -> Bound:
    return Bound(
        f"p99 < {p99_ms:g} ms, p99.9 < {p999_ms:g} ms",
        lambda measured: _all(measured.value < p99_ms, _detail_below("p99_9_ms", p999_ms, measured)),
    )


FLAT_PERCENT = 5.0
"""A worker's memory is flat when it grows by less than this from the middle of a run to its end."""


def _flat(measured: Measurement) -> bool | None:
    return _detail_below("growth_percent", FLAT_PERCENT, measured)


_LOOKUP_RATIO = Bound(
    "10,000 ≤ 2 x of 50", lambda measured: _detail_below("cost_to_that_of_50", 2.0, measured, or_equal=True)
)
_LOOKUP = _below(20, "p99 < 20 ms")

_HALF = _below(200, "p99 < 200 ms")

TARGETS: tuple[Target, ...] = (
    Target("throughput_vs_floor", "files/s against the floor", _at_least(0.5), _at_least(0.8)),
    Target("throughput_vs_best_peer", "files/s against the best peer", _at_least(1.3), _at_least(2)),
    Target("throughput_vs_faust_event", "files/s against a stock Faust agent", _at_least(12), _at_least(20)),
    Target("throughput_vs_no_history", "files/s with history against without", _at_least(0.8), _at_least(0.9)),
    Target("latency_500_p99_ms", "to committed, 500 events/s", _p99_and_ratio(50, 0.8), _p99_and_p999(20, 50)),
    Target("latency_2000_p99_ms", "to committed, 2,000 events/s", _p99_and_ratio(100, 0.8), _p99_and_ratio(50, 0.4)),
    Target("latency_50_percent_p99_ms", "… at 50 % of the maximum", _HALF, _HALF),
    Target(
        "latency_80_percent_p99_ms",
        "… at 80 % of the maximum",
        _below(400, "p99 < 400 ms"),
        _below(100, "p99 < 100 ms"),
    ),
    Target("insert_1000_rows_p99_ms", "insert of 1,000 rows", _below(100, "p99 < 100 ms"), _below(40, "< 40 ms")),
    Target("lookup_50_p99_ms", "standards look-up of an event, 50 regexes", _LOOKUP, _LOOKUP),
    Target("lookup_1000_p99_ms", "… 1,000 regexes", _LOOKUP, _LOOKUP),
    Target("lookup_10000_p99_ms", "… 10,000 regexes", _LOOKUP, _LOOKUP_RATIO),
    Target("clock_status_p99_ms", "clock status, 1 million stored", _below(10, "p99 < 10 ms"), _below(2, "p99 < 2 ms")),
    Target("compliance_1m_ms", "30-day compliance, 1 million stored", _below(1000, "< 1 s"), _below(200, "< 200 ms")),
    Target("compliance_10m_ms", "… 10 million violations", _below(1000, "< 1 s"), _below(200, "< 200 ms")),
    Target("rollup_write_cost_percent", "… what writing violations pays", _below(10, "≤ 10 %"), _below(10, "≤ 10 %")),
    Target("path_prefix_ms", "path-prefix search, 1 million rows", _below(50, "< 50 ms"), _below(15, "< 15 ms")),
    Target("full_path_ms", "full-path look-up, 1 million rows", _below(5, "< 5 ms"), _below(3, "< 3 ms")),
    Target(
        "memory_mb",
        "memory of a worker after 5 million files",
        Bound(f"flat (second half < {FLAT_PERCENT:g} %)", _flat),
        Bound("< 200 MB", lambda measured: _all(measured.value < 200, _flat(measured))),
    ),
    Target("startup_s", "`cockpit worker` to first record", _below(8, "< 8 s"), _below(3, "< 3 s")),
)  # fmt: skip
