"""A recorder with real stores and a real broker around it; only Faust's event is stood in for."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any

from streams.decode import decode
from streams.flows.filesystem import FilesystemFlow
from streams.flows.submission import SubmissionFlow
from streams.judging import judge
from streams.kafka.announcer import Announcer
from streams.kafka.lease import Lease
from streams.observability.health import Health
from streams.plan import Plan
from streams.recorder import Batch, Recorder
from streams.settings import Settings
from streams.standards.ruleset import Ruleset
from streams.standards.standard import Standard
from streams.store.database import Database
from streams.store.recall import Recall
from streams.store.transaction import Transactions
from tests.e2e import events
from tests.e2e.worker import eventually
from tests.unit.records import NOW_US, FakeRecord

RULES = Ruleset.compile(
    [
        Standard(
            id="no-tmp",
            code="FS-TEST-001",
            version=1,
            kind="regex",
            applies_to="filesystem",
            category="path_hygiene",
            field="file_path",
            pattern=r"^/tmp/",
            match_mode="must_not_match",
            status="active",
        )
    ],
    revision=5,
    now=datetime.now(UTC),
)


@dataclass
class Event:
    """What the recorder uses of a Faust event."""

    generation: int = 1
    acknowledged: bool = False
    app: Any = field(default_factory=lambda: SimpleNamespace(consumer_generation_id=1, consumer=Consumer()))

    @property
    def message(self) -> Any:
        return SimpleNamespace(generation_id=self.generation)

    def ack(self) -> None:
        self.acknowledged = True


class Consumer:
    commits = 0

    async def commit(self) -> None:
        self.commits += 1


class Rig:
    """A recorder with real stores around it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.health = Health(stall_seconds=60)
        self.announcer = Announcer(settings)
        recall = Recall(database)
        self.flow = FilesystemFlow(recall, 1000, known_paths=1000)
        self.submissions = SubmissionFlow(recall)
        transactions = Transactions(database, settings.database_statement_timeout_seconds)
        self.recorder = Recorder(settings, transactions, recall, self.announcer, self.health, Lease(60))

    async def plans(self, values: list[bytes | None], flow: Any = None, offset: int = 0) -> list[Plan]:
        flow = flow or self.flow
        topic = self.settings.topic(flow.topic)
        records = [FakeRecord(value, topic, offset=offset + i) for i, value in enumerate(values)]
        decoded = [(record, decode(record, flow.model, 100_000)) for record in records]
        await flow.recall([(record, event) for record, event in decoded if not isinstance(event, Plan)])
        return [e if isinstance(e, Plan) else judge(flow, record, e, RULES, NOW_US) for record, e in decoded]

    async def record(self, values: list[bytes | None], flow: Any = None, offset: int = 0) -> Event:
        event = Event()
        await self.recorder.put([Batch(event, flow or self.flow, await self.plans(values, flow, offset))])
        await eventually(lambda: acknowledged(event), 30, "the batch is acknowledged")
        return event

    async def rows(self, table: str) -> list[dict[str, Any]]:
        return await self.database.fetch_all(f"SELECT * FROM {table} ORDER BY id")


async def acknowledged(event: Event) -> bool:
    return event.acknowledged


def capture(path: str = "/srv/a", seed: int = 1, **times: int) -> bytes:
    return json.dumps(events.capture(Random(seed), "host", [path], **times)).encode()
