"""Files a second from the topic to the committed row: every contestant in every round, on the same records."""

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from time import monotonic, sleep, time
from typing import Any

from benchmarks.contestants import COCKPIT, FLOOR, NO_HISTORY, STOCK, Contestant, Running, new_group, running
from benchmarks.disturbance import Disturbance
from benchmarks.load import Load, preload
from benchmarks.stack import TOPIC, BenchError, BenchStack, Progress, wait_until
from benchmarks.targets import Measurement
from benchmarks.verification import Expectation, contents

_FIRST_ROW_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05
Round = dict[str, dict[str, Any]]
"""What each contestant did in one round, by its name."""


def run(
    stack: BenchStack,
    contestants: Sequence[Contestant],
    *,
    rounds: int,
    window_seconds: float,
    events: int,
    files_per_event: int = 1,
    progress: Progress,
) -> list[Round]:
    """Measure all contestants `rounds` times, in turns; a contestant that fails has a `problem` and no rate."""
    load = Load(int(time()) * 1_000_000, files_per_event=files_per_event)
    results: list[Round] = []
    with stack.topics() as prefix:
        progress(f"writing {events:,} events of {files_per_event} files")
        preload(stack.kafka_bootstrap, prefix + TOPIC, load, events)
        if (written := sum(stack.end_offsets(prefix + TOPIC))) != events:
            raise BenchError(f"{written} records are in the topic, not {events}")
        expectation = Expectation(load, events)
        for number in range(rounds):
            turn = number % len(contestants)
            results.append({})
            for contestant in (*contestants[turn:], *contestants[:turn]):
                progress(f"round {number + 1} of {rounds}: {contestant.title}")
                try:
                    result = one(stack, contestant, prefix, expectation, window_seconds)
                except BenchError as error:
                    result = {"problem": str(error)}
                progress(f"round {number + 1} of {rounds}: {contestant.title}: {result.get('files_per_second', '-')}")
                results[-1][contestant.name] = result
    _compare_contents(results)
    return results


def one(
    stack: BenchStack,
    contestant: Contestant,
    prefix: str,
    expectation: Expectation,
    window_seconds: float,
    workers: int = 1,
) -> dict[str, Any]:
    """Run one contestant from the first offset, and check what it stored; raises BenchError when it does not work."""
    stack.empty_tables()
    group = new_group(contestant)
    last = expectation.last_event_ids if contestant.is_floor else expectation.last_ids
    if workers == 1:
        with running(stack, contestant, prefix, group) as process:
            measured = _window(stack, [process], last, window_seconds)
            process.stop()
    else:
        measured = _several(stack, contestant, prefix, group, last, window_seconds, workers)
    committed = stack.committed(group, prefix + TOPIC)
    problems = expectation.problems(stack, contestant, committed)
    if problems:
        raise BenchError("; ".join(problems[:3]))
    return {**measured, "committed": sum(committed), "contents": contents(stack, committed)}


def _several(
    stack: BenchStack, contestant: Contestant, prefix: str, group: str, last: list[str], seconds: float, workers: int
) -> dict[str, Any]:
    """As many workers in one group; the window begins when each has partitions."""
    with ExitStack() as processes:
        started = [processes.enter_context(running(stack, contestant, prefix, group)) for _ in range(workers)]

        wait_until(
            lambda: _alive(started) and stack.members(group) == workers,
            _FIRST_ROW_SECONDS, f"{workers} workers have partitions", every_seconds=0.2,
        )  # fmt: skip
        measured = _window(stack, started, last, seconds)
        for process in started:
            process.stop()
    return measured


def _alive(processes: Sequence[Running]) -> bool:
    return all(process.require_alive() for process in processes)


def _window(stack: BenchStack, processes: Sequence[Running], last: list[str], seconds: float) -> dict[str, Any]:
    """Rows between the first visible commit and the window's end, or the moment at which all of them are there."""
    wanted = "('" + "','".join(last) + "')"
    with stack.connect() as connection, connection.cursor() as cursor:

        def first_row() -> bool:
            _alive(processes)
            return bool(cursor.execute("SELECT 1 FROM filesystem_timestamps LIMIT 1"))

        def rows() -> int:
            cursor.execute("SELECT COUNT(*) FROM filesystem_timestamps")
            return int(cursor.fetchone()[0])

        def all_there() -> bool:
            return bool(cursor.execute(f"SELECT id FROM filesystem_timestamps WHERE id IN {wanted}") == len(last))

        wait_until(first_row, _FIRST_ROW_SECONDS, "the first row is committed")
        started, disturbance = monotonic(), Disturbance([*stack.pids, *(process.pid for process in processes)])
        before = rows()
        while monotonic() - started < seconds and not all_there():
            _alive(processes)
            sleep(_LOOK_EVERY_SECONDS)
        ended, others_percent = monotonic(), disturbance.percent()
        after = rows()
    taken = ended - started
    return {
        "files_per_second": round((after - before) / taken),
        "seconds": round(taken, 2),
        "rows": after,
        "others_percent": others_percent,
    }


def _compare_contents(rounds: list[Round]) -> None:
    """All contestants wrote the same first rows, in every round; who differs from the product gets a `problem`."""
    for results in rounds:
        reference = results.get(COCKPIT, {}).get("contents")
        for name, result in results.items():
            told = result.get("contents")
            if reference and told and name != FLOOR and told != reference:
                result["problem"] = f"{name}: rows differ from the product's: {told} and not {reference}"


def rate(result: dict[str, Any]) -> float | None:
    """Files a second of a result that counts."""
    return None if "problem" in result else result.get("files_per_second")


def summary(rounds: list[Round]) -> dict[str, dict[str, Any]]:
    """Median, least and most of each contestant, by its name."""
    names = list(dict.fromkeys(name for results in rounds for name in results))
    told = {}
    for name in names:
        rates = [value for results in rounds if (value := rate(results.get(name, {}))) is not None]
        if rates:
            told[name] = {"median": median(rates), "least": min(rates), "most": max(rates), "rounds": rates}
    return told


def ratios(rounds: list[Round]) -> list[Measurement]:
    """The product against the others: the median over the rounds of the ratio within each round."""
    measured = []
    for key, rivals in (
        ("throughput_vs_floor", [FLOOR]),
        ("throughput_vs_best_peer", None),
        ("throughput_vs_faust_event", [STOCK]),
        ("throughput_vs_no_history", [NO_HISTORY]),
    ):
        of_rounds = [ratio for results in rounds if (ratio := _ratio(results, rivals)) is not None]
        if of_rounds:
            detail: dict[str, Any] = {"rounds": [round(ratio, 3) for ratio in of_rounds]}
            if rivals is None:
                detail["best_peers"] = [_best_peer(results) for results in rounds]
            measured.append(Measurement(key, round(median(of_rounds), 3), "x", detail))
    return measured


def _best_peer(results: Round) -> str | None:
    peers = {name: rate(result) or 0 for name, result in results.items() if name not in (COCKPIT, NO_HISTORY, FLOOR)}
    return max(peers, key=lambda name: peers[name], default=None)


def _ratio(results: Round, rivals: list[str] | None) -> float | None:
    best = _best_peer(results)
    names = rivals if rivals is not None else [best] if best else []
    ours = rate(results.get(COCKPIT, {}))
    theirs = [value for name in names if (value := rate(results.get(name, {})))]
    return ours / max(theirs) if ours and theirs else None
