"""`scripts/fuzz`: so many generated records through decode and judge, and what became of them.

An input is told by its seed and number, and made again by them: `--seed 1 --first 4711 --inputs 1`.
"""

import argparse
import asyncio
import faulthandler
import gc
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import perf_counter

from streams.plan import Plan
from tests.bad_input.case import FILES
from tests.bad_input.generator import generate
from tests.bad_input.intake import Intake, fault, outcome, too_long
from tests.unit.records import NOW_US, FakeRecord

_HANG_SECONDS = 60
_GUARDED_INPUTS = 1000
_FORGET_EVERY = 5000
_FAULTS_TOLD = 20
_ATTEMPTS = 5
"""A slow input is tried again, and the least time counts: what else runs on the machine is not its fault."""


@dataclass
class Figures:
    """What a campaign has seen so far."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    slowest_seconds: float = 0.0
    slowest: str = ""
    judging_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        ended = ", ".join(f"{name} {count:,}" for name, count in self.outcomes.most_common())
        return (
            f"{self.inputs:,} inputs, {self.bytes / 1e6:,.0f} MB: {ended}; faults {len(self.faults)};"
            f" mean {self.judging_seconds / max(1, self.inputs) * 1e6:.0f} µs,"
            f" slowest {self.slowest_seconds * 1000:.1f} ms ({self.slowest})"
        )


class Campaign:
    """Feeds one worker's intake with inputs and looks at each plan."""

    def __init__(self) -> None:
        self.figures = Figures()
        self._intake = Intake()

    async def feed(self, name: str, topic: str, value: bytes | None) -> str | None:
        """Decode and judge one value; returns what is wrong with what became of it, None if nothing is."""
        figures = self.figures
        record = FakeRecord(
            value, f"governance.{topic}", offset=figures.inputs, timestamp=NOW_US // 1000 + figures.inputs
        )
        figures.inputs += 1
        figures.bytes += len(value or b"")
        plan, seconds, held = await self._timed(topic, record)
        wrong = fault(plan) or _miscounted(topic, value, plan)
        for _ in range(_ATTEMPTS - 1):
            if too_long(value, seconds, held):
                self._intake.forget()
                _, again, held_again = await self._timed(topic, record)
                seconds, held = min(seconds, again), min(held, held_again)
        wrong = wrong or too_long(value, seconds, held)
        figures.judging_seconds += seconds
        if seconds > figures.slowest_seconds:
            figures.slowest_seconds, figures.slowest = seconds, f"{name}, {len(value or b'')} bytes"
        figures.outcomes[outcome(plan)] += 1
        if wrong:
            figures.faults.append(f"{name}: {wrong}: {topic} {value!r:.500}")
        if figures.inputs % _FORGET_EVERY == 0:
            self._intake.forget()  # as after a rebalance
        return wrong

    async def _timed(self, topic: str, record: FakeRecord) -> tuple[Plan, float, float]:
        return await self._intake.timed_plan(topic, record)


def _miscounted(topic: str, value: bytes | None, plan: Plan) -> str | None:
    """Whether some file of a stored capture has no row of its own."""
    if topic != FILES or plan.dead_letter is not None or value is None:
        return None
    files, rows = len(json.loads(value)["files"]), len(plan.rows["filesystem_timestamps"])
    return None if rows == files else f"{rows} rows of {files} files"


async def run(seed: int, first: int, inputs: int, told: Callable[[str], None] = lambda _: None) -> Figures:
    """Feed inputs `first` to `first + inputs` of a seed."""
    campaign, began = Campaign(), perf_counter()
    for number in range(first, first + inputs):
        if number % _GUARDED_INPUTS == 0 and inputs > _GUARDED_INPUTS:
            faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True)
        topic, value = generate(Random(seed << 40 | number))
        await campaign.feed(f"seed {seed} input {number}", topic, value)
        if (number + 1) % 100_000 == 0:
            told(f"{perf_counter() - began:6.0f} s  {campaign.figures.line()}")
        if len(campaign.figures.faults) >= _FAULTS_TOLD:
            break
    faulthandler.cancel_dump_traceback_later()
    return campaign.figures


def spare_the_collector() -> None:
    """As a worker does (`cli/worker.py`): a collection that falls into an input is not that input's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def main() -> int:
    """0 when every input ended stored, as a duplicate, or as a dead letter with its reason, in time."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    given = parser.parse_args()
    spare_the_collector()
    began = perf_counter()
    figures = asyncio.run(run(given.seed, given.first, given.inputs, lambda line: print(line, flush=True)))
    print(f"seed {given.seed}, {perf_counter() - began:.0f} s: {figures.line()}")
    for wrong in figures.faults:
        print(f"FAULT {wrong}")
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(main())
