"""`cockpit standards`, run as a rule's author runs it, against a real registry."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.integration.standards_rig import RULE, Run, execute, query, revision_in, seeded_cockpit


@pytest.fixture
def cockpit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    return seeded_cockpit(settings, monkeypatch)


@pytest.fixture
def rule(tmp_path: Path) -> Callable[..., str]:
    """Writes the rule, with changes, to a file and returns its path."""

    def write(*changes: tuple[str, str], text: str = RULE) -> str:
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "rules.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_rule_goes_from_draft_to_retired_and_its_history_says_who_and_why(
    cockpit: Run, rule: Callable[..., str], settings: Settings
) -> None:
    before = revision_in(cockpit("apply", rule(("active", "draft")), "--yes", "--actor", "ann", "--reason", "try it"))
    assert revision_in(cockpit("shadow", "FS-TRY-001", "--actor", "ann")) == before + 1
    assert "may follow is draft or active or retired" in cockpit("suspend", "FS-TRY-001", "--reason", "x", code=2)
    assert revision_in(cockpit("activate", "FS-TRY-001", "--actor", "bob", "--reason", "counts are good")) == before + 2
    assert "v1 is active already" in cockpit("activate", "FS-TRY-001")
    assert "--reason: say why" in cockpit("suspend", "FS-TRY-001", code=2)
    assert revision_in(cockpit("suspend", "FS-TRY-001", "--reason", "too loud")) == before + 3
    assert revision_in(cockpit("activate", "FS-TRY-001")) == before + 4
    assert revision_in(cockpit("retire", "FS-TRY-001", "--reason", "obsolete")) == before + 5
    assert "is final" in cockpit("activate", "FS-TRY-001", code=2)
    assert "retired already" in cockpit("retire", "FS-TRY-001", "--reason", "again")
    steps = [json.loads(line) for line in cockpit("history", "FS-TRY-001", "--json").splitlines()][::-1]
    assert [(s["from_status"], s["to_status"]) for s in steps] == [
        (None, "draft"),
        ("draft", "shadow"),
        ("shadow", "active"),
        ("active", "suspended"),
        ("suspended", "active"),
        ("active", "retired"),
    ]
    assert [s["actor"] for s in steps[:3]] == ["ann", "ann", "bob"]
    assert [s["reason"] for s in steps[:4]] == ["try it", "", "counts are good", "too loud"]
    assert [s["ruleset_revision"] for s in steps] == list(range(before, before + 6))
    assert {s["version"] for s in steps} == {1}
    assert query(settings, "SELECT status FROM metadata_standards WHERE code = 'FS-TRY-001'") == [{"status": "retired"}]


def test_apply_shows_its_plan_asks_and_does_the_same_thing_only_once(cockpit: Run, rule: Callable[..., str]) -> None:
    file = rule()
    assert "1 new versions, 0 other steps, 0 unchanged" in cockpit("apply", file, "--dry-run")
    assert "nothing was applied" in cockpit("apply", file, code=2)
    assert "nothing was applied" in cockpit("apply", file, answer="n\n", code=2)
    assert "is not in the registry" in cockpit("show", "FS-TRY-001", code=2)
    assert "applied: 1 new versions" in cockpit("apply", file, answer="y\n")
    assert cockpit("apply", file, "--yes").splitlines() == ["0 new versions, 0 other steps, 1 unchanged"]
    assert len(cockpit("history", "FS-TRY-001").splitlines()) == 1


def test_a_changed_rule_is_a_new_version_and_the_old_one_stays_as_it_was(
    cockpit: Run, rule: Callable[..., str], settings: Settings
) -> None:
    cockpit("apply", rule(), "--yes")
    changed = (("[a-z]+", "[a-z0-9]+"), ("[abc.txt]", "[abc.txt, a1.txt]"))
    output = cockpit("apply", rule(*changed), "--yes")
    assert "pattern: [a-z]+\\.txt -> [a-z0-9]+\\.txt" in output
    assert "v1  active -> retired  (superseded by v2)" in output
    (head,) = query(settings, "SELECT version, pattern, status FROM metadata_standards WHERE code = 'FS-TRY-001'")
    assert head == {"version": 2, "pattern": r"[a-z0-9]+\.txt", "status": "active"}
    difference = cockpit("diff", "FS-TRY-001")
    assert "- pattern: [a-z]+\\.txt" in difference
    assert "+ pattern: [a-z0-9]+\\.txt" in difference
    assert "sample 'a1.txt': breaks v1, passes v2" in difference
    assert "no difference" in cockpit("diff", "FS-TRY-001", "2", "2")
    assert "version 7: does not exist; there is 1, 2" in cockpit("diff", "FS-TRY-001", "1", "7", code=2)
    old = json.loads(cockpit("show", "FS-TRY-001", "--version", "1", "--json"))
    assert old["standard"]["pattern"] == r"[a-z]+\.txt"
    assert [(v["version"], v["status"], v["intact"]) for v in old["versions"]] == [
        (1, "retired", True),
        (2, "active", True),
    ]
    execute(settings, "UPDATE standard_versions SET content = REPLACE(content, 'a-z', 'b-z') WHERE version = 1")
    assert "ALTERED" in cockpit("show", "FS-TRY-001")
    # What was said before can be said again, as a version of its own.
    assert "applied: 1 new versions" in cockpit("apply", rule(), "--yes")


def test_the_next_version_is_tried_in_shadow_beside_the_active_one(cockpit: Run, rule: Callable[..., str]) -> None:
    cockpit("apply", rule(), "--yes")
    cockpit("apply", rule(("[a-z]+", "[a-z0-9]+"), ("status: active", "status: shadow")), "--yes")
    listed = json.loads(cockpit("list", "--category", "naming", "--json"))
    mine = [(s["version"], s["status"]) for s in listed if s["code"] == "FS-TRY-001"]
    assert mine == [(1, "active"), (2, "shadow")]
    output = cockpit("activate", "FS-TRY-001")
    assert "v1: active -> retired (superseded by v2)" in output
    assert "v2: shadow -> active" in output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[abc.txt]", "[a1.txt]"), "positive sample 'a1.txt' breaks the rule"),
        (("[ABC.txt]", "[abc.txt]"), "negative sample 'abc.txt' passes the rule"),
        (("'[a-z]+", "'(?=x)[a-z]+"), "RE2 cannot run lookaround"),
        (("'[a-z]+", r"'([a-z])\1+"), "RE2 cannot run a backreference"),
    ],
)
def test_a_version_whose_samples_fail_cannot_become_active(
    cockpit: Run, rule: Callable[..., str], change: tuple[str, str], words: str
) -> None:
    assert "nothing was applied" in cockpit("apply", rule(change), "--yes", code=2)
    cockpit("apply", rule(change, ("status: active", "status: draft")), "--yes")
    for step in ("activate", "shadow"):
        refusal = cockpit(step, "FS-TRY-001", code=2)
        assert words in refusal
        assert refusal.startswith("standard FS-TRY-001: v1 cannot become ")
    assert words in cockpit("lint", code=1)
    assert len(cockpit("history", "FS-TRY-001").splitlines()) == 1


def test_statuses_that_must_not_be_are_refused_by_the_plan(cockpit: Run, rule: Callable[..., str]) -> None:
    assert "a new version begins as draft, shadow, active" in cockpit(
        "apply", rule(("status: active", "status: retired")), "--yes", code=2
    )
    cockpit("apply", rule(), "--yes")
    assert "v1 is active and cannot become draft" in cockpit(
        "apply", rule(("status: active", "status: draft")), "--yes", code=2
    )
    assert "a built-in judge runs or does not" in cockpit(
        "apply",
        rule(
            text="standards: [{code: CLK-OFFSET, kind: builtin, applies_to: clock, category: clock, "
            "field: offset_microseconds, pattern: builtin, status: shadow}]"
        ),
        "--yes",
        code=2,
    )


def test_a_file_without_a_status_leaves_a_suspended_rule_suspended(
    cockpit: Run, rule: Callable[..., str], settings: Settings
) -> None:
    plain = ("    status: active\n", "")
    cockpit("apply", rule(plain), "--yes")
    cockpit("suspend", "FS-TRY-001", "--reason", "too loud")
    assert "1 unchanged" in cockpit("apply", rule(plain), "--yes")
    cockpit("apply", rule(plain, ("docs", "other")), "--yes")
    shown = json.loads(cockpit("show", "FS-TRY-001", "--json"))
    assert [(v["version"], v["status"]) for v in shown["versions"]] == [(1, "suspended"), (2, "draft")]


def test_a_change_by_hand_becomes_a_version_of_its_own(cockpit: Run, settings: Settings) -> None:
    execute(settings, "UPDATE metadata_standards SET severity = 'critical' WHERE code = 'FS-PATH-005'")
    execute(settings, "UPDATE metadata_standards SET status = 'suspended' WHERE code = 'FS-PATH-004'")
    cockpit("suspend", "FS-PATH-001", "--reason", "x")
    newest = [json.loads(line) for line in cockpit("history", "FS-PATH-005", "--json").splitlines()]
    assert [(s["version"], s["from_status"], s["to_status"], s["actor"]) for s in newest[:2]] == [
        (2, None, "active", "(table)"),
        (1, "active", "retired", "(table)"),
    ]
    assert "changed in metadata_standards by hand" in cockpit("history", "FS-PATH-004")
    assert "- severity: low" in cockpit("diff", "FS-PATH-005")


def test_a_broken_rule_made_by_hand_keeps_no_other_change_back_but_is_named(cockpit: Run, settings: Settings) -> None:
    execute(
        settings,
        "INSERT INTO metadata_standards (id, code, applies_to, category, field, pattern, status)"
        " VALUES (UUID(), 'FS-BAD-001', 'filesystem', 'x', 'file_path', '(?=a)', 'active')",
    )
    output = cockpit("suspend", "FS-PATH-001", "--reason", "x")
    assert "not live: standard FS-BAD-001: RE2 cannot run pattern" in output
    assert revision_in(cockpit("suspend", "FS-BAD-001", "--reason", "broken")) > 0


def test_test_takes_values_and_events_from_files(cockpit: Run, rule: Callable[..., str], tmp_path: Path) -> None:
    cockpit("apply", rule(("    path_glob: '/srv/**'\n", "")), "--yes")
    values = tmp_path / "values.txt"
    values.write_text("abc.txt\r\nABC.txt\nx\n", encoding="utf-8")
    lines = cockpit("test", "FS-TRY-001", "--values", str(values), code=1).splitlines()
    assert [line.split(":")[0] for line in lines] == ["pass", "fail", "fail"]
    events = tmp_path / "events.jsonl"
    file = {"atime_ns": 0, "mtime_ns": 0, "ctime_ns": 0}
    event = {
        "event_id": "6f0c2a51-8d1e-4f0b-9d43-2b7b0f8f6a10",
        "host": "h",
        "captured_at": "2026-11-20T10:12:12Z",
        "files": [file | {"file_path": "/srv/abc.txt"}, file | {"file_path": "/srv/ABC.txt"}],
    }
    events.write_text(json.dumps(event) + "\n\n", encoding="utf-8")
    output = cockpit("test", "FS-TRY-001", "--events", str(events), code=1)
    assert "(h:/srv/ABC.txt)" in output
    assert "2 judged: 1 pass, 1 fail, 0 not applicable" in output
    events.write_text('{"event_id": 1}\n', encoding="utf-8")
    assert "line 1: event_id: " in cockpit("test", "FS-TRY-001", "--events", str(events), code=2)
    assert "does not go with --values" in cockpit("test", "FS-TRY-001", "--values", str(values), "--last", "5", code=2)
    assert "did you mean FS-TRY-001" in cockpit("test", "FS-TRY-01", "--last", "5", code=2)
    assert "0 judged" in cockpit("test", "FS-TRY-001", "--last", "5")
