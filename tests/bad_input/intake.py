"""Decode and judge as a worker does, before an empty database; and what must be true of every plan that comes out."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from time import thread_time
from typing import Any, cast

from streams.flows import AnyFlow
from streams.flows.clock import ClockFlow
from streams.flows.clock_limits import clock_limits
from streams.flows.filesystem import FilesystemFlow
from streams.flows.submission import SubmissionFlow
from streams.judging import Judging
from streams.plan import Plan, Record
from streams.settings import Settings
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset
from streams.store.database import Database
from streams.store.recall import Recall

LONGEST_SECONDS = 0.05
"""For so long at most a record may hold the event loop, whatever it is."""
_SECONDS_AN_ITEM = 0.001
"""A capture of 1,000 files or a submission of 1,000 documents that all break what they can is honest work: 0.35 ms
for each on a quiet machine."""
_ELEMENTS_AN_ITEM = 500
"""And so is a list of metadata that a standard looks at."""

REASONS = frozenset({"tombstone", "too_large", "invalid_encoding", "invalid_json", "invalid"})
"""What a record may be dead-lettered for before it is stored; anything else is a bug."""


class EmptyDatabase:
    """Knows nothing of the past, whatever it is asked."""

    async def fetch_all(self, query: str, arguments: Sequence[Any] = ()) -> list[dict[str, Any]]:
        # The query must be one that can be sent: a lone surrogate in it could not.
        query.encode("utf-8")
        return []


@cache
def seed_rules() -> Ruleset:
    return Ruleset.compile([spec.to_standard() for spec in seed_standards()], 1, datetime.now(UTC))


def empty_recall() -> Recall:
    return Recall(cast(Database, EmptyDatabase()))


class Intake:
    """The three intakes of one worker, with what they remember."""

    def __init__(self, settings: Settings | None = None, rules: Ruleset | None = None) -> None:
        settings = settings or Settings.model_construct()
        recall = empty_recall()
        rules = rules or seed_rules()
        flows: tuple[AnyFlow, ...] = (
            FilesystemFlow.of(settings, recall),
            ClockFlow(recall, clock_limits(settings)),
            SubmissionFlow(recall),
        )
        self._judging = {flow.topic: Judging(flow, lambda: rules, settings.max_record_bytes) for flow in flows}

    async def plan(self, topic: str, record: Record) -> Plan:
        """What becomes of one record of a topic, which is named without its prefix."""
        ((plan,),) = await self._judging[topic].plans([[record]])
        return plan

    async def timed_plan(self, topic: str, record: Record) -> tuple[Plan, float, float]:
        """The plan, what it took of the processor, and the longest that it kept the event loop from others."""
        turns = [thread_time()]

        async def other() -> None:
            while True:
                turns.append(thread_time())
                await asyncio.sleep(0)

        others = asyncio.create_task(other())
        await asyncio.sleep(0)
        started = thread_time()
        plan = await self.plan(topic, record)
        turns.append(thread_time())
        others.cancel()
        return plan, turns[-1] - started, max(after - before for before, after in pairwise(turns))

    def forget(self) -> None:
        for judging in self._judging.values():
            judging.forget()


def longest_seconds(value: bytes | None) -> float:
    """What decoding and judging may take of the processor: 50 ms, or 1 ms for each file or document in it."""
    value = value or b""
    items = max(value.count(b'"file_path"'), value.count(b'"metadata"'), value.count(b",") // _ELEMENTS_AN_ITEM)
    return max(LONGEST_SECONDS, _SECONDS_AN_ITEM * items)


def too_long(value: bytes | None, spent: float, held: float, patience: float = 1.0) -> str | None:
    """What is wrong with the time that a record took, times as many as `patience` says; None if nothing is."""
    if held > patience * LONGEST_SECONDS:
        return f"held the event loop for {held * 1000:.0f} ms"
    return f"took {spent * 1000:.0f} ms" if spent > patience * longest_seconds(value) else None


def outcome(plan: Plan) -> str:
    """stored, duplicate, or the reason of the dead letter."""
    if plan.dead_letter is not None:
        return plan.dead_letter.reason
    return "duplicate" if plan.duplicate else "stored"


def fault(plan: Plan, secrets: Sequence[str] = ()) -> str | None:
    """What is wrong with a plan, whatever its record was; None if nothing is."""
    letter = plan.dead_letter
    if letter is None:
        return _fault_of_rows(plan)
    if letter.reason not in REASONS:
        return f"dead-lettered as {letter.reason}: {letter.message}"
    if plan.rows or plan.announcements or plan.violations:
        return "a dead letter that also stores or announces"
    message = letter.message
    if not message or len(message) > 1000 or not message.isprintable():
        return f"the message is empty, too long or not one printable line: {message!a}"
    if ":" not in message:
        return f"the message does not begin with a field: {message!a}"
    if any(secret in message for secret in secrets):
        return "the message tells a secret"
    return None


def _fault_of_rows(plan: Plan) -> str | None:
    if not plan.anchor or not plan.anchor_table:
        return "no anchor: a repeat could not be recognised"
    if plan.duplicate:
        return None
    literals = plan.rows.get(plan.anchor_table)
    if not literals:
        return f"neither rows in {plan.anchor_table} nor a dead letter: dropped in silence"
    if not literals[0].startswith(f"('{plan.anchor}'"):
        return "the anchor is not the first row's id"
    for literals in plan.rows.values():
        for literal in literals:
            literal.encode("utf-8")  # raises for what no connection could send
    for message in plan.announcements:
        message.key.encode("utf-8")
    return None
