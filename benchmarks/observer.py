"""Sees from outside when events are committed: `python -m benchmarks.observer` looks up a sample of rows by their ids.

It is the same black box for every contestant. It knows the load and so the ids and the intended times; latency is the
time of the first look that finds the row, minus the time at which the event was to be sent: what a sender or a queue
held back counts.
"""

import argparse
import gc
import json
import os
import resource
import sys
from collections import deque
from time import monotonic, sleep
from typing import Any

from hdrh.histogram import HdrHistogram

from benchmarks.load import Load
from streams.local.mariadb import connect

_LOOK_EVERY_SECONDS = 0.002
_LOOK_AFTER_SHARE = 0.05
"""Of what the oldest event has waited for: where latencies are long, looks as fine as where they are short would only
take the database's time. What a look comes too late counts as latency."""
_LOOKED_FOR = 128
"""Ids in one look-up at the most: those that have waited longest. When they are found the next ones follow at once."""
_LONGEST_US = 3_600_000_000
_LOOK = "SELECT id FROM filesystem_timestamps FORCE INDEX (PRIMARY) WHERE id IN ('{}')"
"""Forced, for the statistics of a table that was emptied say that to read all of it costs nothing."""
_ANSWER_SECONDS = 120
"""A look that waits for so long is a long latency, and no error of the observer."""
PERCENTILES = {"p50_ms": 50.0, "p90_ms": 90.0, "p99_ms": 99.0, "p99_9_ms": 99.9}


class Watch:
    """The sampled events of a run: which are due, and when each was first seen."""

    def __init__(self, load: Load, rate: float, count: int, stride: int, warm_up: float, start: float) -> None:
        self._due = deque(
            (start + number / rate, load.event(number).row_ids[0], number / rate >= warm_up)
            for number in range(0, count, stride)
        )
        self.sampled = sum(counted for _, _, counted in self._due)
        self.histogram = HdrHistogram(1, _LONGEST_US, 3)
        self.highest_by_second = [0.0] * (int(count / rate) + 1)
        """Milliseconds, by the second of the intended time: tells a standstill from a slow road."""
        self._start = start
        self._waiting: dict[str, tuple[float, bool]] = {}
        self.seen = 0

    @property
    def finished(self) -> bool:
        return not self._due and not self._waiting

    def look_for(self, now: float) -> list[str]:
        """The ids of events that should have been sent by now and were not seen yet, the oldest first."""
        while self._due and self._due[0][0] <= now:
            intended, row_id, counted = self._due.popleft()
            self._waiting[row_id] = (intended, counted)
        return [row_id for row_id, _ in zip(self._waiting, range(_LOOKED_FOR), strict=False)]

    def oldest_seconds(self, now: float) -> float:
        """For how long the first of those has waited that were due at the last look."""
        return now - next(iter(self._waiting.values()))[0] if self._waiting else 0.0

    def found(self, ids: list[str], now: float) -> None:
        for row_id in ids:
            intended, counted = self._waiting.pop(row_id)
            second = int(intended - self._start)
            self.highest_by_second[second] = max(self.highest_by_second[second], round((now - intended) * 1000, 1))
            if counted:
                self.seen += 1
                self.histogram.record_value(max(1, int((now - intended) * 1_000_000)))

    def give_up(self, now: float) -> int:
        """Count what was never seen with the time it has waited until now; returns how many those are."""
        missing = self.sampled - self.seen
        for intended, counted in [*self._waiting.values(), *((due, counted) for due, _, counted in self._due)]:
            if counted:
                self.histogram.record_value(max(1, int((now - intended) * 1_000_000)))
        return missing


def observe(database_url: str, watch: Watch, start: float, deadline: float) -> dict[str, Any]:
    """Look until every sampled event was seen or the deadline (monotonic) has come."""
    looks, slowest = 0, 0.0
    gc.collect()
    gc.freeze()
    gc.disable()
    with connect(database_url, timeout_seconds=_ANSWER_SECONDS) as connection, connection.cursor() as cursor:
        sleep(max(0.0, start - monotonic()))
        while not watch.finished and monotonic() < deadline:
            began = monotonic()
            found: list[str] = []
            if ids := watch.look_for(began):
                cursor.execute(_LOOK.format("','".join(ids)))
                found = [row[0] for row in cursor.fetchall()]
                answered = monotonic()
                watch.found(found, answered)
                looks, slowest = looks + 1, max(slowest, answered - began)
            if len(found) < _LOOKED_FOR:
                sleep(max(_LOOK_EVERY_SECONDS, watch.oldest_seconds(monotonic()) * _LOOK_AFTER_SHARE))
    missing = watch.give_up(monotonic())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    histogram = watch.histogram
    return {
        "sampled": watch.sampled,
        "missing": missing,
        **{name: histogram.get_value_at_percentile(percentile) / 1000 for name, percentile in PERCENTILES.items()},
        "max_ms": histogram.get_max_value() / 1000,
        "mean_ms": round(histogram.get_mean_value() / 1000, 3),
        "histogram": histogram.encode().decode(),
        "highest_ms_by_second": watch.highest_by_second,
        "looks": looks,
        "slowest_look_ms": round(slowest * 1000, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
    }


def main() -> None:
    """Observe what the arguments say, in the database that BENCH_DATABASE_URL names; prints one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.observer")
    parser.add_argument("--load", required=True, type=json.loads, help="the fields of a Load as JSON")
    parser.add_argument("--rate", required=True, type=float)
    parser.add_argument("--count", required=True, type=int)
    parser.add_argument("--stride", required=True, type=int, help="every which event is sampled")
    parser.add_argument("--warm-up-seconds", required=True, type=float)
    parser.add_argument("--start-monotonic", required=True, type=float)
    parser.add_argument("--patience-seconds", required=True, type=float, help="after the last event's intended time")
    given = parser.parse_args()
    start = given.start_monotonic
    watch = Watch(Load(**given.load), given.rate, given.count, given.stride, given.warm_up_seconds, start)
    deadline = start + given.count / given.rate + given.patience_seconds
    json.dump(observe(os.environ["BENCH_DATABASE_URL"], watch, start, deadline), sys.stdout)


if __name__ == "__main__":
    main()
