"""What tests of incidents share: three rules, records that break or pass them, and a keeper that looks when told."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from streams.decode import decode
from streams.flows import AnyFlow
from streams.flows.clock import ClockFlow
from streams.flows.clock_limits import clock_limits
from streams.flows.filesystem import FilesystemFlow
from streams.flows.submission import SubmissionFlow
from streams.identity import fingerprint
from streams.incident_keeper import IncidentKeeper
from streams.judging import judge
from streams.plan import Plan
from streams.settings import Settings
from streams.standards.cache import StandardsCache
from streams.standards.lifecycle import ON_TRIAL
from streams.standards.planning import Changes, governing, plan_changes, steps_to
from streams.standards.spec import StandardSpec
from streams.standards.standard import Status
from streams.store import registry
from streams.store.database import Database
from streams.store.recall import Recall
from streams.store.transaction import Transactions
from streams.times import microseconds
from tests.e2e import events
from tests.unit.records import FakeRecord

GOOD, BAD = "a" * 40, "b" * 40
FILE = fingerprint("FS-INC-001", "host:/srv/a", "git_commit_sha")
CLOCK = fingerprint("CLK-INC-001", "api", "stratum")
DOCUMENT = fingerprint("SUB-INC-001", "docs/ARTIFACT_16_TECH_STACK_UPDATE.md", "metadata.status")
RULES = (
    ("FS-INC-001", "filesystem", "git_commit_sha", "^a"),
    ("CLK-INC-001", "clock", "stratum", "^[1-4]$"),
    ("SUB-INC-001", "submission", "metadata.status", "^Active$"),
)


def spec(code: str, applies_to: str, field: str, pattern: str, **more: Any) -> StandardSpec:
    return StandardSpec.model_validate(
        {"code": code, "applies_to": applies_to, "category": "test", "field": field, "pattern": pattern, **more}
    )


@dataclass
class Rig:
    """Stores records as a worker does, at seconds after a base that is a while ago."""

    settings: Settings
    database: Database
    cache: StandardsCache
    transactions: Transactions
    keeper: IncidentKeeper
    base: datetime
    offset: int = 0

    @classmethod
    async def on(cls, settings: Settings, database: Database, reopen_seconds: float = 604_800) -> "Rig":
        specs = [spec(*each) for each in RULES]
        await registry.change(database, "test", "", lambda versions: plan_changes(versions, specs))
        cache = StandardsCache(database, 1)
        await cache.load()
        transactions = Transactions(database, 30, reopen_seconds=reopen_seconds)
        await transactions.prepare()
        base = datetime.now(UTC) - timedelta(minutes=30)
        return cls(settings, database, cache, transactions, IncidentKeeper(settings, database), base)

    def at(self, second: float) -> str:
        return (self.base + timedelta(seconds=second)).isoformat()

    async def plans(self, *made: dict[str, Any]) -> list[Plan]:
        recall = Recall(self.database)
        plans = []
        for event in made:
            flow: AnyFlow = FilesystemFlow(recall, 1000, with_history=False)
            if "documents" in event:
                flow = SubmissionFlow(recall)
            elif "component_name" in event:
                flow = ClockFlow(recall, clock_limits(self.settings))
            self.offset += 1
            now = datetime.now(UTC)
            record = FakeRecord(
                json.dumps(event).encode(), self.settings.topic(flow.topic), 1, self.offset, microseconds(now) // 1000
            )
            decoded: Any = decode(record, flow.model, 1_000_000)
            assert not isinstance(decoded, Plan), decoded.dead_letter
            await flow.recall([(record, decoded)])
            plans.append(judge(flow, record, decoded, self.cache.current(), microseconds(now)))
            assert plans[-1].dead_letter is None
            await flow.recall([])
        return plans

    async def store(self, *made: dict[str, Any]) -> list[Plan]:
        plans = []
        for event in made:  # one after the other: the next is judged by what is stored
            (plan,) = await self.plans(event)
            await self.transactions.write([plan])
            plans.append(plan)
        return plans

    def file(self, sha: str, second: float, path: str = "/srv/a") -> dict[str, Any]:
        return events.capture(Random(f"{second}{path}{sha}"), "host", [path], self.at(second), git_commit_sha=sha)  # type: ignore[arg-type]

    def reading(self, stratum: int, second: float, protocol: str = "NTP") -> dict[str, Any]:
        made = events.reading(Random(f"{second}{protocol}{stratum}"), "api", 1, self.at(second))
        return made | {"stratum": stratum, "protocol": protocol}

    def submission(self, status: str, second: float) -> dict[str, Any]:
        name = f"s-{second}-{status}"
        return events.submission(Random(name), name, status=status) | {"submitted_at": self.at(second)}

    async def incident(self, name: str = FILE) -> dict[str, Any]:
        (row,) = await self.database.fetch_all("SELECT * FROM violation_incidents WHERE fingerprint = %s", (name,))
        return row

    async def status(self, name: str = FILE) -> tuple[str, int, list[str]]:
        """The incident's status and occurrences, and the status of its violations by their events' time."""
        rows = await self.database.fetch_all(
            "SELECT status, resolved_at FROM metadata_violations WHERE fingerprint = %s ORDER BY event_time, id",
            (name,),
        )
        assert all((row["resolved_at"] is not None) == (row["status"] == "resolved") for row in rows)
        incident = await self.incident(name)
        return incident["status"], incident["occurrences"], [row["status"] for row in rows]

    async def log(self, name: str = FILE) -> list[tuple[str, str, str]]:
        rows = await self.database.fetch_all(
            "SELECT from_status, to_status, actor FROM violation_transitions WHERE fingerprint = %s ORDER BY id",
            (name,),
        )
        return [(row["from_status"], row["to_status"], row["actor"]) for row in rows]

    async def step(self, code: str, to: Status) -> None:
        """Take the standard's governing version there."""

        def plan(versions: registry.Registered) -> Changes:
            known = versions[code]
            standard = governing(known) or next(v for v in known if v.status in ON_TRIAL)
            return Changes(steps_to(known, standard, to))

        await registry.change(self.database, "test", "because", plan)
        await self.cache.refresh()


__all__ = ["BAD", "CLOCK", "DOCUMENT", "FILE", "GOOD", "Rig", "spec"]
