"""Every named bad record meets decode and judge, and ends as its table says."""

from collections import Counter
from time import thread_time

from streams.plan import Plan
from tests.bad_input.case import DUPLICATE, STORED, TOPICS, Case
from tests.bad_input.corpus import corpus
from tests.bad_input.intake import Intake, fault, longest_seconds, outcome
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


async def test_no_bad_record_holds_up_the_others() -> None:
    intake = Intake()
    slow = {}
    for number, case in enumerate(corpus()):
        longest = longest_seconds(case.value)
        spent = []
        for _ in range(3):  # processor time, and the least of three: a busy machine accuses nobody
            started = thread_time()
            await intake.plan(case.topic, record_of(case, number))
            spent.append(thread_time() - started)
            if spent[-1] <= longest:
                break
        if min(spent) > longest:
            slow[case.name] = round(min(spent), 3)
    assert slow == {}
