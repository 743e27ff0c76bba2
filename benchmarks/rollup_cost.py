"""What the counts cost the writer of violations: the same transactions with them and without, in turns.

A transaction is the product's, of plans that hold violations alone: their rows and, in the outbox, their announcements.
"Without" has neither the triggers nor the statement that adds to the counts.

Which standards they break matters: there is a count to add to for each that occurs. Those of the load are what its
files break, a dozen of them; `of any standard` has all of them break as often, which no source does, and is told beside
it.
"""

import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from statistics import median
from time import perf_counter, time
from uuid import uuid4

import aiomysql

from benchmarks.load import VIOLATIONS, Load, SyntheticRecord
from benchmarks.targets import Measurement
from benchmarks.verification import judge
from streams.judges.findings import Finding
from streams.plan import Plan
from streams.standards.ruleset import Ruleset
from streams.standards.standard import Standard
from streams.store.database import Database
from streams.store.migrate import all_migrations
from streams.store.standards import load_standards
from streams.store.transaction import Transactions
from streams.violations import add_findings

LOADS_OWN, ANY = "of the load", "of any standard"
CASES = (*((size, LOADS_OWN) for size in (1, 20, 200, 2000)), (200, ANY))
REPORTED = (200, LOADS_OWN)
"""The case whose cost is reported: what a full batch of files holds when a tenth of them break a standard."""

Progress = Callable[[str], None]


async def measure(database: Database, quick: bool, progress: Progress) -> Measurement:
    """Percent of a transaction's time: the median over the turns of the ratio of their medians."""
    turns = 2 if quick else 9
    taken: dict[tuple[int, str, bool], list[float]] = {(*case, kept): [] for case in CASES for kept in (True, False)}
    standards = [standard for standard in await load_standards(database) if standard.applies_to == "filesystem"]
    made = {LOADS_OWN: _Violations(_broken_by_the_load(standards)), ANY: _Violations(standards)}
    try:
        for turn in range(turns):
            progress(f"cost of the counts: turn {turn + 1} of {turns}")
            # Pairs next to each other in time: a machine's speed changes by a third within seconds.
            for size, whose in CASES:
                repeats = (3 if quick else 10) * (4 if size <= REPORTED[0] else 1)
                for kept in (turn % 2 == 0, turn % 2 == 1):
                    await _set_up(database, kept)
                    taken[size, whose, kept].append(await _transactions(database, made[whose], size, repeats))
    finally:
        await _set_up(database, kept=True)
    percent = {
        case: (median(a / b for a, b in zip(taken[*case, True], taken[*case, False], strict=True)) - 1) * 100
        for case in CASES
    }
    detail = {
        f"{size} violations {whose}": {
            "with_ms": round(median(taken[size, whose, True]), 3),
            "without_ms": round(median(taken[size, whose, False]), 3),
            "percent": round(percent[size, whose], 1),
        }
        for size, whose in CASES
    }
    detail["any_percent"] = round(percent[200, ANY], 1)
    return Measurement("rollup_write_cost_percent", percent[REPORTED], "%", detail)


def _broken_by_the_load(standards: list[Standard]) -> list[Standard]:
    """As often as each is."""
    rules, load = Ruleset.compile(standards, 1, datetime.now(UTC)), Load(int(time() * 1_000_000))
    events = [load.event(number * load.violating_every) for number in range(len(VIOLATIONS))]
    return [finding.standard for event in events for finding in judge(event.value, rules)]


async def _set_up(database: Database, kept: bool) -> None:
    for sql in all_migrations()[6].statements():
        if " TRIGGER " in sql:
            name = sql.split(" TRIGGER ")[1].split()[0]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", aiomysql.Warning)  # IF EXISTS is meant
                await database.execute(sql if kept else f"DROP TRIGGER IF EXISTS {name}")


async def _transactions(database: Database, made: "_Violations", size: int, repeats: int) -> float:
    """The median of the milliseconds that a transaction takes, from its plan to its commit."""
    transactions = Transactions(database, statement_seconds=60)
    await transactions.prepare()  # here it learns whether counts are kept
    times = []
    for _ in range(repeats + 2):
        plan = made.plan(size)
        started = perf_counter()
        await transactions.write([plan])
        times.append((perf_counter() - started) * 1000)
    return median(times[2:])


_RECORD = SyntheticRecord(None, 0, 0)
"""The Kafka record that the violations are said to come from."""


class _Violations:
    """Plans of violations, each of another file."""

    def __init__(self, standards: list[Standard]) -> None:
        self._random = Random(1)
        self._standards = standards
        self._at_us = int(time() * 1_000_000)

    def plan(self, count: int) -> Plan:
        plan = Plan(_RECORD)
        for _ in range(count):
            self._at_us += 500
            path = f"/srv/repo/src/module_{self._random.randrange(1000)}/Bad Name_{self._at_us}.py"
            standard = self._random.choice(self._standards)
            finding = Finding(
                standard, f"build-07:{path}", "file_path", path, standard.pattern, standard.severity, {"glob": None}
            )
            add_findings(
                plan, [finding], cause=path, event_id=str(uuid4()), event_time_us=self._at_us,
                detected_at_us=self._at_us, ruleset_revision=1,
            )  # fmt: skip
        return plan
