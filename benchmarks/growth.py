"""What the product costs as things grow: more files in an event, more workers in the group."""

from time import time
from typing import Any

from benchmarks import throughput
from benchmarks.contestants import Contestant
from benchmarks.load import Load, preload
from benchmarks.stack import TOPIC, BenchError, BenchStack, Progress
from benchmarks.verification import Expectation

FILES_PER_EVENT = (1, 10, 100, 1000)
WORKERS = (1, 2)
_FILES = 300_000
_WINDOW_SECONDS = 10.0


def measure(
    stack: BenchStack, contestant: Contestant, quick: bool, progress: Progress
) -> tuple[dict[str, Any], list[str]]:
    """Two series of files a second, and what went wrong."""
    files, seconds = (20_000, 2.0) if quick else (_FILES, _WINDOW_SECONDS)
    problems: list[str] = []
    by_files: list[dict[str, Any]] = []
    for per_event in FILES_PER_EVENT[::3] if quick else FILES_PER_EVENT:
        rounds = throughput.run(
            stack, [contestant], rounds=1, window_seconds=seconds,
            events=max(60, files // per_event), files_per_event=per_event, progress=progress,
        )  # fmt: skip
        (result,) = (results[contestant.name] for results in rounds)
        if "problem" in result:
            problems.append(result["problem"])
        else:
            by_files.append({"files_per_event": per_event, "files_per_second": result["files_per_second"]})
    by_workers = [] if quick else _workers(stack, contestant, files, seconds, problems, progress)
    return {"throughput_by_files_per_event": by_files, "throughput_by_workers": by_workers}, problems


def _workers(
    stack: BenchStack, contestant: Contestant, files: int, seconds: float, problems: list[str], progress: Progress
) -> list[dict[str, Any]]:
    series: list[dict[str, Any]] = []
    load = Load(int(time()) * 1_000_000)
    with stack.topics() as prefix:
        preload(stack.kafka_bootstrap, prefix + TOPIC, load, files)
        expectation = Expectation(load, files)
        for workers in WORKERS:
            progress(f"{workers} workers")
            try:
                result = throughput.one(stack, contestant, prefix, expectation, seconds, workers)
            except BenchError as error:
                problems.append(str(error))
            else:
                series.append({"workers": workers, "files_per_second": result["files_per_second"]})
    return series
