"""One verdict over all checks: what rejects, what warns, and what a waiver forgives."""

import json
from random import Random
from typing import Any

import pytest

from schemas.events import Submission
from schemas.verdicts import Check, ItemVerdict
from streams.identity import fingerprint
from streams.judges.incidents import Waiver
from streams.judges.submissions import Decision, judge_submission
from streams.slices import at_one_go
from streams.times import from_microseconds, microseconds
from tests.e2e import events
from tests.unit.standards.rules import NOW, rule, ruleset

PATH = "docs/ARTIFACT_16_TECH_STACK_UPDATE.md"
WORD = {"applies_to": "submission", "field": "metadata.status", "pattern": "^Active$"}
RULES = ruleset(
    rule("SUB-A-001", **WORD, severity="high"),
    rule("SUB-B-001", **WORD, severity="low"),
    rule("SUB-C-001", **WORD | {"field": "metadata.nothing"}, severity="high"),
)
END_US = microseconds(NOW) + 86_400_000_000


def waiver(**scope: Any) -> Waiver:
    whole = {"fingerprint": None, "code": None, "field": None, "subject_glob": None}
    return Waiver(id=scope.pop("id", "w"), ends_at_us=scope.pop("ends_at_us", END_US), **(whole | scope))


def decide(status: str, *waivers: Waiver) -> Decision:
    event = events.submission(Random(1), "s", status=status)
    return at_one_go(judge_submission(Submission.model_validate_json(json.dumps(event)), RULES, waivers))


def checks_of(decision: Decision) -> list[Check]:
    return ItemVerdict.model_validate_json(decision.items[0]).checks


def statuses(decision: Decision) -> list[str]:
    return [check.status for check in checks_of(decision)]


@pytest.mark.parametrize(
    ("status", "waivers", "checks", "verdict", "reason"),
    [
        ("Active", (), ["pass", "pass", "not_applicable"], "accepted", "all_checks_passed"),
        ("Bad", (), ["fail", "warn", "not_applicable"], "rejected", "checks_failed"),
        ("Bad", (waiver(code="SUB-A-001"),), ["waived", "warn", "not_applicable"], "accepted", "passed_with_waivers"),
        ("Bad", (waiver(code="SUB-B-001"),), ["fail", "waived", "not_applicable"], "rejected", "checks_failed"),
        ("Bad", (waiver(subject_glob="docs/*"),), ["waived", "waived", "not_applicable"], "accepted", None),
        ("Bad", (waiver(subject_glob="*"),), ["fail", "warn", "not_applicable"], "rejected", None),
        ("Bad", (waiver(field="metadata.status"),), ["waived", "waived", "not_applicable"], "accepted", None),
        ("Bad", (waiver(field="metadata.nothing"),), ["fail", "warn", "not_applicable"], "rejected", None),
        (
            "Bad",
            (waiver(fingerprint=fingerprint("SUB-A-001", PATH, "metadata.status")),),
            ["waived", "warn", "not_applicable"],
            "accepted",
            None,
        ),
        ("Active", (waiver(subject_glob="**"),), ["pass", "pass", "not_applicable"], "accepted", "all_checks_passed"),
    ],
)
def test_what_a_waiver_takes_in_does_not_reject(
    status: str, waivers: tuple[Waiver, ...], checks: list[str], verdict: str, reason: str | None
) -> None:
    decision = decide(status, *waivers)
    assert (statuses(decision), decision.verdict) == (checks, verdict)
    assert reason in (None, decision.reason)
    assert decision.counts == {name: checks.count(name) for name in set(checks)}
    broken = [check.standard_code for check in checks_of(decision) if check.status in ("fail", "warn", "waived")]
    assert [found.standard.code for found in decision.findings] == broken  # forgiven, and still a violation


def test_a_forgiven_check_names_the_waiver_that_lasts_longest() -> None:
    first, last = waiver(id="w1", code="SUB-A-001"), waiver(id="w2", subject_glob="**", ends_at_us=END_US + 1_000_000)
    decision = decide("Bad", first, last)
    check = checks_of(decision)[0]
    assert check.message.endswith(f"(waived until {from_microseconds(last.ends_at_us):%Y-%m-%dT%H:%M:%SZ}, w2)")
    assert decision.findings[0].evidence["waiver_id"] == "w2"
