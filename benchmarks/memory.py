"""The resident memory of a worker, from its first record to five million files."""

from pathlib import Path
from statistics import median
from time import monotonic, sleep, time
from typing import Any

from benchmarks.contestants import Contestant, new_group, running
from benchmarks.load import Load, preload
from benchmarks.stack import TOPIC, BenchError, BenchStack, Progress
from benchmarks.targets import Measurement
from benchmarks.verification import Expectation

_FILES_PER_EVENT = 100
_COMPARED_EVENTS = 1_000
_STANDSTILL_SECONDS = 60.0


def measure(
    stack: BenchStack, contestant: Contestant, quick: bool, progress: Progress
) -> tuple[list[Measurement], dict[str, Any]]:
    """Sample the process while it works through the topic; then hold what it stored against what was sent."""
    events = 500 if quick else 50_000
    load = Load(int(time()) * 1_000_000, files_per_event=_FILES_PER_EVENT)
    stack.empty_tables()
    with stack.topics() as prefix:
        progress(f"writing {events:,} events of {_FILES_PER_EVENT} files")
        preload(stack.kafka_bootstrap, prefix + TOPIC, load, events)
        group = new_group(contestant)
        with running(stack, contestant, prefix, group) as process:
            samples = _watch(stack, process, prefix + TOPIC, events, 0.25 if quick else 1.0, progress)
            process.stop()
        progress("comparing what was stored with what was sent")
        problems = _problems(stack, contestant, load, events)
    stack.empty_tables()
    if problems:
        raise BenchError("; ".join(problems[:3]))
    detail = {
        "files": samples[-1]["files"],
        "growth_percent": growth_percent(samples),
        "highest_mb": max(sample["rss_mb"] for sample in samples),
        "seconds": samples[-1]["seconds"],
    }
    return [Measurement("memory_mb", samples[-1]["rss_mb"], "MB", detail)], {"memory": samples}


def _problems(stack: BenchStack, contestant: Contestant, load: Load, events: int) -> list[str]:
    """The number of all rows; the ids and violations of the first events, for to judge all of them takes minutes."""
    with stack.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM filesystem_timestamps")
        (rows,) = cursor.fetchone()
    if rows != events * _FILES_PER_EVENT:
        return [f"{contestant.name}: {rows} rows of {events * _FILES_PER_EVENT} files"]
    first = Expectation(load, min(events, _COMPARED_EVENTS))
    return first.problems(stack, contestant, first.records)


def _watch(
    stack: BenchStack, process: Any, topic: str, events: int, every_seconds: float, progress: Progress
) -> list[dict[str, float]]:
    """Memory and files until all is committed; raises BenchError when nothing moves any more."""
    samples: list[dict[str, float]] = []
    started = moved = monotonic()
    committed = -1
    while committed < events:
        sleep(every_seconds)
        process.require_alive()
        now_committed = sum(stack.committed(process.group, topic))
        if now_committed > committed:
            committed, moved = now_committed, monotonic()
        elif monotonic() - moved > _STANDSTILL_SECONDS:
            raise BenchError(f"{process.contestant.name}: stands still at {committed} of {events} events")
        seconds, files = round(monotonic() - started, 1), committed * _FILES_PER_EVENT
        samples.append({"seconds": seconds, "files": files, "rss_mb": resident_mb(process.pid)})
        progress(f"{files:,} of {events * _FILES_PER_EVENT:,} files, {samples[-1]['rss_mb']} MB")
    return samples


def resident_mb(pid: int) -> float:
    """What of a process and of those that it started is in memory, in units of a million bytes."""
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return round(_resident_mb(pid) + sum(_resident_mb(int(child)) for child in started), 1)


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) * 1024 / 1e6, 1)
    raise BenchError(f"process {pid} has ended")


def growth_percent(samples: list[dict[str, float]]) -> float:
    """From the middle of the run to its end, each the median of a tenth of the samples; by files, not by time."""
    half = max(sample["files"] for sample in samples) / 2
    second = [sample["rss_mb"] for sample in samples if sample["files"] >= half]
    tenth = max(1, len(second) // 5)
    return round((median(second[-tenth:]) / median(second[:tenth]) - 1) * 100, 2)
