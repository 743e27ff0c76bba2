"""Hot reload against a real table: live within two seconds, whole, and never worse than the last good set."""

import asyncio
from time import monotonic

import pytest

from streams.errors import UserError
from streams.observability.metrics import REGISTRY
from streams.standards.cache import StandardsCache
from streams.standards.catalog import seed_standards
from streams.standards.planning import Changes, plan_changes
from streams.standards.ruleset import RulesetError
from streams.store.database import Database
from streams.store.registry import Registered, change, insert_missing
from tests.e2e.worker import eventually

INSERT = (
    "INSERT INTO metadata_standards (id, code, applies_to, category, field, pattern, match_mode, status)"
    " VALUES (UUID(), %s, 'filesystem', 'path_hygiene', 'file_path', %s, 'must_not_match', 'active')"
)


@pytest.fixture
async def seeded(database: Database) -> Database:
    await insert_missing(database, seed_standards())
    return database


def breaks(cache: StandardsCache, path: str) -> set[str]:
    results = cache.current().violations("filesystem", {"file_path": path, "host": "h"}, path)
    return {result.standard.code for result in results}


def reloads(outcome: str) -> float:
    return REGISTRY.get_sample_value("cockpit_standards_reload_total", {"outcome": outcome}) or 0.0


async def test_a_change_by_hand_is_live_within_two_seconds(seeded: Database) -> None:
    cache = StandardsCache(seeded, poll_seconds=0.5)
    await cache.load()
    before = cache.current().revision
    await cache.start()
    try:
        for code, pattern in (("FS-HAND-001", "/forbidden/"), ("FS-HAND-002", "/also/")):
            await seeded.execute(INSERT, (code, pattern))
            started = monotonic()

            async def live(code: str = code) -> bool:
                return code in cache.current().standards

            await eventually(live, 2, "the new standard is live")
            assert monotonic() - started < 2
        assert "FS-HAND-001" in breaks(cache, "/forbidden/x")
        assert cache.current().revision > before
        await seeded.execute("DELETE FROM metadata_standards WHERE code = 'FS-HAND-002'")

        async def gone() -> bool:
            return "FS-HAND-002" not in cache.current().standards

        await eventually(gone, 2, "the deleted standard is gone")
    finally:
        await cache.stop()


async def test_two_workers_name_the_same_revision_and_an_undone_change_gets_a_new_one(seeded: Database) -> None:
    one, two = StandardsCache(seeded, 60), StandardsCache(seeded, 60)
    await one.load()
    await two.load()
    first = one.current().revision
    assert two.current().revision == first
    await seeded.execute("UPDATE metadata_standards SET severity = 'critical' WHERE code = 'TS-MTIME-AFTER-CTIME'")
    await one.refresh()
    await two.refresh()
    assert one.current().revision == two.current().revision == first + 1
    assert one.current().builtins["TS-MTIME-AFTER-CTIME"].severity == "critical"
    await seeded.execute("UPDATE metadata_standards SET severity = 'high' WHERE code = 'TS-MTIME-AFTER-CTIME'")
    await one.refresh()
    assert one.current().revision == first + 2


async def test_a_standard_that_does_not_compile_is_refused_and_the_last_good_set_stays(seeded: Database) -> None:
    cache = StandardsCache(seeded, 60)
    await cache.load()
    good = cache.current().revision
    refused = reloads("refused")
    await seeded.execute(INSERT, ("FS-BAD-001", "(?=lookahead)"))
    await cache.refresh()
    assert cache.current().revision == good
    assert reloads("refused") == refused + 1
    # A worker that starts beside the bad table judges by the same last good set.
    late = StandardsCache(seeded, 60)
    await late.load()
    assert late.current().revision == good
    await seeded.execute("UPDATE metadata_standards SET pattern = 'fine' WHERE code = 'FS-BAD-001'")
    await late.refresh()
    assert "FS-BAD-001" in late.current().standards


async def test_without_any_good_set_the_start_is_refused_by_name(database: Database) -> None:
    with pytest.raises(UserError, match="cockpit migrate"):
        await StandardsCache(database, 60).load()
    await database.execute("DELETE FROM ruleset_revisions")
    await database.execute(INSERT, ("FS-BAD-001", "(?=lookahead)"))
    with pytest.raises(RulesetError, match="FS-BAD-001"):
        await StandardsCache(database, 60).load()


async def test_a_draft_changes_no_revision_and_an_effective_date_comes_into_force(seeded: Database) -> None:
    cache = StandardsCache(seeded, 60)
    await cache.load()
    revision = cache.current().revision
    await seeded.execute(INSERT.replace("'active')", "'draft')"), ("FS-DRAFT-001", "draft"))
    await cache.refresh()
    assert cache.current().revision == revision
    await seeded.execute(INSERT, ("FS-SOON-001", "soon"))
    await seeded.execute(
        "UPDATE metadata_standards SET effective_from = CURRENT_TIMESTAMP(6) + INTERVAL 1 SECOND"
        " WHERE code = 'FS-SOON-001'"
    )
    await cache.refresh()
    assert "FS-SOON-001" not in cache.current().standards

    async def in_force() -> bool:
        await cache.refresh()
        return "FS-SOON-001" in cache.current().standards

    await eventually(in_force, 5, "the standard comes into force by itself")


async def test_workers_that_reload_while_rules_change_never_give_one_revision_to_two_sets(seeded: Database) -> None:
    workers = [StandardsCache(seeded, 60) for _ in range(3)]
    for worker in workers:
        await worker.load()
    first = workers[0].current().revision
    seen: dict[int, set[str]] = {}
    changing = True

    async def poll(worker: StandardsCache) -> list[int]:
        revisions = []
        while changing or len(revisions) < 3:
            await worker.refresh()
            rules = worker.current()
            seen.setdefault(rules.revision, set()).add(rules.content_sha256)
            revisions.append(rules.revision)
        return revisions

    polls = [asyncio.create_task(poll(worker)) for worker in workers]
    severities = ["critical", "low"] * 5
    for severity in severities:

        def plan(versions: Registered, severity: str = severity) -> Changes:
            (spec,) = [spec for spec in seed_standards() if spec.code == "FS-PATH-001"]
            return plan_changes(versions, [spec.model_copy(update={"severity": severity})])

        await change(seeded, "test", "", plan)
    changing = False
    for revisions in await asyncio.gather(*polls):
        assert revisions == sorted(revisions)
    for worker in workers:
        await worker.refresh()
    assert {worker.current().revision for worker in workers} == {first + len(severities)}
    assert {worker.current().standards["FS-PATH-001"].severity for worker in workers} == {"low"}
    assert all(len(sets) == 1 for sets in seen.values())
    numbers = [row["revision"] for row in await seeded.fetch_all("SELECT revision FROM ruleset_revisions ORDER BY 1")]
    assert numbers == list(range(first, first + len(severities) + 1))


async def test_a_change_by_hand_is_judged_by_as_a_version_of_its_own(seeded: Database) -> None:
    cache = StandardsCache(seeded, 60)
    await cache.load()
    assert cache.current().standards["FS-PATH-001"].version == 1
    await seeded.execute("UPDATE metadata_standards SET severity = 'critical' WHERE code = 'FS-PATH-001'")
    await cache.refresh()
    live = cache.current().standards["FS-PATH-001"]
    assert (live.version, live.severity) == (2, "critical")
