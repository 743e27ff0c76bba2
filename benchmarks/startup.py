"""Seconds from `cockpit worker` to the first committed record, when records are waiting."""

from statistics import median
from time import monotonic, time
from typing import Any

from benchmarks.contestants import Contestant, new_group, running
from benchmarks.load import Load, preload
from benchmarks.stack import TOPIC, BenchStack, Progress, wait_until
from benchmarks.targets import Measurement

_EVENTS = 600


def measure(
    stack: BenchStack, contestant: Contestant, quick: bool, progress: Progress
) -> tuple[list[Measurement], dict[str, Any]]:
    """The median of some starts, each of a new group on the same waiting records."""
    times = []
    with stack.topics() as prefix:
        load = Load(int(time()) * 1_000_000)
        preload(stack.kafka_bootstrap, prefix + TOPIC, load, _EVENTS)
        for number in range(1 if quick else 3):
            progress(f"start {number + 1}")
            times.append(_one(stack, contestant, prefix))
    seconds = round(median(times), 3)
    return [Measurement("startup_s", seconds, "s", {"starts": [round(taken, 3) for taken in times]})], {}


def _one(stack: BenchStack, contestant: Contestant, prefix: str) -> float:
    stack.empty_tables()
    with stack.connect() as connection, connection.cursor() as cursor:
        started = monotonic()
        with running(stack, contestant, prefix, new_group(contestant)) as process:

            def first_row() -> bool:
                process.require_alive()
                return bool(cursor.execute("SELECT 1 FROM filesystem_timestamps LIMIT 1"))

            wait_until(first_row, 60, "the first row is committed", every_seconds=0.01)
            taken = monotonic() - started
            process.stop()
    return taken
