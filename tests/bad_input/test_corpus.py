"""Every named bad record meets decode and judge, and ends as its table says."""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from math import inf
from time import thread_time

import pytest

from streams.plan import Plan
from tests.bad_input.campaign import spare_the_collector
from tests.bad_input.case import DUPLICATE, STORED, TOPICS, Case
from tests.bad_input.corpus import corpus
from tests.bad_input.intake import Intake, fault, outcome, too_long
from tests.bad_input.worst import WORST
from tests.unit.records import FakeRecord


def record_of(case: Case, offset: int) -> FakeRecord:
    return FakeRecord(case.value, f"governance.{case.topic}", offset=offset, key=case.key, headers=tuple(case.headers))


async def plans() -> list[tuple[Case, Plan]]:
    intake = Intake()
    return [(case, await intake.plan(case.topic, record_of(case, n))) for n, case in enumerate(corpus())]


def test_the_corpus_is_large_and_every_case_has_a_name_of_its_own() -> None:
    cases = corpus()
    assert len(cases) >= 300
    assert max(Counter(case.name for case in cases).values()) == 1
    for topic in TOPICS:
        assert sum(case.topic == topic for case in cases) >= 100


async def test_every_bad_record_ends_as_it_must() -> None:
    wrong, anchors = [], set()
    for case, plan in await plans():
        ended = outcome(plan)
        if ended == STORED and (plan.anchor_table, plan.anchor) in anchors:
            ended = DUPLICATE  # of files only the recorder and the database say so
        anchors.add((plan.anchor_table, plan.anchor))
        if ended != case.outcome:
            wrong.append(
                f"{case.name}: {ended} and not {case.outcome}: {plan.dead_letter and plan.dead_letter.message}"
            )
        elif (found := fault(plan)) is not None:
            wrong.append(f"{case.name}: {found}")
        elif plan.dead_letter is not None and case.said not in plan.dead_letter.message:
            wrong.append(f"{case.name}: says {plan.dead_letter.message!r} and not {case.said!r}")
    assert wrong == []


@pytest.fixture
def spared_collector() -> Iterator[None]:
    """As a worker's is: a collection over all that the tests hold is not a record's time."""
    thresholds = gc.get_threshold()
    spare_the_collector()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.usefixtures("spared_collector")
async def test_no_bad_record_holds_up_the_others() -> None:
    assert await slow({case.name: (case.topic, case.value) for case in corpus()}) == {}


@pytest.mark.usefixtures("spared_collector")
async def test_no_record_holds_up_the_others_whatever_its_files_or_documents_break() -> None:
    worst = {name: (topic, made()) for name, (topic, made) in WORST.items()}
    assert max(len(value) for _, value in worst.values()) <= 524_288
    assert await slow(worst) == {}


_LOOP_SECONDS = 0.025
"""A million additions, on the machine that the bounds were set on."""


def slowness() -> float:
    """How many times slower than that this machine is just now; 1 where it is not. `scripts/fuzz` keeps the bound."""
    taken = []
    for _ in range(3):
        began = thread_time()
        for number in range(1_000_000):
            number + number
        taken.append(thread_time() - began)
    return max(1.0, min(taken) / _LOOP_SECONDS)


async def slow(values: Mapping[str, tuple[str, bytes | None]]) -> dict[str, str]:
    """Those that take too long, of the processor and the least of five times: a busy machine accuses nobody."""
    intake = Intake()
    found = {}
    for number, (name, (topic, value)) in enumerate(values.items()):
        record = FakeRecord(value, f"governance.{topic}", offset=number)
        spent, held = inf, inf
        for _ in range(5):
            intake.forget()
            plan, spent_now, held_now = await intake.timed_plan(topic, record)
            assert name not in WORST or outcome(plan) == STORED
            spent, held = min(spent, spent_now), min(held, held_now)
            if (wrong := too_long(value, spent, held)) is None:
                break
        if wrong and (wrong := too_long(value, spent, held, slowness())):
            found[name] = wrong
    return found
