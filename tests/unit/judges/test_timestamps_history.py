"""A file against its previous record, beside the reference: fires, just does not, gated, explained."""

from datetime import timedelta
from typing import Any

import pytest

from streams.judges.host_clock import UNKNOWN_CLOCK, HostClock
from streams.judges.timestamps import FileState
from streams.times import from_microseconds
from tests.unit.judges.timestamps import (
    DAY,
    HOUR,
    MINUTE,
    MS,
    NOW_NS,
    NOW_US,
    OTHER_SHA,
    P_NS,
    SECOND,
    SHA,
    SYNCED,
    SYNCED_NS,
    C,
    before,
    codes,
    file,
    findings,
    stepped,
)  # fmt: skip

SAME = {"inode": 7, "device": 1}
SINCE = P_NS + 5 * MINUTE + 1
"""A time between the two captures."""
ALLOWED = SECOND + 1 + SECOND // 2
"""What H5 allows with an unknown clock: U, and half a second that a capture may span."""
COMMIT, OTHER_COMMIT = "c" * 40, "d" * 40


@pytest.mark.parametrize(
    ("previous", "fields", "expected"),
    [
        # Honest: unchanged; read; written since; chmod; renamed or copied over with times that are older than p saw
        ({}, {}, {}),
        ({}, {"atime_ns": SINCE}, {}),
        ({}, {"mtime_ns": SINCE, "ctime_ns": SINCE}, {}),
        ({}, {"ctime_ns": SINCE}, {}),
        # H2: c < p.c - e
        ({"ctime_ns": C + 1}, {}, {}),
        ({"ctime_ns": C + 2}, {}, {"TS-CTIME-REGRESSED": "high"}),
        # H3: m != p.m and c no newer; with the same c only if p was captured more than 10 ms after it
        ({"mtime_ns": C - 2}, {}, {"TS-MTIME-CHANGED-CTIME-NOT": "high"}),
        ({"mtime_ns": C - DAY}, {}, {"TS-MTIME-CHANGED-CTIME-NOT": "high"}),
        ({"mtime_ns": C - DAY, "captured_ns": C + 1 + 10 * MS - 1000}, {}, {}),
        ({"mtime_ns": C - DAY, "captured_ns": C + 1 + 10 * MS}, {}, {"TS-MTIME-CHANGED-CTIME-NOT": "high"}),
        (
            {"mtime_ns": C - DAY, "ctime_ns": C + 2},
            {},
            {"TS-CTIME-REGRESSED": "high", "TS-MTIME-CHANGED-CTIME-NOT": "high"},
        ),
        # H5: p.m < m < p.cap - U and c > p.cap + U
        ({}, {"mtime_ns": P_NS - ALLOWED - 1, "ctime_ns": SINCE}, {"TS-RETROACTIVE-MTIME": "high"}),
        ({}, {"mtime_ns": P_NS - ALLOWED, "ctime_ns": SINCE}, {}),
        ({}, {"mtime_ns": C + 2, "ctime_ns": P_NS + ALLOWED + 1}, {"TS-RETROACTIVE-MTIME": "high"}),
        ({}, {"mtime_ns": C + 2, "ctime_ns": P_NS + ALLOWED}, {}),
        ({}, {"mtime_ns": C, "ctime_ns": SINCE}, {}),
        # H6: m < p.m - e and c > p.c; more than 90 days or a sensitive path: high
        ({}, {"mtime_ns": C - 1, "ctime_ns": SINCE}, {}),
        ({}, {"mtime_ns": C - 2, "ctime_ns": SINCE}, {"TS-MTIME-REGRESSED": "medium"}),
        ({}, {"mtime_ns": C - 90 * DAY, "ctime_ns": SINCE}, {"TS-MTIME-REGRESSED": "medium"}),
        ({}, {"mtime_ns": C - 90 * DAY - 1, "ctime_ns": SINCE}, {"TS-MTIME-REGRESSED": "high"}),
        ({}, {"mtime_ns": C - 2, "ctime_ns": SINCE, "path": "/tmp/x"}, {"TS-MTIME-REGRESSED": "high"}),
        # H7: a < p.a - e: with a newer ctime low, with the same one high, if p was captured 10 ms after it
        ({}, {"atime_ns": C - 1, "ctime_ns": SINCE}, {}),
        ({}, {"atime_ns": C - 2, "ctime_ns": SINCE}, {"TS-ATIME-REGRESSED": "low"}),
        ({}, {"atime_ns": C - 2}, {"TS-ATIME-REGRESSED": "high"}),
        ({"captured_ns": C + 1 + 10 * MS - 1000}, {"atime_ns": C - 2}, {}),
        # H8: other content, the same mtime, a newer ctime
        ({"size_bytes": 5}, {"size_bytes": 6, "ctime_ns": SINCE}, {"TS-CONTENT-HIDDEN": "critical"}),
        ({"sha256": SHA}, {"sha256": OTHER_SHA, "ctime_ns": SINCE}, {"TS-CONTENT-HIDDEN": "critical"}),
        ({"size_bytes": 5}, {"size_bytes": 5, "ctime_ns": SINCE}, {}),
        ({"sha256": SHA}, {"ctime_ns": SINCE}, {}),
        ({"size_bytes": 5}, {"size_bytes": 6}, {}),  # the same ctime: one write that was going on
        (
            {"size_bytes": 5, "captured_ns": C + 1 + 10 * MS - 1000},
            {"size_bytes": 6, "ctime_ns": SINCE},
            {"TS-CONTENT-HIDDEN": "medium"},
        ),
        ({"size_bytes": 5}, {"size_bytes": 6, "mtime_ns": SINCE, "ctime_ns": SINCE}, {}),
        # H10: the path used to have fractions
        (
            {},
            {"mtime_ns": SINCE // SECOND * SECOND - 9 * SECOND, "ctime_ns": SINCE},
            {"TS-WHOLE-SECOND": "low"},
        ),
        # H13: it was no sentinel before
        (
            {"captured_ns": C},
            {"mtime_ns": SECOND, "ctime_ns": SINCE},
            {"TS-SENTINEL": "medium", "TS-MTIME-REGRESSED": "high", "TS-WHOLE-SECOND": "low"},
        ),
        # H22: the same commit: a step above H6
        (
            {"git_commit_sha": COMMIT},
            {"git_commit_sha": COMMIT, "mtime_ns": C - 2, "ctime_ns": SINCE},
            {"TS-MTIME-REGRESSED": "medium", "GIT-SAME-SHA-MTIME-BACK": "high"},
        ),
        (
            {"git_commit_sha": OTHER_COMMIT},
            {"git_commit_sha": COMMIT, "mtime_ns": C - 2, "ctime_ns": SINCE},
            {"TS-MTIME-REGRESSED": "medium"},
        ),
    ],
)  # fmt: skip
def test_transitions(previous: dict[str, Any], fields: dict[str, Any], expected: dict[str, str]) -> None:
    assert codes(file(**(SAME | fields)), before(**previous)) == expected


@pytest.mark.parametrize("captured_ns", [NOW_US * 1000, NOW_NS + MINUTE])
def test_a_late_or_repeated_capture_is_not_held_against_a_newer_record(captured_ns: int) -> None:
    newer = before(captured_ns, ctime_ns=C + DAY // 48, mtime_ns=C + DAY // 48, atime_ns=C + DAY // 48)
    assert codes(file(**SAME), newer) == {}
    old_in_tmp = file("/tmp/x", mtime_ns=C - 91 * DAY, **SAME)
    assert codes(old_in_tmp, newer) == {}  # H17: there is a record of it


REGRESSED = {"ctime_ns": C + 2}
BORN = {"birthtime_ns": C - DAY}


@pytest.mark.parametrize(
    ("previous", "fields", "expected"),
    [
        (REGRESSED, {"inode": 7, "device": 1}, {"TS-CTIME-REGRESSED": "high"}),
        (REGRESSED, {}, {"TS-CTIME-REGRESSED": "medium"}),
        (REGRESSED, {"inode": 7}, {"TS-CTIME-REGRESSED": "medium"}),
        (REGRESSED | {"inode": None}, {"inode": 7, "device": 1}, {"TS-CTIME-REGRESSED": "medium"}),
        (REGRESSED, {"inode": 8, "device": 1}, {"TS-PATH-REPLACED": "info"}),
        (REGRESSED, {"inode": 8}, {"TS-PATH-REPLACED": "info"}),
        (REGRESSED, {"inode": 7, "device": 2}, {"TS-PATH-REPLACED": "info"}),
        (REGRESSED | BORN, {**SAME, **BORN}, {"TS-CTIME-REGRESSED": "high"}),
        (REGRESSED | BORN, {**SAME, "birthtime_ns": C - HOUR}, {"TS-PATH-REPLACED": "info"}),
        ({}, {"inode": 8, "device": 1}, {}),  # replaced, and nothing goes back
        ({}, {"inode": 8, "device": 1, "mtime_ns": SINCE, "ctime_ns": SINCE}, {}),
        ({}, {"inode": 8, "device": 1, "mtime_ns": C - 91 * DAY, "ctime_ns": SINCE}, {"TS-PATH-REPLACED": "info"}),
        (
            {"size_bytes": 1},
            {"inode": 8, "device": 1, "size_bytes": 2, "ctime_ns": SINCE},
            {"TS-PATH-REPLACED": "info"},
        ),
    ],
)
def test_g1_a_transition_is_of_one_inode(
    previous: dict[str, Any], fields: dict[str, Any], expected: dict[str, str]
) -> None:
    assert codes(file(**fields), before(**previous)) == expected


@pytest.mark.parametrize(
    ("previous", "fields", "severity", "explained_by"),
    [
        ({"size_bytes": 5}, {"size_bytes": 5}, "high", "none"),
        ({"size_bytes": 5}, {"size_bytes": 6}, "medium", "new_version"),
        ({"size_bytes": 5} | BORN, {"size_bytes": 6} | BORN, "medium", "new_version"),
        ({"sha256": SHA, "size_bytes": 5}, {"sha256": SHA, "size_bytes": 5}, "high", "none"),
        ({"sha256": SHA, "size_bytes": 5}, {"sha256": OTHER_SHA, "size_bytes": 5}, "medium", "new_version"),
        ({"size_bytes": 5}, {}, "high", "none"),
    ],
)
def test_other_content_with_an_old_time_may_be_an_old_version(
    previous: dict[str, Any], fields: dict[str, Any], severity: str, explained_by: str
) -> None:
    back = file(**SAME, mtime_ns=C - 91 * DAY, ctime_ns=SINCE, **fields)
    found = {f.standard.code: f for f in findings(back, before(**previous))}["TS-MTIME-REGRESSED"]
    assert (found.severity, found.evidence["explained_by"]) == (severity, explained_by)


def test_a_step_back_explains_a_birth_after_ctime_for_as_long_as_it_is_seen() -> None:
    clock = stepped((C - HOUR, C, -HOUR), clock=READ_SINCE)
    born = file(**SAME, birthtime_ns=C + HOUR)
    assert codes(born, None, clock)["TS-BIRTH-AFTER-MTIME"] == "low"
    assert codes(born, before(birthtime_ns=C + HOUR), clock)["TS-BIRTH-AFTER-MTIME"] == "low"
    assert codes(born, before(birthtime_ns=C + HOUR))["TS-BIRTH-AFTER-MTIME"] == "high"


def test_path_replaced_says_what_it_stands_for() -> None:
    (found,) = findings(file(inode=8, device=1), before(ctime_ns=C + 2))
    assert found.evidence["instead_of"] == ["TS-CTIME-REGRESSED"]
    assert found.evidence["explained_by"] == "path_replaced"


READ_SINCE = HostClock(NOW_US - 1_000_000, 0, 2_000_000, "synchronized")
READ_BEFORE = HostClock(P_NS // 1000 - 1, 0, 2_000_000, "synchronized")
READ_ONCE = HostClock(NOW_US - 1_000_000, 0, 2_000_000, "synchronized", since_us=NOW_US - 1_000_000)
READ_FROM_P_ON = HostClock(NOW_US - 1_000_000, 0, 2_000_000, "synchronized", since_us=P_NS // 1000)
DAY_OLD_CAPTURE = {"captured_ns": NOW_NS - DAY}
READ_AN_HOUR_AGO = HostClock(NOW_US - 3_600_000_000, 0, 2_000_000, "synchronized")
READ_LONGER_AGO = HostClock(NOW_US - 3_600_000_001, 0, 2_000_000, "synchronized")
BETWEEN = (P_NS - MINUTE, P_NS + MINUTE)


@pytest.mark.parametrize(
    ("clock", "back", "severity", "explained_by"),
    [
        (UNKNOWN_CLOCK, 10, "high", "none"),
        (READ_SINCE, 10, "critical", "none"),
        (READ_BEFORE, 10, "high", "none"),  # nobody looked at the clock in between
        (READ_ONCE, 10, "high", "none"),  # one reading shows no step, whether there was one or not
        (READ_FROM_P_ON, 10, "critical", "none"),
        (stepped((*BETWEEN, -10), clock=READ_SINCE), 10, "low", "clock_step"),
        (stepped((*BETWEEN, -9), clock=READ_SINCE), 10, "high", "none"),
        (stepped((*BETWEEN, 10), clock=READ_SINCE), 10, "high", "none"),
        (stepped((P_NS - HOUR, P_NS - 1000, -10), clock=READ_SINCE), 10, "critical", "none"),  # before p was captured
        (stepped((NOW_NS + 1000, NOW_NS + MINUTE, -10), clock=READ_SINCE), 10, "critical", "none"),  # after
    ],
)
def test_h2_beside_the_clock_of_the_host(clock: HostClock, back: int, severity: str, explained_by: str) -> None:
    (found,) = findings(file(**SAME), before(ctime_ns=C + back), clock)
    assert (found.standard.code, found.severity) == ("TS-CTIME-REGRESSED", severity)
    assert found.evidence["explained_by"] == explained_by


@pytest.mark.parametrize(("clock", "severity"), [(READ_AN_HOUR_AGO, "critical"), (READ_LONGER_AGO, "high")])
def test_h2_a_reading_says_nothing_of_what_came_long_after_it(clock: HostClock, severity: str) -> None:
    assert codes(file(**SAME), before(**DAY_OLD_CAPTURE, ctime_ns=C + 10), clock) == {"TS-CTIME-REGRESSED": severity}


def test_h3_and_h7_are_explained_by_a_step_back_too() -> None:
    clock = stepped((*BETWEEN, -HOUR), clock=READ_SINCE)
    earlier = before(ctime_ns=C + HOUR // 2, mtime_ns=C + HOUR // 2, atime_ns=C + HOUR // 2)
    assert codes(file(**SAME), earlier, clock) == {"TS-CTIME-REGRESSED": "low", "TS-MTIME-CHANGED-CTIME-NOT": "low"}
    assert codes(file(**SAME), before(atime_ns=C + HOUR), clock) == {"TS-ATIME-REGRESSED": "low"}
    assert codes(file(**SAME), before(atime_ns=C + HOUR + 1), clock) == {"TS-ATIME-REGRESSED": "high"}


@pytest.mark.parametrize(
    ("forth", "expected"),
    [
        ((P_NS + MINUTE, P_NS + 2 * MINUTE, DAY), {"TS-CLOCK-ROUTE": "medium"}),
        ((P_NS + MINUTE, P_NS + MINUTE + 10 * MINUTE, DAY), {"TS-CLOCK-ROUTE": "medium"}),
        ((P_NS + MINUTE, P_NS + MINUTE + 10 * MINUTE + 1000, DAY), {}),
        ((P_NS + MINUTE, P_NS + 2 * MINUTE, DAY // 3), {}),
    ],
)
def test_f10_a_clock_set_back_and_forth(forth: tuple[int, int, int], expected: dict[str, str]) -> None:
    clock = stepped((P_NS, P_NS + MINUTE, -DAY), forth, clock=READ_SINCE)
    got = codes(file(**SAME), before(ctime_ns=C + 2), clock)
    assert got == {"TS-CTIME-REGRESSED": "low"} | expected


COMMITTED = from_microseconds((C - 100 * DAY) // SECOND * 1_000_000)
G = (C - 100 * DAY) // SECOND * SECOND
LONG_BEFORE_C = from_microseconds(C // 1000 - 61_000_000)
SECOND_LATER = timedelta(seconds=1)
OF_GIT = {"git_commit_sha": COMMIT, "git_committed_at": COMMITTED}


@pytest.mark.parametrize(
    ("previous", "fields", "severity", "explained_by"),
    [
        (OF_GIT, OF_GIT, "info", "git"),
        (OF_GIT, OF_GIT | {"mtime_ns": G + SECOND}, "high", "none"),
        ({}, OF_GIT, "high", "none"),  # the event alone says so
        (OF_GIT | {"git_commit_sha": OTHER_COMMIT}, OF_GIT, "high", "none"),
        (OF_GIT | {"git_committed_at": COMMITTED + timedelta(days=1)}, OF_GIT, "high", "none"),
    ],
)
def test_h21_a_commit_excuses_only_if_an_earlier_record_told_it(
    previous: dict[str, Any], fields: dict[str, Any], severity: str, explained_by: str
) -> None:
    restored = file(**(SAME | {"mtime_ns": G, "ctime_ns": SINCE} | fields))
    found = {f.standard.code: f for f in findings(restored, before(**previous))}
    assert found["TS-MTIME-REGRESSED"].severity == severity
    assert found["TS-MTIME-REGRESSED"].evidence["explained_by"] == explained_by
    assert ("GIT-MTIME-EQUALS-COMMIT" in found) == (restored.mtime_ns == G)
    if explained_by == "git" and "GIT-SAME-SHA-MTIME-BACK" in found:
        assert found["GIT-SAME-SHA-MTIME-BACK"].severity == "info"


@pytest.mark.parametrize(
    ("previous", "fields", "expected"),
    [
        # H19: a commit of the future
        (None, {"git_committed_at": from_microseconds(NOW_US + 1_000_000)}, {}),
        (None, {"git_committed_at": from_microseconds(NOW_US + 1_000_001)}, {"GIT-FUTURE-COMMIT": "medium"}),
        # H20: m < g - 1 s, c > g + 60 s, no p
        (None, {"git_committed_at": LONG_BEFORE_C, "mtime_ns": C - DAY}, {"GIT-MTIME-BEFORE-COMMIT": "low"}),
        (None, {"git_committed_at": from_microseconds(C // 1000 - 59_000_000), "mtime_ns": C - DAY}, {}),
        (None, {"git_committed_at": LONG_BEFORE_C, "mtime_ns": C - 61_500_000_000}, {}),
        (
            {},
            {"git_committed_at": LONG_BEFORE_C, "mtime_ns": C - DAY, "ctime_ns": SINCE},
            {"TS-MTIME-REGRESSED": "medium"},
        ),
        # H23: the commit is older than before
        ({"git_committed_at": COMMITTED}, {"git_committed_at": COMMITTED}, {}),
        ({"git_committed_at": COMMITTED + SECOND_LATER}, {"git_committed_at": COMMITTED}, {"GIT-ROLLBACK": "info"}),
    ],
)  # fmt: skip
def test_git(previous: dict[str, Any] | None, fields: dict[str, Any], expected: dict[str, str]) -> None:
    assert codes(file(**(SAME | fields)), None if previous is None else before(**previous)) == expected


@pytest.mark.parametrize(
    ("previous", "m", "severity", "explained_by"),
    [
        (before(earlier_mtimes_ns=(C - DAY, C - 91 * DAY)), C - 91 * DAY, "low", "restored"),
        (before(earlier_mtimes_ns=(C - DAY,)), C - 91 * DAY, "high", "none"),
        (before(mtime_ns=NOW_NS + 200 * DAY), SINCE, "low", "write"),
        (before(mtime_ns=NOW_NS + 200 * DAY), P_NS - 2 * SECOND, "high", "none"),
    ],
)
def test_h6_is_explained(previous: FileState, m: int, severity: str, explained_by: str) -> None:
    found = {f.standard.code: f for f in findings(file(**SAME, mtime_ns=m, ctime_ns=SINCE), previous)}
    assert found["TS-MTIME-REGRESSED"].severity == severity
    assert found["TS-MTIME-REGRESSED"].evidence["explained_by"] == explained_by


def test_snapshot_rules_at_info_tell_of_a_file_once() -> None:
    old = {"mtime_ns": C // SECOND * SECOND - DAY - 7 * SECOND}
    assert codes(file(**SAME, **old)) == {"TS-WHOLE-SECOND": "info"}
    assert codes(file(**SAME, **old), before(**old)) == {}
    assert codes(file(**SAME, **old, birthtime_ns=C), before(**old, birthtime_ns=C)) == {}


def test_the_clock_known_to_the_millisecond_sharpens_h5() -> None:
    near = file(**SAME, mtime_ns=P_NS - SYNCED_NS - SECOND // 2 - 2, ctime_ns=SINCE)
    assert codes(near, before(), SYNCED) == {"TS-RETROACTIVE-MTIME": "high"}
    assert codes(near, before()) == {}


def test_the_previous_record_stands_in_the_finding() -> None:
    (found,) = findings(file(**SAME), before(ctime_ns=C + 5), topic="governance.filesystem-timestamps.v1")
    assert found.evidence["previous"] == {
        "atime_ns": C, "mtime_ns": C, "ctime_ns": C + 5, "captured_at_us": P_NS // 1000,
        "topic": "governance.filesystem-timestamps.v1", "partition": 3, "offset": 99,
    }  # fmt: skip
    assert found.evidence["margin_ns"] == 4


def test_the_state_after_a_record_keeps_the_mtimes_of_the_past() -> None:
    state = FileState.after(None, file(), 1, 0, 0)
    assert state.earlier_mtimes_ns == ()
    for number in range(1, 11):
        state = FileState.after(state, file(mtime_ns=C + number), 1 + number, 0, number)
    assert state.earlier_mtimes_ns == tuple(C + number for number in range(9, 1, -1))
    assert FileState.after(state, file(mtime_ns=C + 10), 99, 0, 0).earlier_mtimes_ns == state.earlier_mtimes_ns
