"""Two groups at once: the look-up of one overlaps the judging of another, and the order of judging stays."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from streams.flows.filesystem import FilesystemFlow
from streams.flows.one_by_one import one_by_one
from streams.judging import Judging, judge
from streams.plan import Plan, Record
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset
from tests.unit.records import NOW, FakeRecord


class Event:
    """Stands where a model is: takes any bytes."""

    @staticmethod
    def model_validate_json(value: bytes) -> str:
        return value.decode()


class OrderKeepingFlow:
    """Writes down what it is asked for; its look-up ends when the test says so."""

    topic, model = "t.v1", Event

    def __init__(self) -> None:
        self.said: list[str] = []
        self.both_asked = asyncio.Event()
        self.may_end = {"a": asyncio.Event(), "b": asyncio.Event()}

    async def foresee(self, events: Sequence[tuple[Record, str]]) -> str:
        name = events[0][1]
        self.said.append(f"foresee {name}")
        if len(self.said) == 2:
            self.both_asked.set()
        await self.may_end[name].wait()
        return name

    async def recall(self, events: Sequence[tuple[Record, str]], foreseen: Any = None) -> None:
        self.said.append(f"recall {foreseen}")

    def judge(self, record: Record, event: str, rules: Ruleset, now_us: int) -> Plan:
        if event == "bug":
            raise RuntimeError("of ours")
        self.said.append(f"judge {event}")
        return Plan(record, event)

    def judge_all(self, events: Sequence[tuple[Record, str]], rules: Ruleset, now_us: int) -> list[Plan]:
        return one_by_one(self.judge, events, rules, now_us)

    def forget(self) -> None:
        self.said.append("forget")


def judges(flow: Any) -> Judging:
    rules = Ruleset.compile([], 1, NOW)
    return Judging(flow, lambda: rules, 1000)


async def test_a_later_group_is_looked_up_early_and_judged_late() -> None:
    flow = OrderKeepingFlow()
    judging = judges(flow)
    first = asyncio.create_task(judging.plans([[FakeRecord(b"a")]]))
    second = asyncio.create_task(judging.plans([[FakeRecord(b"b")]]))
    flow.may_end["b"].set()
    await flow.both_asked.wait()
    assert flow.said == ["foresee a", "foresee b"]
    flow.may_end["a"].set()
    assert [plan.anchor for (plan,) in await first] == ["a"]
    assert [plan.anchor for (plan,) in await second] == ["b"]
    assert flow.said[2:] == ["recall a", "judge a", "recall b", "judge b"]


async def test_a_bug_costs_its_record_alone() -> None:
    flow = OrderKeepingFlow()
    flow.may_end["a"].set()
    ((good, bad),) = await judges(flow).plans([[FakeRecord(b"a"), FakeRecord(b"bug")]])
    assert good.dead_letter is None
    assert bad.dead_letter is not None
    assert bad.dead_letter.reason == "internal_error"


async def test_the_records_of_all_partitions_are_judged_together_and_keep_their_places() -> None:
    flow, asked = OrderKeepingFlow(), []
    flow.may_end["a"].set()

    def judge_all(events: Sequence[tuple[Record, str]], rules: Ruleset, now_us: int) -> list[Plan]:
        asked.append([event for _, event in events])
        return one_by_one(flow.judge, events, rules, now_us)

    flow.judge_all = judge_all  # type: ignore[method-assign]
    values = [[b"a", None], [None], [b"c", b"d" * 2000, b"e"]]  # without a value, and longer than is allowed
    plans = await judges(flow).plans([[FakeRecord(value) for value in batch] for batch in values])
    assert asked == [["a", "c", "e"]]
    assert [[plan.anchor for plan in batch if plan.dead_letter is None] for batch in plans] == [["a"], [], ["c", "e"]]
    assert [[plan.dead_letter is not None for plan in batch] for batch in plans] == [
        [False, True],
        [True],
        [False, True, False],
    ]


class Stumbling(Ruleset):
    """Rules that meet a bug of ours in one host."""

    def violations(self, applies_to: Any, values: Any, path: str | None) -> list[Any]:
        if values["host"] == "stumble":
            raise RuntimeError("of ours")
        return super().violations(applies_to, values, path)


def captured(host: str) -> FakeRecord:
    at = 1_700_000_000_000_000_000
    file = {"file_path": "/srv/My a.py", "atime_ns": at, "mtime_ns": at, "ctime_ns": at}
    event = {
        "event_id": "00000000-0000-4000-8000-000000000001",
        "host": host,
        "captured_at": "2026-11-20T10:00:00Z",
        "files": [file],
    }
    return FakeRecord(json.dumps(event).encode())


async def test_a_bug_costs_one_capture_of_those_that_are_judged_together() -> None:
    flow = FilesystemFlow(None, 10, with_history=False)  # type: ignore[arg-type]  # nothing is looked up
    rules = Stumbling.compile([spec.to_standard() for spec in seed_standards()], 1, NOW)
    records = [captured(host) for host in ("one", "stumble", "other")]
    (plans,) = await Judging(flow, lambda: rules, 1000).plans([records])
    assert [plan.dead_letter and plan.dead_letter.reason for plan in plans] == [None, "internal_error", None]
    for plan, record in zip(plans, records, strict=True):
        if plan.dead_letter is None:
            event = flow.model.model_validate_json(record.value or b"")
            assert plan.rows == judge(flow, record, event, rules, plan.violations[0].detected_at_us).rows
            assert plan.violations
