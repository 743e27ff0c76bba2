"""Decisions about incidents, as tables of cases."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from streams.errors import UserError
from streams.identity import path_key
from streams.judges.incidents import (
    AHEAD_US,
    SETTLE_US,
    STATUSES,
    Incident,
    Lifeline,
    Passing,
    Waiver,
    concerns,
    covering,
    has_passed,
    judging,
    lifelines,
    path_keys,
    pending,
    require_step,
    seen_at,
)
from streams.times import microseconds
from tests.unit.standards.rules import rule

HOUR = 3_600_000_000
BORN = 100 * HOUR
INCIDENT = Incident(
    "f" * 32, "FS-A-001", "host:/srv/a.txt", "file_name", "open", 1, 3, 200 * HOUR, 198 * HOUR, 201 * HOUR
)

POSSIBLE = {
    ("open", "acknowledged"), ("open", "resolved"), ("open", "waived"), ("open", "false_positive"),
    ("acknowledged", "open"), ("acknowledged", "resolved"), ("acknowledged", "waived"),
    ("acknowledged", "false_positive"), ("resolved", "open"), ("resolved", "false_positive"),
    ("false_positive", "open"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "to"), list(product(STATUSES, STATUSES)))
def test_a_person_takes_the_steps_that_there_are(before: str, to: str) -> None:
    incident = replace(INCIDENT, status=before, waiver_id="w-1" if before == "waived" else None)
    if (before, to) in POSSIBLE:
        require_step(incident, to)
        return
    with pytest.raises(UserError, match=f"is {before}") as refused:
        require_step(incident, to)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("seen_us", "recorded_us", "spans", "passed"),
    [
        (201 * HOUR, 202 * HOUR, [Lifeline(BORN, None)], True),
        (200 * HOUR, 202 * HOUR, [Lifeline(BORN, None)], False),  # of the same moment: not newer
        (199 * HOUR, 202 * HOUR, [Lifeline(BORN, None)], False),  # late
        (201 * HOUR, 190 * HOUR, [Lifeline(BORN, None)], True),  # stored before the late violation was
        (201 * HOUR, 200 * HOUR, [Lifeline(198 * HOUR - 1, None)], True),  # and after the first one
        (201 * HOUR, 202 * HOUR, [], False),  # a rule that never judged
        (201 * HOUR, 202 * HOUR, [Lifeline(BORN, 202 * HOUR)], False),  # suspended by then
        (201 * HOUR, 202 * HOUR, [Lifeline(BORN, 203 * HOUR)], True),  # suspended after it had judged
        (201 * HOUR, 202 * HOUR, [Lifeline(BORN, 201 * HOUR), Lifeline(203 * HOUR, None)], False),
        (201 * HOUR, 204 * HOUR, [Lifeline(BORN, 201 * HOUR), Lifeline(203 * HOUR, None)], True),
        # In force again for less than all workers need to know it ...
        (201 * HOUR, 203 * HOUR + 1, [Lifeline(BORN, 201 * HOUR - 1), Lifeline(203 * HOUR, None)], False),
        (201 * HOUR, 203 * HOUR + SETTLE_US, [Lifeline(BORN, 201 * HOUR - 1), Lifeline(203 * HOUR, None)], True),
        # ... unless the violation proves that it judges.
        (201 * HOUR, 201 * HOUR + 5, [Lifeline(201 * HOUR - 1, None)], True),
        (201 * HOUR, 201 * HOUR - 1, [Lifeline(201 * HOUR - 2, None)], False),
    ],
)
def test_a_newer_record_passes_where_the_rule_judged_it(
    seen_us: int, recorded_us: int, spans: list[Lifeline], passed: bool
) -> None:
    assert has_passed(INCIDENT, Passing(seen_us, recorded_us, "t", 0, 7), spans) is passed


@pytest.mark.parametrize(
    ("steps", "spans"),
    [
        ([], []),
        ([(1, 1, "draft"), (2, 1, "shadow")], []),
        ([(1, 1, "active")], [(1, None)]),
        ([(1, 1, "active"), (5, 1, "suspended")], [(1, 5)]),
        ([(1, 1, "active"), (5, 1, "suspended"), (9, 1, "active")], [(1, 5), (9, None)]),
        # A version that takes another's place, in either order, leaves no gap.
        ([(1, 1, "active"), (4, 2, "draft"), (5, 1, "retired"), (5, 2, "active")], [(1, None)]),
        ([(1, 1, "active"), (5, 2, "active"), (5, 1, "retired")], [(1, None)]),
        ([(1, 1, "active"), (5, 1, "retired"), (6, 2, "active"), (7, 2, "retired")], [(1, 5), (6, 7)]),
    ],
)
def test_the_life_of_a_standard(steps: list[tuple[int, int, str]], spans: list[tuple[int, int | None]]) -> None:
    assert lifelines(steps) == spans


def test_a_standard_judges_within_its_dates() -> None:
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    dated = replace(rule("FS-A-001"), effective_from=begin, effective_until=end, status="active")
    span = (microseconds(begin), microseconds(end))
    assert judging(dated, []) == [span]
    assert judging(dated, [(1, 1, "active")]) == [span]
    assert judging(dated, [(1, 1, "active"), (2, 1, "suspended")]) == []
    assert judging(replace(dated, status="suspended"), []) == []
    assert judging(replace(dated, effective_from=None, effective_until=None), [(5, 1, "active")]) == [(5, None)]


@pytest.mark.parametrize(
    ("applies_to", "event_us", "arrived_us", "seen_us"),
    [
        ("filesystem", 5, 9, 5),
        ("filesystem", 9, 5, 9),
        ("filesystem", 5 + AHEAD_US, 5, 5 + AHEAD_US),
        ("filesystem", 6 + AHEAD_US, 5, 5),
        ("submission", 6 + AHEAD_US, 5, 5),
        ("clock", 5, 9, 5),
        ("clock", 9, 5, 5),
    ],
)
def test_the_time_that_a_record_is_ordered_by(applies_to: str, event_us: int, arrived_us: int, seen_us: int) -> None:
    assert seen_at(applies_to, event_us, arrived_us) == seen_us


def test_a_subject_is_read_in_every_way_it_may_have_been_made() -> None:
    assert path_keys("host:/srv/a") == [path_key("host", "/srv/a")]
    assert path_key("fe80::1", "/a:b") in path_keys("fe80::1:/a:b")
    assert path_keys("nothing") == []


@pytest.mark.parametrize(
    ("glob", "applies_to", "subject", "inside"),
    [
        (None, "filesystem", "h:/tmp/a", True),
        ("/srv/**", "filesystem", "h:/srv/x/a", True),
        ("/srv/**", "filesystem", "h:/tmp/a", False),
        ("docs/*.md", "submission", "docs/a.md", True),
        ("docs/*.md", "submission", "src/a.md", False),
        ("/srv/**", "clock", "api", True),
    ],
)
def test_a_rule_that_looks_away_has_not_been_passed(
    glob: str | None, applies_to: str, subject: str, inside: bool
) -> None:
    assert concerns(replace(rule("FS-A-001"), path_glob=glob, applies_to=applies_to), subject) is inside


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (("f" * 32, None, None, None), True),
        (("e" * 32, None, None, None), False),
        ((None, "FS-A-001", None, None), True),
        ((None, "FS-A-002", None, None), False),
        ((None, "FS-A-001", "file_name", None), True),
        ((None, "FS-A-001", "file_path", None), False),
        ((None, None, None, "host:/srv/**"), True),
        ((None, "FS-A-001", None, "host:/tmp/**"), False),
        ((None, None, None, "*:/srv/*.txt"), True),
    ],
)
def test_what_a_waiver_covers(scope: tuple[str | None, ...], covered: bool) -> None:
    waiver = Waiver("w", *scope, ends_at_us=10)
    assert waiver.covers(INCIDENT) is covered
    assert covering([waiver], INCIDENT, 9) == (waiver if covered else None)
    assert covering([waiver], INCIDENT, 10) is None
    assert covering([replace(waiver, revoked=True)], INCIDENT, 9) is None


def test_the_longest_waiver_counts() -> None:
    short, long = (Waiver(name, None, "FS-A-001", None, None, ends) for name, ends in (("a", 20), ("b", 30)))
    assert covering([short, long], INCIDENT, 5) is long


@pytest.mark.parametrize(
    ("status", "episode", "logged", "step"),
    [
        ("open", 1, ("open", 1), None),
        ("open", 1, ("resolved", 1), ("resolved", "open")),
        ("open", 2, ("resolved", 1), ("resolved", "open")),
        ("waived", 1, ("waived", 1), None),
    ],
)
def test_what_the_log_does_not_know_yet(
    status: str, episode: int, logged: tuple[str, int], step: tuple[str, str] | None
) -> None:
    incident = replace(INCIDENT, status=status, episode=episode, logged_status=logged[0], logged_episode=logged[1])
    assert pending(incident) == step
