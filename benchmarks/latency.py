"""Milliseconds from the time an event was to be sent to its committed rows, at fixed rates, without any waiting."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from statistics import median
from time import monotonic, sleep, time
from typing import Any

from hdrh.histogram import HdrHistogram

from benchmarks.contestants import COCKPIT, LOOP, Contestant, Running, new_group, running
from benchmarks.disturbance import Disturbance
from benchmarks.load import SEED, VIOLATING_EVERY, Load, as_argument, preload
from benchmarks.observer import PERCENTILES
from benchmarks.paced import Part, started
from benchmarks.stack import TOPIC, BenchError, BenchStack, Progress, wait_until
from benchmarks.targets import Measurement
from benchmarks.verification import Expectation

WARM_UP_SECONDS = 3.0
_SAMPLES_PER_SECOND = 150
_PRIMING_EVENTS = 120
_PATIENCE_SECONDS = 20.0
Result = dict[str, Any]


def run(
    stack: BenchStack,
    contestants: Sequence[Contestant],
    rate: float,
    *,
    rounds: int,
    seconds: float,
    progress: Progress,
) -> list[dict[str, Result]]:
    """Measure all contestants at one rate, in turns; a contestant that fails has a `problem` and no percentiles."""
    results: list[dict[str, Result]] = []
    with stack.topics() as prefix:
        for number in range(rounds):
            turn = number % len(contestants)
            results.append({})
            for contestant in (*contestants[turn:], *contestants[:turn]):
                at = f"{rate:,.0f} events/s, round {number + 1} of {rounds}: {contestant.title}"
                progress(at)
                try:
                    result = one(stack, contestant, prefix, rate, seconds)
                    progress(f"{at}: p99 {result['p99_ms']:.1f} ms")
                except BenchError as error:
                    result = {"problem": str(error)}
                    progress(f"{at}: {error}")
                results[-1][contestant.name] = result
    return results


def one(stack: BenchStack, contestant: Contestant, prefix: str, rate: float, seconds: float) -> Result:
    """One run of `seconds` after the warm-up; raises BenchError when rows are missing at the end."""
    topic, group = prefix + TOPIC, new_group(contestant)
    stack.empty_tables()
    stack.skip_to_end(group, topic)
    with running(stack, contestant, prefix, group) as process:
        _prime(stack, process, topic)
        starts = stack.end_offsets(topic)
        load, stride = _load_at(rate)
        count = int(rate * (WARM_UP_SECONDS + seconds))
        lead_seconds = 1.5 + count * 30e-6
        start = monotonic() + lead_seconds
        load = replace(load, base_us=int((time() + start - monotonic()) * 1_000_000))
        disturbance = Disturbance([*stack.pids, process.pid])
        sent, observed = _send_and_observe(stack, process, topic, load, rate, count, stride, start)
        others_percent = disturbance.percent()
        with suppress(BenchError):  # what is missing is told below, by name
            wait_until(lambda: stack.rows() >= count + _PRIMING_EVENTS, 10, "all rows are there", every_seconds=0.2)
        process.stop()
    expectation = Expectation(load, count, starts)
    committed = stack.committed(group, topic)
    if (written := sum(committed) - sum(starts)) != count:
        raise BenchError(f"{contestant.name}: fell behind: {written} of {count} records committed")
    if problems := expectation.problems(stack, contestant, committed):
        raise BenchError("; ".join(problems[:3]))
    return {
        **observed,
        "others_percent": others_percent,
        "rate": rate,
        "seconds": seconds,
        "events": count,
        "sender": sent,
    }


def _load_at(rate: float) -> tuple[Load, int]:
    """The load, and every which event is sampled. Those that are sampled all break a standard.

    At rates where a tenth of the events would be too small a sample, more of them do.
    """
    stride = max(1, round(rate / _SAMPLES_PER_SECOND))
    if stride >= VIOLATING_EVERY:
        return Load(0, 1_000_000 / rate), stride // VIOLATING_EVERY * VIOLATING_EVERY
    return Load(0, 1_000_000 / rate, violating_every=stride), stride


def _prime(stack: BenchStack, process: Running, topic: str) -> None:
    """Have it write a few rows from every partition, so that it is known to run."""
    preload(stack.kafka_bootstrap, topic, Load(int(time() * 1_000_000), seed=SEED + 1), _PRIMING_EVENTS)
    wait_until(
        lambda: process.require_alive() and stack.rows() >= _PRIMING_EVENTS,
        60, f"{process.contestant.name} writes the first rows", every_seconds=0.1,
    )  # fmt: skip


def _send_and_observe(
    stack: BenchStack, process: Running, topic: str, load: Load, rate: float, count: int, stride: int, start: float
) -> tuple[Result, Result]:
    shared = ["--load", as_argument(load), "--rate", str(rate), "--count", str(count), "--start-monotonic", str(start)]
    commands = (
        ["benchmarks.load", "--bootstrap", stack.kafka_bootstrap, "--topic", topic, *shared],
        ["benchmarks.observer", *shared, "--stride", str(stride), "--warm-up-seconds", str(WARM_UP_SECONDS),
         "--patience-seconds", str(_PATIENCE_SECONDS)],
    )  # fmt: skip
    parts: list[Part] = []
    try:
        for module, *arguments in commands:
            parts.append(started(module, *arguments, BENCH_DATABASE_URL=stack.database_url))
        while any(part.running for part in parts):
            process.require_alive()
            sleep(0.1)
        sent, observed = (part.told() for part in parts)
    finally:
        for part in parts:
            part.kill()
    return sent, observed


def summary(rounds: list[dict[str, Result]], name: str) -> dict[str, Any] | None:
    """Medians of a contestant's percentiles over the rounds, and those of all its samples together."""
    runs = [results[name] for results in rounds if name in results and "problem" not in results[name]]
    if not runs:
        return None
    together = HdrHistogram(1, 3_600_000_000, 3)
    for run_ in runs:
        together.decode_and_add(run_["histogram"])
    return {
        **{key: round(median(run_[key] for run_ in runs), 3) for key in (*PERCENTILES, "max_ms")},
        "all_samples": {
            key: together.get_value_at_percentile(percentile) / 1000 for key, percentile in PERCENTILES.items()
        },
        "samples": sum(run_["sampled"] for run_ in runs),
        "missing": sum(run_["missing"] for run_ in runs),
        "p99_ms_of_rounds": [run_["p99_ms"] for run_ in runs],
        "rate": runs[0]["rate"],
    }


def measurement(key: str, rounds: list[dict[str, Result]]) -> Measurement | None:
    """The product's p99 at one rate, and its ratio to that of the hand-written loop in the same rounds."""
    ours = summary(rounds, COCKPIT)
    if ours is None:
        return None
    pairs = [
        results[COCKPIT]["p99_ms"] / results[LOOP]["p99_ms"]
        for results in rounds
        if all(name in results and "problem" not in results[name] for name in (COCKPIT, LOOP))
    ]
    ratio = {"ratio_to_loop": round(median(pairs), 3)} if pairs else {}
    return Measurement(key, ours["p99_ms"], "ms", {**ours, **ratio})
