"""Each rule beside its reference: what fires, with which severity, and what does not."""

from typing import Any

import pytest

from schemas.events import FileTimes
from streams.judges.mac_times import Capture, FileState, ctime_precision_ns, judge_file
from streams.standards.standard import Standard
from tests.unit.records import NOW_NS, NOW_US

SECOND, HOUR, DAY = 10**9, 3600 * 10**9, 86400 * 10**9
C = NOW_NS - HOUR - 1  # a ctime of an hour ago, with nanoseconds: the least precision is 1 ns
WHOLE = C // SECOND * SECOND


def builtin(code: str, severity: str = "high") -> Standard:
    return Standard(
        id=code, code=code, version=1, kind="builtin", applies_to="filesystem", category="timestomping",
        field="x", pattern="builtin", severity=severity, status="active",
    )  # fmt: skip


BUILTINS = {
    code: builtin(code, severity)
    for code, severity in {
        "TS-MTIME-AFTER-CTIME": "high",
        "TS-CTIME-REGRESSED": "high",
        "TS-CTIME-FUTURE": "high",
        "TS-MTIME-FUTURE": "high",
        "TS-TIME-OUT-OF-RANGE": "medium",
        "TS-PATH-REPLACED": "info",
    }.items()
}


def found(
    previous: FileState | None = None,
    platform: str | None = "linux",
    filesystem_type: str | None = "ext4",
    **times: Any,
) -> dict[str, str]:
    file = FileTimes(**({"file_path": "/a", "atime_ns": C, "mtime_ns": C, "ctime_ns": C} | times))
    capture = Capture("host", NOW_US, platform, filesystem_type)
    return {finding.standard.code: finding.severity for finding in judge_file(file, capture, previous, BUILTINS)}


def before(captured_at_us: int = NOW_US - 60_000_000, **known: Any) -> FileState:
    return FileState(
        **({"captured_at_us": captured_at_us, "mtime_ns": C, "ctime_ns": C, "inode": 7, "device": 1} | known)
    )


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        # An honest file: written an hour ago, read since; atime before mtime is normal under relatime.
        ({}, {}),
        ({"atime_ns": C - DAY}, {}),
        ({"atime_ns": NOW_NS}, {}),
        ({"mtime_ns": C - 400 * DAY}, {}),  # cp -p, tar, package files
        # H1: mtime after ctime, by more than the grain of ctime
        ({"mtime_ns": C + 1}, {}),
        ({"mtime_ns": C + 2}, {"TS-MTIME-AFTER-CTIME": "high"}),
        ({"ctime_ns": WHOLE, "mtime_ns": WHOLE + SECOND - 1}, {}),
        ({"ctime_ns": WHOLE, "mtime_ns": WHOLE + SECOND + 1}, {"TS-MTIME-AFTER-CTIME": "high"}),
        # H4: ctime after the capture, beyond the clock's uncertainty of a second
        ({"ctime_ns": NOW_NS + SECOND}, {}),
        ({"ctime_ns": NOW_NS + SECOND + 2}, {"TS-CTIME-FUTURE": "low"}),
        ({"ctime_ns": NOW_NS + 5 * SECOND + 2}, {"TS-CTIME-FUTURE": "high"}),
        # H15: mtime after the capture, graded by how far
        ({"mtime_ns": NOW_NS + SECOND, "ctime_ns": NOW_NS + SECOND}, {}),
        ({"mtime_ns": NOW_NS + 60 * SECOND}, {"TS-MTIME-AFTER-CTIME": "high", "TS-MTIME-FUTURE": "low"}),
        ({"mtime_ns": NOW_NS + 2 * HOUR}, {"TS-MTIME-AFTER-CTIME": "high", "TS-MTIME-FUTURE": "medium"}),
        ({"mtime_ns": NOW_NS + 2 * DAY}, {"TS-MTIME-AFTER-CTIME": "high", "TS-MTIME-FUTURE": "high"}),
        # What a TIMESTAMP cannot hold
        ({"atime_ns": 0}, {"TS-TIME-OUT-OF-RANGE": "medium"}),
        ({"mtime_ns": -1}, {"TS-TIME-OUT-OF-RANGE": "medium"}),
        ({"mtime_ns": 10**9}, {}),
        (
            {"mtime_ns": 2**63 - 1},
            {"TS-MTIME-AFTER-CTIME": "high", "TS-MTIME-FUTURE": "high", "TS-TIME-OUT-OF-RANGE": "medium"},
        ),
    ],
)  # fmt: skip
def test_one_capture(times: dict[str, int], expected: dict[str, str]) -> None:
    assert found(**times) == expected


@pytest.mark.parametrize(
    ("previous", "file", "expected"),
    [
        (before(), {"inode": 7, "device": 1}, {}),  # unchanged
        (before(ctime_ns=C - DAY), {"inode": 7, "device": 1}, {}),  # changed since, forward
        (before(ctime_ns=C + 1), {"inode": 7, "device": 1}, {}),  # within the grain
        (before(ctime_ns=C + 2), {"inode": 7, "device": 1}, {"TS-CTIME-REGRESSED": "high"}),
        (
            before(ctime_ns=C + 2),
            {},
            {"TS-CTIME-REGRESSED": "medium"},
        ),  # the inode is not known: one step lower
        (before(ctime_ns=C + 2, inode=None), {"inode": 7}, {"TS-CTIME-REGRESSED": "medium"}),
        (before(ctime_ns=C + 2), {"inode": 8, "device": 1}, {"TS-PATH-REPLACED": "info"}),
        (before(ctime_ns=C + 2), {"inode": 7, "device": 2}, {"TS-PATH-REPLACED": "info"}),
        # The "previous" record is no earlier than this one: late or repeated, so nothing is concluded.
        (before(captured_at_us=NOW_US, ctime_ns=C + 2), {"inode": 7, "device": 1}, {}),
        (before(captured_at_us=NOW_US + 1, ctime_ns=C + 2), {"inode": 7, "device": 1}, {}),
    ],
)
def test_against_the_previous_record(previous: FileState, file: dict[str, int], expected: dict[str, str]) -> None:
    assert found(previous, **file) == expected


@pytest.mark.parametrize(
    ("platform", "filesystem_type", "expected"),
    [
        ("linux", "ext4", "high"),
        ("linux", "XFS", "high"),
        ("linux", None, "medium"),
        (None, None, "medium"),
        ("windows", "ntfs", None),
        ("Windows", None, None),
        ("linux", "nfs4", None),
        ("linux", "fuse.sshfs", None),
        ("linux", "vfat", None),
    ],
)
def test_ctime_rules_are_off_where_ctime_means_something_else(
    platform: str | None, filesystem_type: str | None, expected: str | None
) -> None:
    got = found(None, platform, filesystem_type, mtime_ns=C + DAY // 24)
    assert got.get("TS-MTIME-AFTER-CTIME") == expected


def test_a_suspended_rule_is_silent() -> None:
    file = FileTimes(file_path="/a", atime_ns=C, mtime_ns=C + HOUR // 2, ctime_ns=C)
    capture = Capture("host", NOW_US, "linux", "ext4")
    others = {code: rule for code, rule in BUILTINS.items() if code != "TS-MTIME-AFTER-CTIME"}
    assert judge_file(file, capture, None, others) == []


def test_a_regraded_rule_is_lowered_from_its_new_severity() -> None:
    file = FileTimes(file_path="/a", atime_ns=C, mtime_ns=C + HOUR // 2, ctime_ns=C)
    rules = {"TS-MTIME-AFTER-CTIME": builtin("TS-MTIME-AFTER-CTIME", "critical")}
    (finding,) = judge_file(file, Capture("host", NOW_US, None, None), None, rules)
    assert finding.severity == "high"
    assert finding.evidence["gates"] == ["filesystem_unknown"]


def test_a_finding_explains_itself() -> None:
    file = FileTimes(file_path="/a", atime_ns=C, mtime_ns=C + 500, ctime_ns=C)
    (finding,) = judge_file(file, Capture("host", NOW_US, "linux", "ext4"), None, BUILTINS)
    assert finding.subject == "host:/a"
    assert finding.observed == str(C + 500)
    assert finding.expected == f"<= ctime_ns {C}"
    assert finding.evidence["delta_ns"] == 500
    assert finding.evidence["margin_ns"] == 499
    assert finding.evidence["technique"] == "T1070.006"


@pytest.mark.parametrize(
    ("ctime_ns", "precision_ns"),
    [(5 * SECOND, SECOND), (5 * SECOND + 1000, 1000), (5 * SECOND + 1, 1), (-SECOND, SECOND)],
)
def test_precision_is_read_from_the_zeros(ctime_ns: int, precision_ns: int) -> None:
    assert ctime_precision_ns(ctime_ns) == precision_ns
