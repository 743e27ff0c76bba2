"""The previous record of a path, from a real database: after a restart, late, repeated, beyond the cache, ahead."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
import pytest

from streams.decode import decode
from streams.flows.clock import ClockFlow
from streams.flows.clock_limits import clock_limits
from streams.flows.filesystem import FilesystemFlow
from streams.identity import path_key
from streams.judges.timestamps import FileState
from streams.judging import judge
from streams.plan import Plan
from streams.settings import Settings
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset
from streams.store.database import Database
from streams.store.recall import Recall
from streams.store.transaction import Transactions
from tests.e2e import events
from tests.unit.records import NOW, NOW_NS, NOW_US, FakeRecord

SECOND, DAY = 10**9, 86_400 * 10**9
RULES = Ruleset.compile([spec.to_standard() for spec in seed_standards()], 1, NOW)
CLOCK = {minute: f"2026-11-20T{10 + minute // 60:02}:{minute % 60:02}:00Z" for minute in range(600)}
C = events.BASE_NS
LATER_US = NOW_US + 10 * 3600 * 10**6


@dataclass
class Worker:
    """A worker's judging and writing, without Kafka; a new one knows only what the database holds."""

    settings: Settings
    database: Database
    cache: int = 1000
    with_history: bool = True
    offset: int = 0
    random: Random = field(default_factory=lambda: Random(7))

    def __post_init__(self) -> None:
        self.recall = Recall(self.database)
        self.files = FilesystemFlow(
            self.recall, self.cache, known_paths=1000, with_history=self.with_history, unwritten_batches=1
        )
        self.clocks = ClockFlow(self.recall, clock_limits(self.settings))
        self.transactions = Transactions(self.database, 30)

    def capture(self, at: str, path: str = "/srv/a", **times: int) -> dict[str, Any]:
        event = events.capture(self.random, "build-07", [path], at)
        event["files"][0] |= {"inode": 7, "device": 1, **times}
        return event

    async def judge(self, flow: Any, *batch: dict[str, Any], arrived_us: int = NOW_US) -> list[Plan]:
        records = []
        for event in batch:
            self.offset += 1
            records.append(FakeRecord(orjson.dumps(event), offset=self.offset, timestamp=arrived_us // 1000))
        decoded = [(record, decode(record, flow.model, 500_000)) for record in records]
        assert not any(isinstance(made, Plan) for _, made in decoded)
        await flow.recall(decoded)
        return [judge(flow, record, made, RULES, NOW_US) for record, made in decoded]

    async def take(self, *batch: dict[str, Any], arrived_us: int = NOW_US) -> list[set[str]]:
        """What each capture breaks; all of them are stored."""
        plans = await self.judge(self.files, *batch, arrived_us=arrived_us)
        await self.transactions.write(plans, [])
        return [codes(plan) for plan in plans]

    async def read_clock(self, at: str, offset_microseconds: int = 0) -> None:
        reading = events.reading(self.random, "build-07", offset_microseconds, at)
        await self.transactions.write(await self.judge(self.clocks, reading), [])


def codes(plan: Plan) -> set[str]:
    return {
        orjson.loads(message.value)["standard_code"]
        for message in plan.announcements
        if orjson.loads(message.value)["standard_code"].startswith(("TS-", "GIT-", "CAP-"))
    }


def severity(plan: Plan, code: str) -> tuple[str, str]:
    (message,) = (m for m in map(orjson.loads, (a.value for a in plan.announcements)) if m["standard_code"] == code)
    return message["severity"], message["evidence"]["explained_by"]


@pytest.fixture
def worker(settings: Settings, database: Database) -> Worker:
    return Worker(settings, database)


BACK = {"ctime_ns": C - SECOND, "mtime_ns": C - SECOND, "atime_ns": C}
WENT_BACK = {"TS-CTIME-REGRESSED", "TS-MTIME-CHANGED-CTIME-NOT"}


async def test_the_previous_record_survives_a_restart(worker: Worker, settings: Settings, database: Database) -> None:
    await worker.take(worker.capture(CLOCK[0]))
    again = Worker(settings, database, offset=100)
    assert await again.take(again.capture(CLOCK[1], **BACK)) == [WENT_BACK]


@pytest.mark.parametrize(
    "before", [{"path": "/srv/a", **BACK}, {"path": "/srv/b"}], ids=["the path was known", "it was known to be new"]
)
async def test_it_is_looked_up_again_after_a_rebalance(
    before: dict[str, Any], worker: Worker, settings: Settings, database: Database
) -> None:
    await worker.take(worker.capture(CLOCK[0], **before))
    other = Worker(settings, database, offset=100)
    await other.take(other.capture(CLOCK[1]))
    worker.files.forget()
    assert await worker.take(worker.capture(CLOCK[2], **BACK)) == [WENT_BACK]


async def test_only_paths_that_may_be_stored_are_looked_up(
    worker: Worker, settings: Settings, database: Database
) -> None:
    stored = [f"/srv/{number}" for number in range(700)]
    await worker.take(*[worker.capture(CLOCK[0], path) for path in stored])
    again = Worker(settings, database, offset=1000)
    looked_up: list[bytes] = []
    newest_files = again.recall.newest_files

    async def noted(keys: Sequence[bytes]) -> dict[bytes, FileState]:
        looked_up.extend(keys)
        return await newest_files(keys)

    again.recall.newest_files = noted  # type: ignore[method-assign]
    for minute in (1, 2):  # 500 of the 700 are loaded along with the first, and the others with the second
        await again.take(again.capture(CLOCK[minute], f"/srv/unknown-{minute}"))
    assert len(looked_up) == 2
    assert await again.take(*[again.capture(CLOCK[3], f"/srv/new-{number}") for number in range(100)]) == [set()] * 100
    assert len(looked_up) < 2 + 10
    assert await again.take(again.capture(CLOCK[3], stored[650], **BACK)) == [WENT_BACK]


@pytest.mark.parametrize("restart", [False, True])
async def test_captures_count_in_the_order_of_their_time(worker: Worker, restart: bool) -> None:
    """10:02 comes before 10:01: the older one is held against nothing and is no baseline for what follows."""
    await worker.take(worker.capture(CLOCK[2]))
    assert await worker.take(worker.capture(CLOCK[1], **BACK)) == [set()]
    if restart:
        worker = Worker(worker.settings, worker.database, offset=100)
    assert await worker.take(worker.capture(CLOCK[3], **BACK)) == [WENT_BACK]


async def test_the_same_within_one_batch(worker: Worker) -> None:
    batch = [worker.capture(CLOCK[minute], **times) for minute, times in ((2, {}), (1, BACK), (3, BACK), (3, BACK))]
    assert await worker.take(*batch) == [set(), set(), WENT_BACK, set()]


async def test_replayed_captures_are_held_against_nothing(worker: Worker) -> None:
    first, second = worker.capture(CLOCK[1]), worker.capture(CLOCK[2], **BACK)
    assert await worker.take(first, second) == [set(), WENT_BACK]
    fresh = Worker(worker.settings, worker.database)
    assert [codes(plan) for plan in await fresh.judge(fresh.files, first, second)] == [set(), set()]


async def test_a_capture_ahead_of_its_arrival_is_no_baseline_even_when_its_time_has_come(worker: Worker) -> None:
    written = {"mtime_ns": NOW_NS + 100 * SECOND, "ctime_ns": NOW_NS + 100 * SECOND, "atime_ns": C}
    ahead = worker.capture("2026-11-20T15:00:00Z", **written)
    await worker.take(ahead, arrived_us=NOW_US)
    later_us = NOW_US + 6 * 3_600_000_000
    fresh = Worker(worker.settings, worker.database, offset=100)
    late_but_true = fresh.capture("2026-11-20T14:00:00Z")
    assert await fresh.take(late_but_true, arrived_us=later_us) == [set()]
    assert await fresh.take(fresh.capture("2026-11-20T16:00:00Z", **BACK), arrived_us=later_us) == [WENT_BACK]


async def test_what_is_not_yet_written_is_remembered_beyond_the_cache(settings: Settings, database: Database) -> None:
    worker = Worker(settings, database, cache=0)
    plans = await worker.judge(worker.files, worker.capture(CLOCK[1]))
    back = await worker.judge(worker.files, worker.capture(CLOCK[2], **BACK))
    assert [codes(plan) for plan in back] == [WENT_BACK]
    await worker.transactions.write([*plans, *back], [])
    for number in range(3):  # other paths push it out: the database is asked
        await worker.take(worker.capture(CLOCK[3], f"/srv/{number}"))
    further_back = {"ctime_ns": C - 2 * SECOND, "mtime_ns": C - 2 * SECOND, "atime_ns": C}
    assert await worker.take(worker.capture(CLOCK[4], **further_back)) == [WENT_BACK]


async def test_an_mtime_of_the_past_is_found_in_the_database(worker: Worker, settings: Settings) -> None:
    old = {"mtime_ns": C - 100 * DAY - 1}
    edited = {"mtime_ns": C + SECOND, "ctime_ns": C + SECOND}
    restored = old | {"ctime_ns": C + 2 * SECOND}
    await worker.take(worker.capture(CLOCK[0], **old))
    await worker.take(worker.capture(CLOCK[1], **edited))
    await worker.take(worker.capture(CLOCK[1], "/srv/b", **edited))
    fresh = Worker(settings, worker.database, offset=100)
    plans = await fresh.judge(
        fresh.files, fresh.capture(CLOCK[2], **restored), fresh.capture(CLOCK[2], "/srv/b", **restored)
    )
    assert severity(plans[0], "TS-MTIME-REGRESSED") == ("low", "restored")
    assert severity(plans[1], "TS-MTIME-REGRESSED") == ("high", "none")


async def test_the_host_s_clock_is_what_the_clock_topic_says(worker: Worker, settings: Settings) -> None:
    back = BACK | {"mtime_ns": C}
    await worker.take(worker.capture(CLOCK[1]))
    (plan,) = await worker.judge(worker.files, worker.capture(CLOCK[4], **back))
    assert severity(plan, "TS-CTIME-REGRESSED") == ("high", "none")

    await worker.read_clock(CLOCK[0], 5_000_000)
    await worker.read_clock(CLOCK[2], 5_000_000)
    steady = Worker(settings, worker.database, offset=100)
    (plan,) = await steady.judge(steady.files, steady.capture(CLOCK[4], **back))
    assert severity(plan, "TS-CTIME-REGRESSED") == ("critical", "none")

    await worker.read_clock(CLOCK[3], 0)
    stepped = Worker(settings, worker.database, offset=200)
    (plan,) = await stepped.judge(stepped.files, stepped.capture(CLOCK[4], **back))
    assert severity(plan, "TS-CTIME-REGRESSED") == ("low", "clock_step")


async def test_a_file_with_the_times_of_one_that_was_captured_before(worker: Worker, settings: Settings) -> None:
    model = {"mtime_ns": C - DAY - 1, "atime_ns": C - DAY - 1, "ctime_ns": C - DAY - 1, "inode": 8}
    mimic = model | {"ctime_ns": C, "inode": 9}
    for minute in range(300):  # an unchanged file has a row for each capture
        await worker.take(worker.capture(CLOCK[minute], "/srv/model", **model), arrived_us=LATER_US)
    fresh = Worker(settings, worker.database, offset=1000)
    event = fresh.capture(CLOCK[400], "/srv/new", **mimic)
    plans = await fresh.judge(
        fresh.files, event, fresh.capture(CLOCK[400], "/opt/new", **mimic),
        fresh.capture(CLOCK[400], "/srv/moved", **(mimic | {"inode": 8})),
        {**fresh.capture(CLOCK[400], "/srv/new", **mimic), "host": "another"}, arrived_us=LATER_US,
    )  # fmt: skip
    assert [codes(plan) & {"TS-TOUCH-R"} for plan in plans] == [{"TS-TOUCH-R"}, set(), set(), set()]
    assert severity(plans[0], "TS-TOUCH-R") == ("medium", "none")
    # The model is written again: what carries its old time mimics nobody.
    now = {"mtime_ns": C, "ctime_ns": C, "atime_ns": C, "inode": 8}
    await fresh.take(fresh.capture(CLOCK[401], "/srv/model", **now), arrived_us=LATER_US)
    (plan,) = await fresh.judge(fresh.files, fresh.capture(CLOCK[402], "/srv/late", **mimic), arrived_us=LATER_US)
    assert codes(plan) == set()
    # Together with its model in one event it is the capture that tells.
    both = fresh.capture(CLOCK[403], "/srv/model", **model)
    both["files"] += fresh.capture(CLOCK[403], "/srv/beside", **mimic)["files"]
    assert "TS-TOUCH-R" in codes((await fresh.judge(fresh.files, both, arrived_us=LATER_US))[0])


async def test_history_can_be_switched_off(settings: Settings, database: Database) -> None:
    worker = Worker(settings, database, with_history=False)
    future = {"mtime_ns": C + 60 * SECOND}
    assert await worker.take(worker.capture(CLOCK[1])) == [set()]
    assert await worker.take(worker.capture(CLOCK[2], **BACK), worker.capture(CLOCK[3], **future)) == [
        set(),
        {"TS-MTIME-AFTER-CTIME"},
    ]


async def test_all_that_a_rule_compares_comes_back_from_the_database(worker: Worker) -> None:
    full = {"birthtime_ns": C - DAY, "size_bytes": 3, "sha256": "a" * 64, "git_commit_sha": "b" * 40}
    event = worker.capture(CLOCK[1], **full)  # type: ignore[arg-type]
    event["files"][0]["git_committed_at"] = "2026-11-19T10:00:00+01:00"
    await worker.take(event)
    key = path_key(event["host"], event["files"][0]["file_path"])
    remembered = worker.files._history.newest(key)  # type: ignore[union-attr]
    stored = (await worker.recall.newest_files([key]))[key]
    assert stored == remembered
    assert remembered is not None
    assert (remembered.sha256, remembered.offset) == ("a" * 64, 1)
