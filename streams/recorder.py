"""The recorder: takes what the intakes have judged, stores it, announces it, and only then acknowledges it.

queue ─► group ─► store ─► announce ─► acknowledge      one group is announced while the next is stored
                   └─ whatever the database says: storing.py
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import time
from typing import Any, Protocol, TypeVar

import mode
import structlog

from streams.crash_points import reach
from streams.errors import CockpitError
from streams.kafka.announcer import Announcer
from streams.kafka.dead_letters import SUFFIX, headers_of
from streams.kafka.lease import Lease
from streams.kafka.outgoing import Outgoing
from streams.observability import metrics
from streams.observability.health import Health
from streams.plan import DeadLetter, Plan
from streams.settings import Settings
from streams.store.recall import Recall
from streams.store.transaction import Transactions
from streams.storing import Abandoned, Storing

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

_IDLE_SECONDS = 1.0
_LATENCY_SAMPLES = 100


class TooManyInternalErrors(CockpitError):
    """A bug of ours hits record after record: better to stop than to empty a topic into the dead letters."""


class Forgetful(Protocol):
    """What remembers records as stored, and must not when they are not."""

    def forget(self) -> None:
        """Go by what the database says."""
        ...


@dataclass(slots=True)
class Batch:
    """One fetched batch of a partition, judged: the Faust event to acknowledge, and a plan for each record."""

    event: Any
    memory: Forgetful
    plans: list[Plan]

    @property
    def is_ours(self) -> bool:
        """Whether the batch's partition is still assigned as it was when the batch was read."""
        return bool(self.event.message.generation_id == self.event.app.consumer_generation_id)


@dataclass(slots=True)
class _Stored:
    """What one transaction stored, to be announced and acknowledged."""

    batches: Sequence[Batch]
    plans: Sequence[Plan]
    packages: list[str]
    """The outbox rows that hold the announcements."""
    committed_at: float


class Recorder(mode.Service):  # type: ignore[misc]
    """One writer a worker. `put` waits while the queue is full."""

    def __init__(
        self,
        settings: Settings,
        transactions: Transactions,
        recall: Recall,
        announcer: Announcer,
        health: Health,
        lease: Lease,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._storing = Storing(transactions, recall, health, lease)
        self._announcer = announcer
        self._health = health
        self._queue: asyncio.Queue[list[Batch]] = asyncio.Queue(settings.queued_groups)
        self._stored: asyncio.Queue[tuple[_Stored, int]] = asyncio.Queue(1)
        self._internal_errors = 0
        self._shadow_labels: set[str] = set()
        self.detection_samples_ms: deque[float] = deque(maxlen=_LATENCY_SAMPLES)
        """Recent times from Kafka timestamp to commit, for query_metrics."""

    async def put(self, group: list[Batch]) -> None:
        """Queue judged batches; those of one partition must come in their order."""
        self._health.group_begins(min(batch.plans[0].record.timestamp for batch in group) / 1000)
        await self._queue.put(group)

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        while not self.should_stop:
            if groups := await self._take():
                batches = [batch for group in groups for batch in group]
                try:
                    stored = await self._record(batches)
                except Abandoned:
                    log.warning("batches_abandoned", batches=len(batches), reason="their partitions moved")
                    stored = None
                if stored is None:
                    self._health.groups_end(len(groups))
                else:
                    await self._stored.put((stored, len(groups)))
            else:
                await self._storing.forget_announced()

    async def _take(self) -> list[list[Batch]]:
        """All that is queued, up to the size of a transaction; nothing after a second without a group."""
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                groups = [await self._queue.get()]
        except TimeoutError:
            return []
        records = _records(groups[0])
        while not self._queue.empty() and records < self._settings.transaction_records:
            groups.append(self._queue.get_nowait())
            records += _records(groups[-1])
        return groups

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _finish(self) -> None:
        while not self.should_stop:
            stored, groups = await self._stored.get()
            await self._announce(stored)
            reach("after_announce")
            self._count(stored.plans, stored.committed_at)
            self._storing.announced(stored.packages)
            for batch in stored.batches:
                batch.event.ack()
            if any(plan.dead_letter for plan in stored.plans):
                # A dead letter cannot be recognised as sent when its record is read again: commit at once.
                await stored.batches[0].event.app.consumer.commit()
            self._health.groups_end(groups)

    async def _record(self, batches: Sequence[Batch]) -> _Stored | None:
        """Store what is still ours of the batches; None if nothing is."""
        batches = [batch for batch in batches if batch.is_ours]
        plans = [plan for batch in batches for plan in batch.plans]
        if not plans:
            return None
        _mark_repeated(plans)
        self._require_few_internal_errors(plans)
        packages = await self._storing.store(plans, lambda: all(batch.is_ours for batch in batches))
        stored = _Stored(batches, plans, packages, committed_at=time())
        if any(plan.dead_letter and plan.dead_letter.stage == "store" for plan in plans):
            for batch in batches:  # what was refused is remembered as if it had been stored
                batch.memory.forget()
        return stored

    async def _announce(self, stored: _Stored) -> None:
        plans = stored.plans
        outgoing = [
            Outgoing(self._settings.topic(message.topic), message.key.encode(), message.value, message.headers)
            for plan in plans
            if plan.dead_letter is None
            for message in plan.announcements
        ]
        for plan in [plan for plan in plans if plan.dead_letter]:
            if plan.dead_letter and plan.from_timer:  # there is no record to keep; the timer will try again
                log.error("timer_refused_by_database", error=plan.dead_letter.message)
            elif plan.dead_letter:
                outgoing.append(self._dead_letter(plan, plan.dead_letter, stored.committed_at))
        if outgoing:
            await self._announcer.send_all(outgoing)

    def _dead_letter(self, plan: Plan, letter: DeadLetter, failed_at: float) -> Outgoing:
        record = plan.record
        headers = headers_of(record, letter, self._settings.kafka_group, int(failed_at * 1_000_000))
        return Outgoing(record.topic + SUFFIX, record.key, record.value, headers, record.partition)

    def _require_few_internal_errors(self, plans: Sequence[Plan]) -> None:
        if not any(plan.dead_letter for plan in plans):
            self._internal_errors = 0
            return
        for plan in plans:
            if plan.from_timer:
                continue
            if plan.dead_letter is None:
                self._internal_errors = 0
            elif plan.dead_letter.reason == "internal_error":
                self._internal_errors += 1
        if self._internal_errors > self._settings.internal_error_limit:
            raise TooManyInternalErrors(
                f"{self._internal_errors} records in a row met a bug of ours; nothing of this batch is acknowledged"
            )

    def _count(self, plans: Sequence[Plan], committed_at: float) -> None:
        outcomes: Counter[tuple[str, str]] = Counter()
        detection_seconds, lookup_seconds = [], []
        consumed = [plan for plan in plans if not plan.from_timer]
        for plan in plans:
            outcome = "dead_lettered" if plan.dead_letter else "duplicate" if plan.duplicate else "stored"
            if not plan.from_timer:
                outcomes[plan.record.topic, outcome] += 1
            if plan.lookup_seconds is not None:
                lookup_seconds.append(plan.lookup_seconds)
            for code, count in plan.indeterminate.items():
                metrics.INDETERMINATE.labels(code).inc(count)
            if outcome != "stored":
                continue
            if not plan.from_timer:
                detection_seconds.append(max(0.0, committed_at - plan.record.timestamp / 1000))
            for violated in plan.violations:
                metrics.VIOLATIONS.labels(violated.category, violated.severity).inc()
            for (code, _), count in plan.shadow.items():
                metrics.SHADOW_VIOLATIONS.labels(self._shadow_label(code)).inc(count)
            for kind, severity in plan.drift_alerts:
                metrics.DRIFT_ALERTS.labels(kind, severity).inc()
        metrics.VIOLATION_DETECTION.observe_all(detection_seconds)
        metrics.STANDARDS_LOOKUP.observe_all(lookup_seconds)
        for (topic, outcome), count in outcomes.items():
            metrics.RECORDS.labels(topic, outcome).inc(count)
        if consumed:
            metrics.BATCH_RECORDS.observe(len(consumed))
            self.detection_samples_ms.append(max(0.0, committed_at * 1000 - consumed[0].record.timestamp))

    def _shadow_label(self, code: str) -> str:
        if code not in self._shadow_labels and len(self._shadow_labels) >= metrics.SHADOW_LABEL_LIMIT:
            return "other"
        self._shadow_labels.add(code)
        return code

    async def retrying(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        """The operation's result, however long the database is away; every other error is raised."""
        return await self._storing.retrying(operation)


def _records(group: Sequence[Batch]) -> int:
    return sum(len(batch.plans) for batch in group)


def _mark_repeated(plans: Sequence[Plan]) -> None:
    """Of records with the same rows in one group the first is stored; the others are duplicates."""
    seen: set[str] = set()
    for plan in plans:
        if plan.anchor and not plan.duplicate and plan.dead_letter is None:
            if plan.anchor in seen:
                plan.become_duplicate()
            seen.add(plan.anchor)
