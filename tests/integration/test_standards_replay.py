"""Rules in shadow are counted, and changed rules are held against what is stored."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from streams.settings import Settings
from streams.standards.cache import StandardsCache
from streams.store.database import Database
from tests.e2e import events
from tests.integration.standards_rig import RULE, Run, in_database, query, revision_in, seeded_cockpit, store

PATHS = ["/srv/abc.txt", "/srv/ABC.txt", "/srv/a1.txt", "/home/ABC.txt"]
SHADOW = RULE.replace("status: active", "status: shadow")
ON_DOCUMENTS = """
standards:
  - code: SUB-TRY-001
    applies_to: submission
    category: document_metadata
    field: metadata.tags
    pattern: '^[a-z]+$'
    samples: {positive: [ops], negative: [OPS]}
"""


@pytest.fixture
def cockpit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    return seeded_cockpit(settings, monkeypatch)


@pytest.fixture
def apply(cockpit: Run, tmp_path: Path) -> Callable[[str], int]:
    """Applies a text of rules and returns the revision."""

    def go(text: str) -> int:
        file = tmp_path / "rules.yaml"
        file.write_text(text, encoding="utf-8")
        return revision_in(cockpit("apply", str(file), "--yes"))

    return go


def store_events(settings: Settings, *made: dict[str, Any]) -> None:
    async def go(database: Database) -> None:
        cache = StandardsCache(database, 60)
        await cache.load()
        await store(database, settings, list(made), cache)

    in_database(settings, go)


def tried(settings: Settings, code: str = "FS-TRY-001") -> list[dict[str, Any]]:
    return query(
        settings,
        "SELECT v.subject, v.origin, v.replay_id, v.standard_version, v.ruleset_revision, v.source_topic,"
        " v.source_partition, v.source_offset, v.evidence, v.event_id FROM metadata_violations AS v"
        f" JOIN metadata_standards AS s ON s.id = v.standard_id WHERE s.code = '{code}' ORDER BY v.subject",
    )


def test_a_rule_in_shadow_is_counted_and_leaves_no_violation(
    cockpit: Run, apply: Callable[[str], int], settings: Settings
) -> None:
    apply(RULE)
    apply(SHADOW.replace("[a-z]+", "[b-z]+").replace("abc.txt", "xyz.txt"))
    apply(ON_DOCUMENTS.replace("samples", "status: shadow\n    samples"))
    for seed in range(2):
        store_events(settings, events.capture(Random(seed), "h", PATHS))
    store_events(settings, events.submission(Random(3), "s-1", tags=["ops", "OPS"]))
    assert {row["standard_version"] for row in tried(settings)} == {1}
    assert len(tried(settings)) == 4
    assert not tried(settings, "SUB-TRY-001")
    counted = query(settings, "SELECT code, version, violations FROM standard_shadow_counts ORDER BY code")
    assert counted == [
        {"code": "FS-TRY-001", "version": 2, "violations": 6},
        {"code": "SUB-TRY-001", "version": 1, "violations": 1},
    ]
    (verdict,) = query(settings, "SELECT verdict, verdict_document FROM submissions")
    assert "SUB-TRY-001" not in verdict["verdict_document"]
    assert "in shadow it would have found 6" in cockpit("show", "FS-TRY-001")


def test_violations_and_verdicts_name_the_version_and_the_revision_that_produced_them(
    apply: Callable[[str], int], settings: Settings
) -> None:
    first = apply(RULE)
    store_events(settings, events.capture(Random(1), "h", ["/srv/ABC.txt"]))
    second = apply(RULE.replace("[a-z]+", "[b-z]+").replace("abc.txt", "xyz.txt"))
    assert second == first + 1
    store_events(settings, events.capture(Random(2), "i", ["/srv/ABC.txt"]))
    store_events(settings, events.submission(Random(3), "s-1"))
    assert [(row["standard_version"], row["ruleset_revision"]) for row in tried(settings)] == [(1, first), (2, second)]
    (verdict,) = query(settings, "SELECT verdict_document FROM submissions")
    assert json.loads(verdict["verdict_document"])["ruleset_revision"] == second


def test_replay_records_what_a_changed_rule_finds_once_and_tags_it(
    cockpit: Run, apply: Callable[[str], int], settings: Settings
) -> None:
    apply(RULE)
    for seed in range(3):
        store_events(settings, events.capture(Random(seed), f"h{seed}", PATHS))
    assert [row["origin"] for row in tried(settings)] == ["stream"] * 6
    revision = apply(RULE.replace("[a-z]+", "(?:[a-z][0-9]|xyz)").replace("abc.txt", "xyz.txt"))
    arguments = ("replay", "FS-TRY-001", "--since", "2026-11-01", "--until", "2026-12-01", "--page-rows", "5")
    dry = cockpit(*arguments, "--dry-run")
    assert "12 judged, 6 violations: 3 would be recorded, 3 known already; 3 recorded ones pass now" in dry
    assert "filesystem-timestamps.v1: 12 of 12 rows (100 %)" in dry
    assert len(tried(settings)) == 6
    assert not query(settings, "SELECT id FROM standard_replays")
    assert "nobody said yes" in cockpit(*arguments, code=2)
    assert "3 recorded, 3 known already" in cockpit(*arguments, "--yes", "--actor", "ann")
    rows = tried(settings)
    replayed = [row for row in rows if row["origin"] == "replay"]
    assert [row["subject"] for row in replayed] == [f"h{n}:/srv/abc.txt" for n in range(3)]
    assert {(row["standard_version"], row["ruleset_revision"]) for row in replayed} == {(2, revision)}
    assert {(row["source_topic"], row["source_partition"], row["source_offset"]) for row in replayed} == {
        (settings.topic("filesystem-timestamps.v1"), 1, 0)
    }
    (log,) = query(settings, "SELECT * FROM standard_replays")
    assert (log["actor"], log["judged"], log["recorded"], log["rules"]) == ("ann", 12, 3, "FS-TRY-001@2")
    assert log["finished_at"] is not None
    assert {row["replay_id"] for row in replayed} == {log["id"]}
    assert {json.loads(row["evidence"])["replay"] for row in replayed} == {log["id"]}
    again = json.loads(cockpit(*arguments, "--yes", "--json").partition("\n[")[2].join(["[", ""]))
    assert (again[0]["recorded"], again[0]["violations"]) == (0, 6)
    assert tried(settings) == rows
    assert "v2: 3 violations by replay in 30 days" in cockpit("show", "FS-TRY-001")


def test_what_is_not_active_is_only_counted_and_what_is_built_in_is_refused(
    cockpit: Run, apply: Callable[[str], int], settings: Settings
) -> None:
    apply(SHADOW)
    store_events(settings, events.capture(Random(1), "h", PATHS))
    counted = cockpit("replay", "FS-TRY-001", "--since", "2026-11-01")
    assert "2 violations: 2 would be recorded" in counted
    assert not tried(settings)
    assert "cannot be replayed" in cockpit("replay", "CLK-OFFSET", "--since", "1d", code=2)
    assert "name the standards to replay" in cockpit("replay", "--since", "1d", code=2)
    for since in ("yesterday", "2026-13-01", "999999w", ""):
        assert "--since" in cockpit("replay", "FS-TRY-001", "--since", since, code=2)


def test_submissions_are_replayed_from_their_documents_and_dry_runs_are_not(
    cockpit: Run, apply: Callable[[str], int], settings: Settings
) -> None:
    made = [events.submission(Random(n), f"s-{n}", tags=tags) for n, tags in enumerate(["OPS", ["ops", "OPS"], None])]
    store_events(settings, *made, events.submission(Random(9), "s-9", tags="OPS") | {"dry_run": True})
    apply(ON_DOCUMENTS)
    output = cockpit("replay", "SUB-TRY-001", "--since", "2026-11-01", "--yes")
    assert "3 judged, 2 violations: 2 recorded" in output
    assert "1 rows hold nothing to judge" in output
    assert {row["event_id"] for row in tried(settings, "SUB-TRY-001")} == {event["event_id"] for event in made[:2]}
    # The stream would have given them the same ids: what comes again under the new rule is known.
    assert "0 recorded, 2 known already" in cockpit("replay", "SUB-TRY-001", "--since", "2026-11-01", "--yes")


def test_an_effective_date_holds_for_the_time_of_the_event(
    cockpit: Run, apply: Callable[[str], int], settings: Settings
) -> None:
    for day in (10, 20):
        store_events(settings, events.capture(Random(day), f"h{day}", PATHS, at=f"2026-11-{day}T10:00:00Z"))
    apply(RULE.replace("status: active", "effective_from: 2026-11-15T00:00:00Z"))
    cockpit("replay", "FS-TRY-001", "--since", "2026-11-01", "--yes")
    assert {row["subject"] for row in tried(settings)} == {"h20:/srv/ABC.txt", "h20:/srv/a1.txt"}


def test_the_newest_stored_events_can_be_tried(cockpit: Run, apply: Callable[[str], int], settings: Settings) -> None:
    store_events(settings, events.capture(Random(1), "h", PATHS))
    apply(RULE)
    output = cockpit("test", "FS-TRY-001", "--last", "100", code=1)
    assert "4 judged: 1 pass, 2 fail, 1 not applicable" in output
    assert "(h:/srv/ABC.txt)" in output
