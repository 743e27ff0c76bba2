"""A worker's clock flow, recorder and timer around a real database and broker; Faust's event is stood in for."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any

from streams.clock_timer import ClockTimer
from streams.decode import decode
from streams.flows.clock import ClockFlow
from streams.flows.clock_limits import clock_limits
from streams.judging import judge
from streams.kafka.announcer import Announcer
from streams.kafka.lease import Lease
from streams.observability.health import Health
from streams.plan import Plan
from streams.recorder import Batch, Recorder
from streams.settings import Settings
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset
from streams.store.database import Database
from streams.store.recall import Recall
from streams.store.transaction import Transactions
from streams.times import from_microseconds
from tests.e2e import events
from tests.e2e.worker import eventually, read_all
from tests.unit.records import NOW_US, FakeRecord

SECOND = 1_000_000


def rules(without: str = "") -> Ruleset:
    """The seed standards, all of them or all but one."""
    standards = [spec.to_standard() for spec in seed_standards() if spec.code != without]
    return Ruleset.compile(standards, 3, datetime.now(UTC))


@dataclass
class Assignment:
    """Partitions that this worker has, and whether each is read to its end."""

    partitions: dict[int, bool]
    number: int = 1

    def generation(self) -> int:
        return self.number

    def caught_up(self) -> dict[int, bool]:
        return self.partitions

    def event(self, generation: int) -> "Event":
        return Event(SimpleNamespace(consumer_generation_id=self.number), generation)


@dataclass
class Event:
    """What the recorder uses of a Faust event."""

    app: Any = field(default_factory=lambda: SimpleNamespace(consumer_generation_id=1))
    generation_id: int = 1
    acknowledged: bool = False

    @property
    def message(self) -> "Event":
        return self

    def ack(self) -> None:
        self.acknowledged = True


class ClockRig:
    """One worker as far as clocks go; `at` counts seconds from a fixed moment."""

    def __init__(self, settings: Settings, database: Database, partitions: dict[int, bool] | None = None) -> None:
        self.settings = settings
        self.assignment = Assignment({0: True, 1: True} if partitions is None else partitions)
        self.announcer = Announcer(settings)
        self.rules = rules()
        recall = Recall(database)
        self.flow = ClockFlow(recall, clock_limits(settings))
        self.recorder = Recorder(settings, Transactions(database, 10), recall, self.announcer, Health(60), Lease(60))
        self.timer = ClockTimer(settings, self.flow, recall, self.recorder, lambda: self.rules, self.assignment)
        self._offset = 0

    async def start(self) -> "ClockRig":
        await self.announcer.start()
        await self.recorder.start()
        return self

    async def stop(self) -> None:
        await self.recorder.stop()
        await self.announcer.stop()

    async def plans(self, *readings: tuple[str, int, float], partition: int = 1, **fields: Any) -> list[Plan]:
        """The plans of readings (component, offset, second), judged as one batch."""
        known = []
        for component, offset, at in readings:
            arrived_us = NOW_US + round(at * SECOND)
            random = Random(f"{component}{offset}{at}")
            event = events.reading(random, component, offset, from_microseconds(arrived_us).isoformat())
            value = json.dumps(event | fields).encode()
            self._offset += 1
            topic = self.settings.topic(self.flow.topic)
            record = FakeRecord(value, topic, partition, self._offset, -(-arrived_us // 1000), component.encode())
            decoded = decode(record, self.flow.model, 100_000)
            assert not isinstance(decoded, Plan), decoded.dead_letter
            known.append((record, decoded))
        await self.flow.recall(known)
        return [judge(self.flow, record, event, self.rules, NOW_US) for record, event in known]

    async def put(self, plans: list[Plan]) -> None:
        event = Event()
        await self.recorder.put([Batch(event, self.flow, plans)])
        await eventually(lambda: _acknowledged(event), 30, "the batch is acknowledged")

    async def read(self, *readings: tuple[str, int, float], **fields: Any) -> None:
        """Readings (component, offset, second), as one batch, until they are stored."""
        await self.put(await self.plans(*readings, **fields))

    async def look(self, at: float) -> int:
        """A look of the timer, until what it decided is stored."""
        made = await self.timer.look(NOW_US + round(at * SECOND))
        await self.put([Plan(FakeRecord(), from_timer=True)])  # the queue is in order: what came before is stored
        return made

    async def alerts(self) -> list[tuple[str, str, str]]:
        """(component, kind, state) of what was announced, in order."""
        return [(a["component_name"], a["kind"], a["state"]) for a in await self.messages()]

    async def messages(self) -> list[dict[str, Any]]:
        """The messages of drift-alerts.v1, by the time of their sending."""
        found = await read_all(self.settings, "drift-alerts.v1")
        return [
            json.loads(record.value) for record in sorted(found, key=lambda r: (r.timestamp, r.partition, r.offset))
        ]


async def _acknowledged(event: Event) -> bool:
    return event.acknowledged
