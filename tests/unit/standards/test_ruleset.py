"""Ruleset: what is in force, what each branch of a check says, and what cannot be put into force."""

from datetime import timedelta

import pytest

from streams.errors import UserError
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset, RulesetError
from streams.standards.standard import rules_from_json, rules_json
from tests.unit.standards.rules import NOW, rule, ruleset

HOUR = timedelta(hours=1)


def statuses(rules, values, path=None, applies_to="filesystem"):
    return [result.status for result in rules.check(applies_to, values, path)]


@pytest.mark.parametrize(
    ("changes", "value", "status"),
    [
        ({"pattern": "^a+$"}, "aaa", "pass"),
        ({"pattern": "^a+$"}, "aab", "fail"),
        ({"pattern": "^a+$"}, "aaa\n", "fail"),
        ({"pattern": "a|ab", "matching": "full"}, "ab", "pass"),
        ({"pattern": "a|ab", "matching": "full"}, "xa", "fail"),
        ({"pattern": "a|ab", "matching": "full"}, "a\n", "fail"),
        ({"pattern": "(?i)a", "matching": "full", "match_mode": "must_not_match"}, "A", "fail"),
        ({"pattern": "a", "matching": "full", "match_mode": "must_not_match"}, "aa", "pass"),
        ({"pattern": "(?m)^a$", "matching": "full"}, "a\nb", "fail"),
        ({"pattern": r"\Qa.b", "matching": "full"}, "a.b", "pass"),
        ({"pattern": r"\Qa.b", "matching": "full"}, "axb", "fail"),
        ({"pattern": "b"}, "abc", "pass"),
        ({"pattern": "b", "match_mode": "must_not_match"}, "abc", "fail"),
        ({"pattern": "b", "match_mode": "must_not_match"}, "acc", "pass"),
        ({"pattern": "^a+$"}, None, "not_applicable"),
        ({"pattern": "^a+$", "required": True}, None, "fail"),
        ({"pattern": "^a+$"}, [], "not_applicable"),
        ({"pattern": "^a+$", "required": True}, [], "fail"),
        ({"pattern": "^a+$"}, "", "fail"),
        ({"pattern": "b", "match_mode": "must_not_match", "required": True}, "", "pass"),
        ({"pattern": "^a+$"}, ["a", "aa"], "pass"),
        ({"pattern": "^a+$"}, ["a", "b", "c"], "fail"),
        ({"pattern": "b", "match_mode": "must_not_match"}, ["a", "b"], "fail"),
        ({"pattern": "^.ö$"}, "äö", "pass"),
        ({"pattern": "^a+$"}, "\ud800", "fail"),
        ({"pattern": "b", "match_mode": "must_not_match"}, "\ud800", "fail"),
    ],
)
def test_a_value_is_held_against_a_pattern(changes, value, status):
    rules = ruleset(rule(field="host", **changes))
    assert statuses(rules, {"host": value}) == [status]
    assert len(rules.violations("filesystem", {"host": value}, None)) == (status == "fail")


def test_a_failed_check_says_what_is_wrong_and_what_is_wanted():
    rules = ruleset(
        rule("FS-A-001", pattern="^/srv/", description="Files lie under /srv."),
        rule("FS-A-002", pattern="tmp", match_mode="must_not_match"),
        rule("FS-A-003", field="host", required=True),
    )
    wrong_place, forbidden, missing = rules.violations("filesystem", {"file_path": "/tmp/a"}, "/tmp/a")
    assert wrong_place.message == "file_path '/tmp/a' does not match ^/srv/: Files lie under /srv."
    assert wrong_place.observed == "/tmp/a"
    assert forbidden.message == "file_path '/tmp/a' matches the forbidden tmp"
    assert (missing.message, missing.observed) == ("host is missing", None)


def test_the_message_shows_hidden_characters_and_clips_long_values():
    rules = ruleset(rule(pattern="^never$"))
    (result,) = rules.violations("filesystem", {"file_path": "/a\u202eb" + "x" * 4000}, None)
    assert "\\u202e" in result.message
    assert len(result.message) < 300
    assert len(result.observed) == 4004


def test_a_lone_surrogate_is_a_violation_that_can_be_stored():
    (result,) = ruleset(rule()).violations("filesystem", {"file_path": "/a\udcff"}, "/a\udcff")
    assert "no valid Unicode text" in result.message
    assert result.observed == "/a\\udcff"


def test_results_come_in_the_order_of_codes_and_violations_are_the_failed_ones():
    rules = ruleset(
        rule("B-2", field="host", pattern="^x$"),
        rule("A-1", pattern="^/y"),
        rule("C-3", path_glob="**/*.md"),
        rule("D-4", path_glob="**/*.py", field="file_name", pattern="^[a-z]+\\.py$"),
    )
    values = {"file_path": "/srv/A.py", "host": "h"}
    results = rules.check("filesystem", values, "/srv/A.py")
    assert [(r.standard.code, r.status) for r in results] == [
        ("A-1", "fail"),
        ("B-2", "fail"),
        ("C-3", "not_applicable"),
        ("D-4", "fail"),
    ]
    assert rules.violations("filesystem", values, "/srv/A.py") == [r for r in results if r.status == "fail"]


def test_rules_with_the_same_pattern_each_report():
    rules = ruleset(rule("A-1", pattern="^x"), rule("A-2", pattern="^x"), rule("A-3", pattern="^/"))
    failed = rules.violations("filesystem", {"file_path": "/a"}, None)
    assert [result.standard.code for result in failed] == ["A-1", "A-2"]


@pytest.mark.parametrize("path", ["/docs/a.py", None])
def test_a_rule_with_a_glob_applies_only_to_paths_within(path):
    rules = ruleset(rule(path_glob="/docs/**/*.md", required=True, field="sha256"))
    assert statuses(rules, {"file_path": path}, path) == ["not_applicable"]
    assert statuses(rules, {"file_path": "/docs/a.md"}, "/docs/a.md") == ["fail"]


@pytest.mark.parametrize(
    ("applies_to", "field", "values", "value"),
    [
        ("filesystem", "path", {"file_path": "/srv/a.tar.gz"}, "/srv/a.tar.gz"),
        ("filesystem", "file_name", {"file_path": "/srv/a.tar.gz"}, "a.tar.gz"),
        ("filesystem", "extension", {"file_path": "/srv/a.tar.gz"}, "gz"),
        ("filesystem", "extension", {"file_path": "/srv.d/Makefile"}, None),
        ("filesystem", "extension", {"file_path": "/srv/.bashrc"}, None),
        ("filesystem", "file_name", {"file_path": "/srv/"}, None),
        ("filesystem", "file_name", {"file_path": "/a/b", "file_name": "given"}, "given"),
        ("clock", "component", {"component_name": "api"}, "api"),
        ("clock", "stratum", {"stratum": "2"}, "2"),
        ("submission", "file_name", {"path": "docs/a.md"}, "a.md"),
        ("submission", "metadata.version", {"metadata.version": "1.0.0"}, "1.0.0"),
        ("submission", "version", {"metadata.version": "1.0.0"}, "1.0.0"),
        ("submission", "version", {"version": "1.0.0"}, None),
    ],
)
def test_fields_have_aliases_and_follow_from_the_path(applies_to, field, values, value):
    rules = ruleset(rule(applies_to=applies_to, field=field, pattern="^.*$"))
    (result,) = rules.check(applies_to, values, None)
    assert (result.status, result.observed) == ("not_applicable" if value is None else "pass", value)


def test_fields_names_what_the_rules_look_at():
    rules = ruleset(
        rule("A-1", field="path"), rule("A-2", field="extension"), rule("A-3", status="shadow", field="host")
    )
    assert rules.fields("filesystem") == {"file_path", "extension", "host"}
    assert rules.fields("clock") == frozenset()


def test_only_what_is_active_and_in_force_is_judged_by():
    rules = ruleset(
        *(rule(f"S-{status}", status=status) for status in ("draft", "suspended", "retired", "active")),
        rule("T-PAST", effective_until=NOW),
        rule("T-NOW", effective_from=NOW, effective_until=NOW + HOUR),
        rule("T-FUTURE", effective_from=NOW + 2 * HOUR),
    )
    assert set(rules.standards) == {"S-active", "T-NOW"}
    assert rules.next_change_at == NOW + HOUR
    assert ruleset(rule()).next_change_at is None


def test_shadow_rules_report_apart():
    rules = ruleset(rule("A-1", pattern="^x"), rule("A-2", pattern="^y", status="shadow"))
    values = {"file_path": "/a"}
    assert [r.standard.code for r in rules.violations("filesystem", values, None)] == ["A-1"]
    assert [r.standard.code for r in rules.shadow_violations("filesystem", values, None)] == ["A-2"]
    assert (set(rules.standards), set(rules.shadow)) == ({"A-1"}, {"A-2"})


def test_builtins_are_handed_out_while_active_and_never_matched():
    clock = {"kind": "builtin", "pattern": "builtin", "field": "mtime_ns"}
    rules = ruleset(rule("TS-A", **clock), rule("TS-B", status="suspended", **clock))
    assert rules.builtin("TS-A") == rules.builtins["TS-A"]
    assert rules.builtin("TS-B") is None
    assert rules.check("filesystem", {"file_path": "/a"}, "/a") == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pattern": "a(?=b)"}, "invalid perl operator"),
        ({"pattern": "["}, "missing ]"),
        ({"pattern": "x" * 4097}, "4097 characters long; the limit is 4096"),
        ({"pattern": "(((a{1,100}){1,10}){1,10})*" * 20}, "standard FS-BAD-001"),
        ({"field": "file_pth"}, "field 'file_pth' is unknown for filesystem; known are extension, file_name"),
        ({"applies_to": "clock", "field": "offset"}, "unknown for clock"),
        ({"applies_to": "submission", "field": "metadata."}, "unknown for submission"),
        ({"path_glob": "{a"}, "does not close its brace"),
        ({"path_glob": "[z-a]"}, "path_glob '[z-a]'"),
        ({"status": "shadow", "pattern": "["}, "missing ]"),
        ({"effective_from": NOW + HOUR, "pattern": "["}, "missing ]"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_refused_by_code_in_one_line(changes, reason):
    with pytest.raises(RulesetError) as refusal:
        ruleset(rule("FS-OK-001"), rule("FS-BAD-001", **changes))
    text = str(refusal.value)
    assert text.startswith("standard FS-BAD-001: ")
    assert reason in text
    assert "\n" not in text
    assert isinstance(refusal.value, UserError)


def test_a_draft_may_be_broken():
    assert set(ruleset(rule(), rule("FS-BAD-001", status="draft", pattern="[")).standards) == {"FS-TEST-001"}


def test_the_hash_is_of_the_content_and_not_of_the_order():
    first, second = rule("A-1"), rule("A-2")
    digest = ruleset(first, second).content_sha256
    assert ruleset(second, first).content_sha256 == digest
    assert ruleset(first, rule("A-2", severity="low")).content_sha256 != digest
    assert ruleset(first).content_sha256 != digest


def test_the_same_rules_can_take_the_number_that_the_database_gives_them():
    rules = ruleset(rule())
    numbered = rules.numbered(42)
    assert (rules.revision, numbered.revision) == (7, 42)
    assert numbered.violations("filesystem", {"file_path": "a"}, "a") == rules.violations(
        "filesystem", {"file_path": "a"}, "a"
    )


def test_rules_come_back_from_their_json():
    rules = [rule("A-2", path_glob="*.md", effective_from=NOW, effective_until=NOW + HOUR), rule("A-1")]
    assert rules_from_json(rules_json(rules)) == [rules[1], rules[0]]


def test_values_that_come_again_are_judged_the_same_also_past_what_is_remembered():
    rules = ruleset(rule(pattern="^[0-9]*[02468]$"))
    for _ in range(2):
        for number in range(17_000):
            failed = rules.violations("filesystem", {"file_path": str(number)}, None)
            assert bool(failed) is bool(number % 2)


def test_ten_thousand_rules_compile_and_find_the_one_that_is_broken():
    rules = Ruleset.compile(
        (rule(f"R-{n:05d}", pattern=f"(^|/)secret-{n}(/|$)", match_mode="must_not_match") for n in range(10_000)),
        1,
        NOW,
    )
    assert rules.violations("filesystem", {"file_path": "/srv/repo/a.py"}, None) == []
    (found,) = rules.violations("filesystem", {"file_path": "/srv/secret-4711/a.py"}, None)
    assert found.standard.code == "R-04711"


def test_an_active_version_and_the_next_one_in_shadow_stand_side_by_side():
    rules = ruleset(rule(pattern="^x"), rule(pattern="^y", version=2, status="shadow"))
    values = {"file_path": "/a"}
    assert [r.standard.version for r in rules.violations("filesystem", values, None)] == [1]
    assert [r.standard.version for r in rules.shadow_violations("filesystem", values, None)] == [2]


def test_a_rule_written_to_be_slow_is_refused_where_a_limit_is_given():
    slow = rule("FS-PATH-999", pattern="|".join(f"a.{{{size}}}b" for size in range(100, 300, 7)))
    Ruleset.compile([slow], 1, NOW)
    with pytest.raises(
        RulesetError, match=r"standard FS-PATH-999: is slow: \d+ ms for 4096 characters, and at most 20"
    ):
        Ruleset.compile([slow], 1, NOW, most_milliseconds=20)


def test_the_limit_of_a_worker_takes_all_that_is_shipped():
    standards = [spec.to_standard() for spec in seed_standards()]
    Ruleset.compile(standards, 1, NOW, most_milliseconds=20)
