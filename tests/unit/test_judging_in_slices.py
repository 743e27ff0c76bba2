"""A large record is judged in slices: others have their turn between them, and its plan is the same as in one go."""

import asyncio
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest

from schemas.events import Document
from schemas.verdicts import Verdict
from streams import judging
from streams.flows.filesystem import FilesystemFlow
from streams.flows.submission import SubmissionFlow
from streams.judging import Judging
from streams.plan import Plan, Record
from streams.slices import Slices
from streams.standards.ruleset import Ruleset
from tests.bad_input.intake import empty_recall, seed_rules
from tests.bad_input.worst import capture, submission
from tests.unit.records import NOW, NOW_US, FakeRecord

LARGE = b"x" * 5000


class Event:
    """Stands where a model is: takes any bytes."""

    @staticmethod
    def model_validate_json(value: bytes) -> bytes:
        return value


class SlicedFlow:
    """Writes down when it works; its third slice may be a bug's."""

    topic, model = "t.v1", Event

    def __init__(self, *, bug: bool = False) -> None:
        self.said: list[str] = []
        self._bug = bug

    async def foresee(self, events: Sequence[tuple[Record, bytes]]) -> None: ...

    async def recall(self, events: Sequence[tuple[Record, bytes]], foreseen: Any = None) -> None: ...

    def judge(self, record: Record, event: bytes, rules: Ruleset, now_us: int) -> Plan:
        self.said.append("whole")
        return Plan(record, "whole")

    def judge_all(self, events: Sequence[tuple[Record, bytes]], rules: Ruleset, now_us: int) -> list[Plan]:
        return [self.judge(*event, rules, now_us) for event in events]

    def judge_in_slices(self, record: Record, event: bytes, rules: Ruleset, now_us: int) -> Slices[Plan]:
        for place in range(3):
            if self._bug and place == 2:
                raise RuntimeError("of ours")
            self.said.append(f"slice {place}")
            yield
        return Plan(record, "sliced", lookup_seconds=1e9)

    def forget(self) -> None: ...


async def planned(flow: SlicedFlow, monkeypatch: pytest.MonkeyPatch, *values: bytes) -> list[Plan]:
    """The plans, while somebody else writes down each turn that he gets."""
    monkeypatch.setattr(judging, "_TURN_SECONDS", -1.0)  # every slice has been too long

    async def other() -> None:
        while True:
            flow.said.append("other")
            await asyncio.sleep(0)

    rules = Ruleset.compile([], 1, NOW)
    others = asyncio.create_task(other())
    (plans,) = await Judging(flow, lambda: rules, 10_000).plans([[FakeRecord(value) for value in values]])
    others.cancel()
    return plans


async def test_others_have_their_turn_between_the_slices_of_a_large_record(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = SlicedFlow()
    small, large = await planned(flow, monkeypatch, b"small", LARGE)
    assert (small.anchor, large.anchor) == ("whole", "sliced")
    worked = [said for said in flow.said if said != "other"]
    assert worked == ["whole", "slice 0", "slice 1", "slice 2"]
    for before, after in pairwise(worked):
        assert "other" in flow.said[flow.said.index(before) : flow.said.index(after)]


async def test_a_bug_in_a_slice_costs_its_record_and_leaves_half_a_plan_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = await planned(SlicedFlow(bug=True), monkeypatch, LARGE, b"small")
    assert bad.dead_letter is not None
    assert (bad.dead_letter.reason, bad.rows, bad.announcements) == ("internal_error", {}, [])
    assert good.anchor == "whole"


def said(plan: Plan) -> tuple[Any, ...]:
    return plan.anchor, plan.rows, plan.announcements, plan.violations, plan.shadow, plan.indeterminate


def counted(slices: Slices[Plan]) -> tuple[int, Plan]:
    pauses = 0
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return pauses, end.value
        pauses += 1


FLOWS: list[tuple[Callable[[], Any], Callable[[int], dict[str, Any]]]] = [
    (lambda: FilesystemFlow(empty_recall(), 1000), capture),
    (lambda: SubmissionFlow(empty_recall()), submission),
]


@pytest.mark.parametrize(("flow", "worst"), FLOWS)
async def test_the_plan_is_the_same_in_slices_and_in_one_go(
    flow: Callable[[], Any], worst: Callable[[int], dict[str, Any]]
) -> None:
    record = FakeRecord(json.dumps(worst(60)).encode())
    whole, sliced = flow(), flow()
    event = whole.model.model_validate_json(record.value)
    plan = whole.judge(record, event, seed_rules(), NOW_US)
    pauses, same = counted(sliced.judge_in_slices(record, event, seed_rules(), NOW_US))
    assert pauses >= 60
    assert len(plan.violations) >= 15 * 60
    assert said(same) == said(plan)
    again = {**worst(60), "event_id": "0197a3b2-0000-7000-8000-000000000002"}
    later = whole.model.model_validate_json(json.dumps(again))  # what is remembered is the same, too
    assert said(whole.judge(record, later, seed_rules(), NOW_US)) == said(
        sliced.judge(record, later, seed_rules(), NOW_US)
    )


def test_the_verdict_is_the_models() -> None:
    flow = SubmissionFlow(empty_recall())
    worst = submission(3)
    worst["documents"][1] |= {
        "path": "docs/ü 'q' \\ \"d\" \u2028.md",
        "metadata": {"title": ["a", "TBD", 7], "tier": 5.5},
    }
    worst["documents"][2] |= {"metadata": {"version": "1.2.3", "status": "x" * 5000}}
    event = flow.model.model_validate_json(json.dumps(worst))
    plan = flow.judge(FakeRecord(), event, seed_rules(), NOW_US)
    verdict = plan.announcements[-1].value
    assert verdict == orjson.dumps(Verdict.model_validate_json(verdict).model_dump(mode="json"))
    assert orjson.loads(verdict)["items"][2]["checks"]


def test_a_long_list_of_metadata_is_held_against_a_standard_in_slices() -> None:
    flow = SubmissionFlow(empty_recall())
    worst = submission(1)
    worst["documents"][0]["metadata"]["title"] = [f"title {number}" for number in range(20_000)]
    event = flow.model.model_validate_json(json.dumps(worst))
    assert counted(flow.judge_in_slices(FakeRecord(), event, seed_rules(), NOW_US))[0] >= 40


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([[[["x"]]]], None),
        ([[[[["x"]]]]], "nest"),
        ([[[[[]]]]], None),
        ([[[[[[]]]]]], "nest"),
        ({"a": {"b": {"c": [{}]}}}, None),
        ({"a": {"b": {"c": [{"d": 1}]}}}, "nest"),
        (2**64 - 1, None),
        ([2**64], "64 bits"),
        ([1.5, -(2**63)], None),
    ],
)
def test_what_metadata_may_hold(value: Any, said: str | None) -> None:
    document = {"path": "a", "sha256": "a" * 64, "metadata": {"a": value}}
    if said is None:
        assert Document.model_validate_json(json.dumps(document)).metadata == {"a": value}
    else:
        with pytest.raises(ValueError, match=said):
            Document.model_validate_json(json.dumps(document))
