"""The parts of the benchmark, each of which can be run alone: what it measures, how long, and what it hands on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import growth, latency, lookups, memory, startup, throughput
from benchmarks.contestants import COCKPIT, LOOP, TAKE, Contestant, all_contestants, chosen, cockpit
from benchmarks.disturbance import LOUD_PERCENT
from benchmarks.stack import BenchError, BenchStack, Progress
from benchmarks.targets import Measurement
from benchmarks.warming import until_compiled

Series = dict[str, Any]


def _unheard(_: str) -> None:
    """Progress of what nobody waits for."""


@dataclass
class Run:
    """One run of the benchmark: what was asked for, and what is known so far."""

    stack: BenchStack
    quick: bool
    progress: Progress
    contestants: Sequence[str] = ()
    rounds: int = 0
    """0: as many as the section takes."""
    settings: dict[str, str] = field(default_factory=dict)
    """Of the product, by their names after COCKPIT_."""
    maximum: float | None = None
    """Events of one file a second that the product was seen to take."""
    problems: list[str] = field(default_factory=list)
    disturbed: list[float] = field(default_factory=list)
    """Percent of all cores that other programs took, where it was much."""
    warm: bool = False

    def warm_up(self) -> None:
        """Once, before anything is timed: fresh servers are slow for their first minute, and somebody must be first."""
        if not (self.warm or self.quick):
            until_compiled(self.stack.kafka_pid, self._drain_a_backlog, 4, self.progress)
        self.warm = True

    def _drain_a_backlog(self, _: int) -> None:
        throughput.run(self.stack, chosen([LOOP]), rounds=1, window_seconds=10, events=100_000, progress=_unheard)

    def warm_up_at(self, rate: float, names: Sequence[str], most_runs: int) -> None:
        """Before latency at such rates: the size of fetches and batches decides which way they go through Kafka."""

        def answer(number: int) -> None:
            contestant = chosen([names[number % len(names)]])
            latency.run(self.stack, contestant, rate, rounds=1, seconds=6.0, progress=_unheard)

        if not self.quick:
            until_compiled(self.stack.kafka_pid, answer, most_runs, self.progress)

    def compared(self, names: Sequence[str]) -> list[Contestant]:
        """Of these contestants those that were asked for and are installed; the product with its settings."""
        wanted = [name for name in self.contestants or names if name in names]
        found = [cockpit(**self.settings) if one.name == COCKPIT else one for one in chosen(wanted)]
        for contestant in found:
            if not contestant.installed:
                self.progress(f"{contestant.title}: not installed, left out")
        return [contestant for contestant in found if contestant.installed]

    def note(self, rounds: list[dict[str, dict[str, Any]]]) -> None:
        """Remember what went wrong in a section's rounds, and say when something else used the machine."""
        shares = [result.get("others_percent", 0.0) for results in rounds for result in results.values()]
        if shares and (highest := max(shares)) > LOUD_PERCENT:
            self.disturbed.append(highest)
        self.problems += [result["problem"] for results in rounds for result in results.values() if "problem" in result]


Result = tuple[list[Measurement], Series]


def throughput_section(run: Run) -> Result:
    run.warm_up()
    names = [contestant.name for contestant in all_contestants()]
    contestants = run.compared([COCKPIT, LOOP] if run.quick else names)
    rounds = throughput.run(
        run.stack, contestants,
        rounds=run.rounds or (1 if run.quick else 3), window_seconds=2 if run.quick else 12,
        events=20_000 if run.quick else 400_000, progress=run.progress,
    )  # fmt: skip
    run.note(rounds)
    told = throughput.summary(rounds)
    if COCKPIT in told:
        run.maximum = told[COCKPIT]["median"]
    rows = [
        {"name": one.name, "title": one.title, "lacks": one.lacks, **told[one.name]}
        for one in contestants
        if one.name in told
    ]
    return throughput.ratios(rounds), {"throughput": rows, "throughput_rounds": rounds}


def latency_section(run: Run) -> Result:
    """Fixed rates beside the loop and Faust `take`, then shares of what the product takes at most."""
    run.warm_up()
    run.warm_up_at(2000.0, [LOOP, COCKPIT], 12)
    seconds = 3.0 if run.quick else 12.0
    rounds = run.rounds or (1 if run.quick else 3)
    beside = [COCKPIT, LOOP] if run.quick else [COCKPIT, LOOP, TAKE]
    levels: list[tuple[str, float, list[str]]] = [("latency_500_p99_ms", 500.0, beside)]
    if not run.quick:
        levels.append(("latency_2000_p99_ms", 2000.0, beside))
        maximum = run.maximum or _maximum(run)
        run.warm_up_at(maximum / 2, [COCKPIT], 6)
        levels += [(f"latency_{share}_percent_p99_ms", maximum * share / 100, [COCKPIT]) for share in (50, 80)]
    measured, points, kept = [], [], {}
    for key, rate, names in levels:
        contestants = run.compared(names)
        if not contestants:
            continue
        results = latency.run(run.stack, contestants, rate, rounds=rounds, seconds=seconds, progress=run.progress)
        run.note(results)
        if (measurement := latency.measurement(key, results)) is not None:
            measured.append(measurement)
        kept[key] = results
        for contestant in contestants:
            if (told := latency.summary(results, contestant.name)) is not None:
                points.append({"name": contestant.name, "title": contestant.title, **told})
    return measured, {"latency": points, "latency_rounds": kept}


def _maximum(run: Run) -> float:
    """What the product takes at most, where the section for it was not run."""
    run.progress("measuring the product's maximum")
    contestants = [cockpit(**run.settings)]
    rounds = throughput.run(
        run.stack, contestants, rounds=1, window_seconds=10, events=300_000, progress=run.progress
    )  # fmt: skip
    told = throughput.summary(rounds)
    if COCKPIT not in told:
        raise BenchError(rounds[0][COCKPIT]["problem"])
    run.maximum = told[COCKPIT]["median"]
    return run.maximum


def queries_section(run: Run) -> Result:
    from benchmarks import queries

    return queries.measure(run.stack, run.quick, run.progress)


def lookups_section(run: Run) -> Result:
    return lookups.measure(run.quick, run.progress)


def memory_section(run: Run) -> Result:
    return memory.measure(run.stack, cockpit(**run.settings), run.quick, run.progress)


def startup_section(run: Run) -> Result:
    return startup.measure(run.stack, cockpit(**run.settings), run.quick, run.progress)


def growth_section(run: Run) -> Result:
    series, problems = growth.measure(run.stack, cockpit(**run.settings), run.quick, run.progress)
    run.problems += problems
    return [], series


SECTIONS: dict[str, Callable[[Run], Result]] = {
    "throughput": throughput_section,
    "latency": latency_section,
    "startup": startup_section,
    "lookups": lookups_section,
    "growth": growth_section,
    "memory": memory_section,
    "queries": queries_section,
}
"""In the order in which they run; the maximum that `throughput` finds is what `latency` takes shares of."""
