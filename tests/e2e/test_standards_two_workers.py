"""Two workers while a rule changes under them: what each of them found names the rules that it was judged by."""

import json
from collections.abc import Callable
from random import Random

from streams.settings import Settings
from streams.standards.planning import Changes, plan_changes
from streams.standards.spec import StandardSpec
from streams.store.database import Database
from streams.store.registry import Registered, change
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, all_committed, eventually, send_all

HOSTS = [f"host-{number}" for number in range(12)]


def rule(severity: str) -> StandardSpec:
    return StandardSpec.model_validate(
        {
            "code": "FS-TWO-001",
            "applies_to": "filesystem",
            "category": "naming",
            "field": "file_path",
            "pattern": "/odd/",
            "match_mode": "must_not_match",
            "severity": severity,
        }
    )


async def put_in_force(database: Database, severity: str) -> int:
    def plan(versions: Registered) -> Changes:
        return plan_changes(versions, [rule(severity)])

    return (await change(database, "test", "", plan)).revision


async def judge_some(settings: Settings, random: Random) -> None:
    messages = [
        events.message("filesystem-timestamps.v1", host, events.capture(random, host, ["/odd/a"])) for host in HOSTS
    ]
    names = [f"s-{random.getrandbits(40)}" for _ in HOSTS]
    messages += [events.message("submissions.v1", name, events.submission(random, name)) for name in names]
    await send_all(settings, messages)
    await eventually(lambda: all_committed(settings, events.TOPICS), 60, "all is consumed")


async def test_what_is_found_names_the_version_and_the_revision_on_every_worker(
    deployed: Settings, database: Database, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(7)
    revisions = [await put_in_force(database, "low")]
    workers = [new_worker(), new_worker()]
    for worker in workers:
        await worker.ready()
    for severity in ("low", "high", "low"):
        if severity != "low" or len(revisions) > 1:
            revisions.append(await put_in_force(database, severity))

        async def live() -> bool:
            seen = [await worker.metric("cockpit_standards_revision") for worker in workers]
            return all(sample.get("") == revisions[-1] for sample in seen)

        await judge_some(deployed, random)  # while the workers still may hold the old set
        await eventually(live, 10, "both workers judge by the newest rules")
        await judge_some(deployed, random)
    assert revisions == list(range(revisions[0], revisions[0] + 3))
    found = await database.fetch_all(
        "SELECT DISTINCT v.standard_version, v.ruleset_revision, v.severity FROM metadata_violations AS v"
        " JOIN metadata_standards AS s ON s.id = v.standard_id WHERE s.code = 'FS-TWO-001'"
        " ORDER BY v.standard_version"
    )
    assert [tuple(row.values()) for row in found] == [
        (number, revision, severity)
        for number, (revision, severity) in enumerate(zip(revisions, ("low", "high", "low"), strict=True), 1)
    ]
    verdicts = await database.fetch_all("SELECT verdict_document FROM submissions")
    named = {json.loads(row["verdict_document"])["ruleset_revision"] for row in verdicts}
    assert named <= set(revisions)
    assert revisions[-1] in named
    for worker in workers:
        assert sum((await worker.metric("cockpit_records_total")).values()) > 0
