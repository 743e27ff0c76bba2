"""The life of an incident through a real worker: open, passed, reopened, waived, given back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

from streams.identity import fingerprint
from streams.judges.incidents import Incident, Waiver, require_step
from streams.settings import Settings
from streams.standards.planning import Changes, plan_changes
from streams.standards.spec import StandardSpec
from streams.store import incident_waivers, reports
from streams.store.database import Database
from streams.store.registry import Registered, change
from streams.times import microseconds
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, all_committed, eventually, send_all

NAME = fingerprint("FS-LIFE-001", "host:/srv/a", "git_commit_sha")
GOOD, BAD = "a" * 40, "b" * 40


def _rule(versions: Registered) -> Changes:
    rule = {
        "code": "FS-LIFE-001",
        "applies_to": "filesystem",
        "category": "life",
        "field": "git_commit_sha",
        "pattern": "^a",
    }
    return plan_changes(versions, [StandardSpec.model_validate(rule)])


async def capture(settings: Settings, sha: str, minute: int) -> None:
    event = events.capture(Random(minute), "host", ["/srv/a"], f"2026-11-20T10:{minute:02}:00Z", git_commit_sha=sha)  # type: ignore[arg-type]
    await send_all(settings, [events.message("filesystem-timestamps.v1", "host", event)])
    await eventually(lambda: all_committed(settings, ["filesystem-timestamps.v1"]), 60, "the capture is consumed")


async def test_an_incident_lives_through_a_worker(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    await change(database, "test", "", _rule)
    worker = new_worker(COCKPIT_INCIDENT_KEEPER_SECONDS="0.2")
    await worker.ready()

    async def becomes(status: str, occurrences: int, rows: list[str]) -> None:
        async def is_so() -> bool:
            incident = await reports.incident(database, NAME)
            violations = await database.fetch_all(
                "SELECT status FROM metadata_violations WHERE fingerprint = %s ORDER BY event_time", (NAME,)
            )
            found = [row["status"] for row in violations]
            return incident is not None and (incident["status"], incident["occurrences"], found) == (
                status, occurrences, rows,
            )  # fmt: skip

        await eventually(is_so, 30, f"{status}, {occurrences} times, {rows}")

    await capture(deployed, BAD, 10)
    await becomes("open", 1, ["open"])
    await capture(deployed, GOOD, 20)
    await becomes("resolved", 1, ["resolved"])
    await capture(deployed, BAD, 30)
    await becomes("open", 2, ["resolved", "open"])

    ends_at = datetime.now(UTC) + timedelta(hours=1)
    waiver = Waiver(str(uuid4()), None, "FS-LIFE-001", None, "host:/srv/*", microseconds(ends_at))

    def waivable(incident: Incident) -> None:
        require_step(incident, "waived")

    assert await incident_waivers.create(database, waiver, "ann", "known", "ann", waivable) == 1
    await capture(deployed, BAD, 40)
    await becomes("waived", 3, ["resolved", "waived", "waived"])
    counted = [row for row in await reports.compliance(database, 30) if row["category"] == "life"]
    assert [(row["violation_count"], int(row["resolved_count"])) for row in counted] == [(3, 1)]
    assert await reports.compliance(database, 30, scan=True) == await reports.compliance(database, 30)
    await database.execute("UPDATE violation_waivers SET ends_at = CURRENT_TIMESTAMP(6) - INTERVAL 1 SECOND")
    await becomes("open", 3, ["resolved", "open", "open"])
    log = await reports.incident_log(database, NAME)
    assert [(entry["from_status"], entry["to_status"], entry["actor"]) for entry in log] == [
        ("open", "resolved", "cockpit"),
        ("resolved", "open", "cockpit"),
        ("open", "waived", "ann"),
        ("waived", "open", "cockpit"),
    ]

    async def is_counted() -> bool:
        return (await worker.metric("cockpit_incidents")).get('{status="open"}', 0) >= 1

    await eventually(is_counted, 30, "the gauge counts the open incident")
    assert await worker.terminate() == 0
