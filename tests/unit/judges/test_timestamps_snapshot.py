"""The rules of one snapshot beside their reference: what fires, with which severity, and what just does not."""

from typing import Any

import pytest

from streams.judges.host_clock import HostClock
from streams.judges.timestamps import judge_capture
from tests.unit.judges.timestamps import (
    BUILTINS,
    DAY,
    HOUR,
    MINUTE,
    NOW_NS,
    NOW_US,
    SECOND,
    SHA,
    SYNCED,
    SYNCED_NS,
    WHOLE,
    C,
    capture,
    codes,
    file,
    findings,
    judge,
    stepped,
)  # fmt: skip

MINUTE_SHARP = C // MINUTE * MINUTE - 5 * MINUTE


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        # Honest: written an hour ago and read since; atime before mtime is normal under relatime; cp -p, mv, chmod.
        ({}, {}),
        ({"atime_ns": C - DAY}, {}),
        ({"atime_ns": NOW_NS}, {}),
        ({"mtime_ns": C - 400 * DAY}, {}),
        # H1: m > c + e, e the grain of ctime
        ({"mtime_ns": C + 1}, {}),
        ({"mtime_ns": C + 2}, {"TS-MTIME-AFTER-CTIME": "high"}),
        ({"ctime_ns": WHOLE, "mtime_ns": WHOLE + SECOND}, {}),
        ({"ctime_ns": WHOLE, "mtime_ns": WHOLE + SECOND + 1}, {"TS-MTIME-AFTER-CTIME": "high"}),
        ({"ctime_ns": WHOLE + 1000, "mtime_ns": WHOLE + 2001}, {"TS-MTIME-AFTER-CTIME": "high"}),
        # H4: c > cap + U, U a second and the grain while nobody reports the clock
        ({"ctime_ns": NOW_NS + SECOND}, {}),
        ({"ctime_ns": NOW_NS + SECOND + 2}, {"TS-CTIME-FUTURE": "low"}),
        ({"ctime_ns": NOW_NS + 5 * SECOND}, {"TS-CTIME-FUTURE": "low"}),
        ({"ctime_ns": NOW_NS + 5 * SECOND + 1}, {"TS-CTIME-FUTURE": "high"}),
        # H15: m > cap + U, by how far
        ({"mtime_ns": NOW_NS + SECOND + 1, "ctime_ns": NOW_NS + SECOND + 1}, {}),
        ({"mtime_ns": NOW_NS + HOUR}, {"TS-MTIME-AFTER-CTIME": "high", "TS-MTIME-FUTURE": "low"}),
        ({"mtime_ns": NOW_NS + HOUR + 1}, {"TS-MTIME-AFTER-CTIME": "high", "TS-MTIME-FUTURE": "medium"}),
        ({"mtime_ns": NOW_NS + DAY + 1}, {"TS-MTIME-AFTER-CTIME": "high", "TS-MTIME-FUTURE": "high"}),
        # H16: a > cap + U
        ({"atime_ns": NOW_NS + SECOND + 1}, {}),
        ({"atime_ns": NOW_NS + SECOND + 2}, {"TS-ATIME-FUTURE": "low"}),
        ({"atime_ns": NOW_NS + DAY + 1}, {"TS-ATIME-FUTURE": "medium"}),
        # H9: m % 60 s == 0, c - m > 60 s, c with a fraction (H10 is met with it)
        ({"mtime_ns": MINUTE_SHARP}, {"TS-TOUCH-T-MINUTE": "medium", "TS-WHOLE-SECOND": "info"}),
        ({"mtime_ns": MINUTE_SHARP, "ctime_ns": MINUTE_SHARP + MINUTE}, {}),
        ({"mtime_ns": MINUTE_SHARP, "ctime_ns": MINUTE_SHARP + MINUTE - 1}, {"TS-WHOLE-SECOND": "info"}),
        ({"mtime_ns": MINUTE_SHARP, "ctime_ns": C // SECOND * SECOND}, {}),
        ({"mtime_ns": MINUTE_SHARP, "ctime_ns": C // 10**6 * 10**6}, {}),  # a volume of milliseconds
        # H10: m % 1 s == 0, c - m > 2 s
        ({"mtime_ns": WHOLE - DAY}, {"TS-WHOLE-SECOND": "info"}),
        ({"mtime_ns": WHOLE, "ctime_ns": WHOLE + 2 * SECOND + 1}, {"TS-WHOLE-SECOND": "info"}),
        ({"mtime_ns": WHOLE, "ctime_ns": WHOLE + 2 * SECOND - 1}, {}),
        ({"mtime_ns": WHOLE - DAY + 1}, {}),
        # H11: a == m, whole, c - m > 2 s
        (
            {"mtime_ns": WHOLE - DAY, "atime_ns": WHOLE - DAY},
            {"TS-TOUCH-BOTH": "medium", "TS-WHOLE-SECOND": "info"},
        ),
        ({"mtime_ns": WHOLE - DAY + 1, "atime_ns": WHOLE - DAY + 1}, {}),
        ({"mtime_ns": WHOLE, "atime_ns": WHOLE, "ctime_ns": WHOLE + 2 * SECOND - 1}, {}),
        # H13: sentinels (H9, H10: all but npm's are whole minutes)
        ({"mtime_ns": DAY}, {"TS-SENTINEL": "low", "TS-TOUCH-T-MINUTE": "medium", "TS-WHOLE-SECOND": "info"}),
        ({"mtime_ns": DAY + 1}, {}),
        ({"mtime_ns": SECOND}, {"TS-SENTINEL": "low", "TS-WHOLE-SECOND": "info"}),
        (
            {"mtime_ns": 499_162_500 * SECOND},
            {"TS-SENTINEL": "low", "TS-TOUCH-T-MINUTE": "medium", "TS-WHOLE-SECOND": "info"},
        ),
        ({"mtime_ns": 499_162_501 * SECOND}, {"TS-WHOLE-SECOND": "info"}),
        (
            {"mtime_ns": 315_532_800 * SECOND, "path": "/srv/app/node_modules/x/index.js"},
            {"TS-SENTINEL": "info", "TS-TOUCH-T-MINUTE": "medium", "TS-WHOLE-SECOND": "info"},
        ),
        # H14: born after its mtime, and after its ctime
        ({"birthtime_ns": C}, {}),
        ({"birthtime_ns": C, "mtime_ns": C - 1}, {}),
        ({"birthtime_ns": C, "mtime_ns": C - 2}, {"TS-BIRTH-AFTER-MTIME": "info"}),
        ({"birthtime_ns": C + 1}, {}),
        ({"birthtime_ns": C + 2}, {"TS-BIRTH-AFTER-MTIME": "high"}),
        (
            {"birthtime_ns": C, "mtime_ns": MINUTE_SHARP},
            {"TS-BIRTH-AFTER-MTIME": "medium", "TS-TOUCH-T-MINUTE": "medium", "TS-WHOLE-SECOND": "info"},
        ),
        # H17: old and new here, in a place for new files
        ({"mtime_ns": C - 90 * DAY - 1, "path": "/tmp/x"}, {"TS-BACKDATED-NEW": "medium"}),
        ({"mtime_ns": C - 90 * DAY, "path": "/tmp/x"}, {}),
        ({"mtime_ns": C - 91 * DAY, "path": "/tmpfiles/x"}, {}),
        ({"mtime_ns": C - 91 * DAY, "path": "/home/eve/.ssh/authorized_keys"}, {"TS-BACKDATED-NEW": "medium"}),
        # What a TIMESTAMP cannot hold
        ({"atime_ns": 0}, {"TS-TIME-OUT-OF-RANGE": "medium"}),
        ({"mtime_ns": -1}, {"TS-TIME-OUT-OF-RANGE": "medium"}),
        (
            {"mtime_ns": 2**63 - 1},
            {"TS-MTIME-AFTER-CTIME": "high", "TS-MTIME-FUTURE": "high", "TS-TIME-OUT-OF-RANGE": "medium"},
        ),
    ],
)  # fmt: skip
def test_one_capture(times: dict[str, Any], expected: dict[str, str]) -> None:
    assert codes(file(**times)) == expected


@pytest.mark.parametrize(
    ("platform", "filesystem_type", "expected"),
    [
        ("linux", "ext4", "high"),
        ("linux", "XFS", "high"),
        ("linux", None, "medium"),
        (None, None, "medium"),
        (None, "ext4", "high"),
        ("windows", "ntfs", None),
        ("Windows", None, None),
        ("linux", "nfs4", None),
        ("linux", "fuse.sshfs", None),
        ("linux", "vfat", None),
        ("linux", "9p", None),
    ],
)
def test_g0_rules_that_ask_ctime_are_off_where_it_means_something_else(
    platform: str | None, filesystem_type: str | None, expected: str | None
) -> None:
    got = codes(file(mtime_ns=C + HOUR // 2), platform=platform, filesystem_type=filesystem_type)
    assert got.get("TS-MTIME-AFTER-CTIME") == expected


@pytest.mark.parametrize(
    ("platform", "filesystem_type", "expected"),
    [("linux", "ext4", "high"), ("linux", None, "medium"), ("windows", "ntfs", "info"), ("windows", None, "info")],
)
def test_g0_a_birth_after_ctime_asks_ctime_too(
    platform: str, filesystem_type: str | None, expected: str
) -> None:  # elsewhere it is after its mtime only
    got = codes(file(birthtime_ns=C + 2), platform=platform, filesystem_type=filesystem_type)
    assert got == {"TS-BIRTH-AFTER-MTIME": expected}


def test_g0_a_time_in_the_future_is_one_on_every_file_system() -> None:
    got = codes(file(mtime_ns=NOW_NS + 2 * DAY), platform="windows", filesystem_type="ntfs")
    assert got == {"TS-MTIME-FUTURE": "high"}


@pytest.mark.parametrize(
    ("clock", "m", "expected", "explained_by"),
    [
        (stepped((C - HOUR, C, -HOUR)), C + HOUR, "low", "clock_step"),
        (stepped((C - HOUR, C, -HOUR)), C + HOUR + 1, "high", "none"),
        (stepped((C - HOUR, C, HOUR)), C + HOUR, "high", "none"),  # a step forward makes no later mtime
        (HostClock(NOW_US, 5 * SECOND, 5 * SECOND, "drifting"), C + 5 * SECOND, "low", "clock"),
        (HostClock(NOW_US, 5 * SECOND, 5 * SECOND, "drifting"), C + 5 * SECOND + 1, "high", "none"),
    ],
)
def test_h1_is_explained_by_a_clock_that_was_set_back(
    clock: HostClock, m: int, expected: str, explained_by: str
) -> None:
    (found,) = (f for f in findings(file(mtime_ns=m), None, clock) if f.standard.code == "TS-MTIME-AFTER-CTIME")
    assert (found.severity, found.evidence["explained_by"]) == (expected, explained_by)


@pytest.mark.parametrize(
    ("clock", "delta", "expected"),
    [
        (SYNCED, SYNCED_NS, {}),
        (SYNCED, SYNCED_NS + 2, {"TS-CTIME-FUTURE": "low"}),
        (HostClock(NOW_US, 6 * SECOND, 6 * SECOND, "drifting"), 6 * SECOND, {}),
        (HostClock(NOW_US, 6 * SECOND, 6 * SECOND, "drifting"), 7 * SECOND, {"TS-CTIME-FUTURE": "medium"}),
        (HostClock(NOW_US, 0, 0, "error"), SECOND, {}),
        (HostClock(NOW_US, 0, 0, "error"), 6 * SECOND, {"TS-CTIME-FUTURE": "high"}),
        (stepped((NOW_NS - HOUR, NOW_NS - MINUTE, -HOUR)), HOUR, {"TS-CTIME-FUTURE": "low"}),
        (stepped((NOW_NS - HOUR, NOW_NS - MINUTE, -HOUR)), HOUR + 1, {"TS-CTIME-FUTURE": "high"}),
    ],
)
def test_h4_knows_the_clock_of_the_host(clock: HostClock, delta: int, expected: dict[str, str]) -> None:
    assert codes(file(ctime_ns=NOW_NS + delta), None, clock) == expected


def test_an_old_reading_of_the_clock_says_less() -> None:
    day_old = HostClock(NOW_US - 86_400_000_000, 0, 0, "synchronized")
    assert day_old.uncertainty_ns(NOW_NS) == 86_400 * 15_000
    assert codes(file(ctime_ns=NOW_NS + 86_400 * 15_000), None, day_old) == {}


@pytest.mark.parametrize(
    ("one", "standard"),
    [
        (file(mtime_ns=C + 1), "TS-MTIME-AFTER-CTIME"),
        (file(ctime_ns=NOW_NS + SECOND), "TS-CTIME-FUTURE"),
        (file(mtime_ns=NOW_NS + SECOND, ctime_ns=NOW_NS + SECOND), "TS-MTIME-FUTURE"),
        (file(atime_ns=NOW_NS + 1), "TS-ATIME-FUTURE"),
    ],
)
def test_what_the_clocks_leave_open_is_counted_and_not_found(one: Any, standard: str) -> None:
    judged = judge([one])
    assert judged.findings == {}
    assert judged.indeterminate[standard] == 1


@pytest.mark.parametrize(("shift", "tagged"), [(0, True), (SECOND, True), (3 * SECOND, False)])
def test_h15_names_a_time_zone_taken_for_utc(shift: int, tagged: bool) -> None:
    found = next(
        f for f in findings(file(mtime_ns=NOW_NS + 2 * HOUR + shift, ctime_ns=NOW_NS))
        if f.standard.code == "TS-MTIME-FUTURE"
    )  # fmt: skip
    assert ("tz_suspect" in found.evidence["tags"]) == tagged


@pytest.mark.parametrize(
    ("appended", "clock", "expected"),
    [
        (None, SYNCED, {}),
        (NOW_NS + MINUTE + SYNCED_NS, SYNCED, {}),
        (NOW_NS + MINUTE + SYNCED_NS + 1, SYNCED, {"CAP-SKEW": "low"}),
        (NOW_NS - MINUTE - SYNCED_NS - 1, SYNCED, {"CAP-SKEW": "low"}),
        (NOW_NS + MINUTE + SYNCED_NS + 1, HostClock(), {}),
    ],
)
def test_h24_a_capture_is_dated_near_its_arrival(appended: int, clock: HostClock, expected: dict[str, str]) -> None:
    assert codes(file(), None, clock, appended_ns=appended) == expected


def test_a_finding_explains_itself() -> None:
    (found,) = findings(file(mtime_ns=C + 500, sha256=SHA))
    assert (found.subject, found.observed, found.expected) == ("host:/srv/a", str(C + 500), f"<= ctime_ns {C}")
    evidence = found.evidence
    assert evidence["condition"] == f"m {C + 500} > c {C} + e 1"
    assert (evidence["delta_ns"], evidence["allowed_ns"], evidence["margin_ns"]) == (500, 1, 499)
    assert (evidence["rule"], evidence["technique"], evidence["analytic"]) == ("H1", "T1070.006", "AN1627")
    assert (evidence["precision_ns"], evidence["uncertainty_ns"], evidence["clock"]) == (1, SECOND, "clock_unknown")
    assert (evidence["previous"], evidence["explained_by"], evidence["gates"]) == (None, "none", [])
    assert (evidence["score"], evidence["verdict"]) == (80, "stomped")


@pytest.mark.parametrize(
    ("fields", "score", "verdict"),
    [
        # unzip of a new file: TOUCH-BOTH and BIRTH-AFTER-MTIME, medium each; and with a whole minute one more
        ({"mtime_ns": WHOLE - DAY, "atime_ns": WHOLE - DAY, "birthtime_ns": C}, 79, "suspicious"),
        ({"mtime_ns": MINUTE_SHARP, "atime_ns": MINUTE_SHARP, "birthtime_ns": C}, 79, "suspicious"),
        ({"mtime_ns": WHOLE - DAY}, 0, "clean"),
        # a file dropped in /tmp: not a sign alone
        ({"mtime_ns": WHOLE - 100 * DAY, "atime_ns": WHOLE - 100 * DAY, "path": "/tmp/x"}, 80, "stomped"),
        ({"birthtime_ns": C + 2}, 80, "stomped"),
    ],
)
def test_signs_of_tools_alone_make_no_file_stomped(fields: dict[str, Any], score: int, verdict: str) -> None:
    for found in findings(file(**fields)):
        assert (found.evidence["score"], found.evidence["verdict"]) == (score, verdict)


def test_a_suspended_rule_is_silent_and_a_regraded_one_is_lowered_from_there() -> None:
    one = [file(mtime_ns=C + HOUR // 2)]
    others = {code: rule for code, rule in BUILTINS.items() if code != "TS-MTIME-AFTER-CTIME"}
    assert judge_capture(one, [None], capture(), others).findings == {}
    critical = {**BUILTINS["TS-MTIME-AFTER-CTIME"].content(), "severity": "critical", "id": "x", "version": 2}
    rules = {"TS-MTIME-AFTER-CTIME": type(BUILTINS["TS-MTIME-AFTER-CTIME"])(**critical)}
    (found,) = judge_capture(one, [None], capture(filesystem_type=None), rules).findings[0]
    assert (found.severity, found.evidence["gates"]) == ("high", ["filesystem_unknown"])
