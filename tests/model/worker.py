"""One life of a worker after another, on a real database: flows, judging and recorder as in `app.py`.

Kafka is stood in for by a list that outlives its workers: what is sent is kept, and a life can be made to end at the
moments at which a real one may.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Literal

from streams.flows.clock import ClockFlow
from streams.flows.clock_limits import clock_limits
from streams.flows.filesystem import FilesystemFlow
from streams.flows.submission import SubmissionFlow
from streams.judging import Judging
from streams.kafka.lease import Lease
from streams.kafka.outgoing import Outgoing
from streams.observability.health import Health
from streams.recorder import Batch, Recorder
from streams.settings import Settings
from streams.standards.ruleset import Ruleset
from streams.standards.standard import Standard
from streams.store.database import Database
from streams.store.recall import Recall
from streams.store.transaction import Transactions
from tests.model.oracle import Sent
from tests.unit.records import NOW_US, FakeRecord

Moment = Literal["never", "judged", "writing", "committed", "announced"]
"""When a life ends: with what was judged, somewhere in the transaction, before or after its messages are sent."""
_PATIENCE_SECONDS = 20


class Crash(Exception):
    """The worker's life ends here."""


def rules() -> Ruleset:
    def rule(code: str, **changes: Any) -> Standard:
        return Standard(id=code.lower(), code=code, version=1, kind="regex", status="active", **changes)

    return Ruleset.compile(
        [
            rule(
                "FS-TEST-001", applies_to="filesystem", category="path_hygiene", field="file_path", pattern="^/tmp/",
                match_mode="must_not_match",
            ),
            rule(
                "SUB-TEST-001", applies_to="submission", category="naming", field="metadata.version",
                pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$", severity="high",
            ),
        ],
        1,
        datetime.now(UTC),
    )  # fmt: skip


RULES = rules()


@dataclass
class Topics:
    """What was sent to the output topics, by all lives together."""

    sent: list[Outgoing] = field(default_factory=list)
    crash_at: Moment = "never"

    async def send_all(self, messages: Sequence[Outgoing]) -> None:
        if self.crash_at == "committed":
            raise Crash
        self.sent += messages
        if self.crash_at == "announced":
            raise Crash


@dataclass
class Event:
    """What the recorder uses of a Faust event."""

    app: Any = field(default_factory=lambda: SimpleNamespace(consumer_generation_id=1, consumer=Event.Consumer()))
    generation: int = 1
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    class Consumer:
        async def commit(self) -> None:
            """Offsets are the machine's own rule."""

    @property
    def message(self) -> Any:
        return SimpleNamespace(generation_id=self.generation)

    def ack(self) -> None:
        self.acknowledged.set()


async def _acknowledged(events: Sequence[Event]) -> None:
    for event in events:
        await event.acknowledged.wait()


class Life:
    """A worker from its start to its crash. Remembers what it has seen, as a worker does."""

    def __init__(self, settings: Settings, database: Database, topics: Topics) -> None:
        recall = Recall(database)
        transactions = Transactions(database, settings.database_statement_timeout_seconds)
        self._topics = topics
        self._health = Health(60)
        self._recorder = Recorder(settings, transactions, recall, topics, self._health, Lease(60))  # type: ignore[arg-type]
        # So small memories that they forget.
        flows = (
            FilesystemFlow(recall, 5, known_paths=20),
            ClockFlow(recall, clock_limits(settings)),
            SubmissionFlow(recall),
        )
        self._judging = {
            flow.topic: Judging(flow, lambda: RULES, 10_000, self._recorder.retrying)  # type: ignore[arg-type]
            for flow in flows
        }
        self._prefix = settings.topic("")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """The recorder's own two tasks, held here so that a crash can take them away at once."""
        of = Recorder.__dict__
        self._tasks = [asyncio.ensure_future(of[name].fun(self._recorder)) for name in ("_work", "_finish")]

    async def take(self, batches: Sequence[Sequence[Sent]], end: Moment, after_seconds: float) -> bool:
        """Work through batches of one topic at once; False if this life ended with them."""
        topic = batches[0][0].topic
        records = [[self._record(sent) for sent in batch] for batch in batches]
        judging = self._judging[topic]
        judged = await judging.plans(records)
        if end == "judged":
            return False
        self._topics.crash_at = end
        events = [Event() for _ in batches]
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._recorder.put(
                [Batch(event, judging, plans) for event, plans in zip(events, judged, strict=True)]
            )
        if end == "writing":
            await asyncio.sleep(after_seconds)
            return False
        everything = asyncio.ensure_future(_acknowledged(events))
        done, _ = await asyncio.wait(
            [everything, *self._tasks], timeout=_PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if everything in done:
            return True
        everything.cancel()
        await asyncio.gather(everything, return_exceptions=True)
        assert done, "the recorder neither acknowledged nor crashed"
        error = next(iter(done)).exception()
        assert isinstance(error, Crash), f"the recorder ended by itself: {error!r}"
        return False

    async def put_of_another_generation(self, batch: Sequence[Sent]) -> None:
        """As a worker does that was paused while its partitions moved; returns when the recorder is done with it."""
        judging = self._judging[batch[0].topic]
        (plans,) = await judging.plans([[self._record(sent) for sent in batch]])
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._recorder.put([Batch(Event(generation=0), judging, plans)])
            while self._health.oldest_unwritten_seconds():  # noqa: ASYNC110  # nobody is told when it is done
                await asyncio.sleep(0.001)
        judging.forget()

    async def crash(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._topics.crash_at = "never"

    def forget(self) -> None:
        for judging in self._judging.values():
            judging.forget()

    def _record(self, sent: Sent) -> FakeRecord:
        topic = self._prefix + sent.topic
        return FakeRecord(sent.value, topic, sent.partition, sent.offset, NOW_US // 1000 + sent.offset, 0, sent.key)
