"""What only shows in several files of one capture: bursts, a neighbour's times, a swapped directory, copies."""

from typing import Any

import pytest

from streams.judges.timestamps import FileState, Neighbour
from tests.unit.judges.timestamps import (
    DAY,
    HOUR,
    MINUTE,
    OTHER_SHA,
    P_NS,
    SECOND,
    SHA,
    C,
    before,
    codes,
    file,
    findings,
    judge,
)  # fmt: skip

SINCE = P_NS + 5 * MINUTE + 1
OLD = C // MINUTE * MINUTE - 100 * DAY + 7 * SECOND


def many(count: int, m: int = OLD, distinct: int = 2, **fields: Any) -> list[Any]:
    return [file(f"/srv/{n}", mtime_ns=m, ctime_ns=SINCE + n % distinct * 5_000_001, **fields) for n in range(count)]


def severities(files: list[Any], previous: list[FileState | None] | None = None) -> list[dict[str, str]]:
    judged = judge(files, previous)
    return [
        {found.standard.code: found.severity for found in judged.findings.get(index, [])} for index in range(len(files))
    ]


@pytest.mark.parametrize(("count", "distinct", "fires"), [(20, 2, True), (19, 2, False), (20, 1, False)])
def test_h18_twenty_paths_get_one_mtime(count: int, distinct: int, fires: bool) -> None:
    found = severities(many(count, distinct=distinct))
    assert ("TS-BURST" in found[0]) == fires
    assert not any("TS-BURST" in one for one in found[1:])


def test_h18_is_told_once() -> None:
    files = many(20)
    unchanged = [before(mtime_ns=one.mtime_ns, ctime_ns=one.ctime_ns, atime_ns=one.atime_ns) for one in files]
    assert severities(files, list(unchanged)) == [{}] * 20


def test_h18_lowers_signs_of_tools_and_keeps_what_goes_back() -> None:
    minute = C // MINUTE * MINUTE - 100 * DAY
    files = many(20, minute, atime_ns=minute, inode=7, device=1)
    plain = {"TS-TOUCH-T-MINUTE": "info", "TS-TOUCH-BOTH": "info", "TS-WHOLE-SECOND": "info"}
    back = severities(files, [before(atime_ns=0) for _ in files])
    assert back[1] == plain | {"TS-MTIME-REGRESSED": "low"}
    judged = judge(files, [before(atime_ns=0) for _ in files])
    assert {found.evidence["explained_by"] for found in judged.findings[1]} == {"batch"}
    linked = {found.evidence["batch_id"] for number in range(20) for found in judged.findings[number]}
    assert len(linked) == 1
    alone = codes(files[1], before(atime_ns=0))
    assert (alone["TS-MTIME-REGRESSED"], alone["TS-TOUCH-BOTH"]) == ("high", "medium")


def test_h18_lowers_h5_to_info() -> None:
    observed = P_NS - 10 * SECOND - 1
    files = many(20, observed, inode=7, device=1)
    assert severities(files, [before() for _ in files])[1] == {"TS-RETROACTIVE-MTIME": "info"}
    assert codes(files[1], before()) == {"TS-RETROACTIVE-MTIME": "high"}


MIMICKED = C - DAY


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # H12: m == q.m, a == q.a, m % 1 s != 0, c - q.c > 60 s, another inode, the same folder
        ({}, {}, {"TS-TOUCH-R": "medium"}),
        ({}, {"ctime_ns": C - MINUTE}, {}),
        ({}, {"ctime_ns": C - MINUTE - 1}, {"TS-TOUCH-R": "medium"}),
        ({}, {"atime_ns": C - 1}, {"TS-TOUCH-R": "low"}),
        ({}, {"mtime_ns": MIMICKED - 1}, {}),
        ({}, {"path": "/srv/other/b"}, {}),
        ({}, {"path": "/usr/bin/ls"}, {"TS-TOUCH-R": "medium"}),
        ({"inode": 5, "device": 1}, {"inode": 5, "device": 1}, {}),
        ({"inode": 5, "device": 1}, {"inode": 6, "device": 1}, {"TS-TOUCH-R": "medium"}),
        ({"sha256": SHA}, {"sha256": SHA}, {"TS-TOUCH-R": "low"}),  # a copy
        ({"sha256": SHA}, {"sha256": OTHER_SHA}, {"TS-TOUCH-R": "medium"}),
        ({"birthtime_ns": C}, {}, {"TS-TOUCH-R": "medium", "TS-BIRTH-AFTER-MTIME": "medium"}),
    ],
)
def test_h12_a_file_with_a_neighbours_times(
    one: dict[str, Any], other: dict[str, Any], expected: dict[str, str]
) -> None:
    shared = {"mtime_ns": MIMICKED, "atime_ns": C}
    pair = [
        file(**({"path": "/srv/x/b"} | shared | {"ctime_ns": C - HOUR} | other)),
        file(**({"path": "/srv/x/a"} | shared | one)),
    ]
    assert severities(pair) == [{}, expected]


@pytest.mark.parametrize(
    ("path", "stored", "expected"),
    [
        ("/srv/x/b", {}, {"TS-TOUCH-R": "medium"}),
        ("/srv/x/b", {"ctime_ns": C - MINUTE}, {}),
        ("/srv/x/b", {"atime_ns": C - 1}, {"TS-TOUCH-R": "low"}),
        ("/srv/x/b", {"inode": 5}, {}),  # the file itself, under its name of before
        ("/srv/x/b", {"sha256": SHA}, {"TS-TOUCH-R": "low"}),  # cp -p
        ("/srv/x/b", {"ctime_ns": MIMICKED - 1}, {}),  # its mtime was set to a later time itself
        ("/srv/x/a", {}, {}),
        ("/usr/bin/ls", {}, {"TS-TOUCH-R": "medium"}),
        ("/srv/other/b", {}, {}),
    ],
)
def test_h12_a_neighbour_that_was_captured_before(path: str, stored: dict[str, Any], expected: dict[str, str]) -> None:
    times = {"mtime_ns": MIMICKED, "atime_ns": C}
    state = before(**(times | {"ctime_ns": C - HOUR, "inode": 6} | stored))
    one = file("/srv/x/a", inode=5, device=1, sha256=SHA, **times)
    assert codes(one, None, neighbours={MIMICKED: [Neighbour(path, state)]}) == expected


def test_h12_says_where_the_neighbour_is_stored() -> None:
    state = before(mtime_ns=MIMICKED, ctime_ns=C - HOUR, inode=6)
    one = file("/srv/x/a", mtime_ns=MIMICKED, inode=5, device=1)
    (found,) = findings(one, None, neighbours={MIMICKED: [Neighbour("/srv/x/b", state)]})
    told = {name: found.evidence[f"neighbour{name}"] for name in ("", "_partition", "_offset")}
    assert told == {"": "/srv/x/b", "_partition": 3, "_offset": 99}


def test_h12_whole_seconds_are_shared_by_chance() -> None:
    pair = [file("/srv/b", mtime_ns=OLD, ctime_ns=C - HOUR), file("/srv/a", mtime_ns=OLD)]
    assert [set(found) for found in severities(pair)] == [{"TS-WHOLE-SECOND"}, {"TS-WHOLE-SECOND"}]


@pytest.mark.parametrize(
    ("back", "known", "expected"),
    [
        (3, 6, {"TS-DIR-SWAP": "info"}),
        (3, 7, {"TS-CTIME-REGRESSED": "medium"}),
        (2, 2, {"TS-CTIME-REGRESSED": "medium"}),
        (1, 6, {"TS-CTIME-REGRESSED": "medium"}),
    ],
)
def test_g1_half_a_directory_going_back_is_a_swap(back: int, known: int, expected: dict[str, str]) -> None:
    files = [file(f"/srv/x/{n}") for n in range(known + 5)]  # five of them were never seen
    previous = [before(ctime_ns=C + 2 if n < back else C) for n in range(known)] + [None] * 5
    found = severities(files, list(previous))
    assert found[:back] == [expected] * back
    assert found[back:] == [{}] * (len(files) - back)


def test_g1_a_known_inode_is_worth_more_than_its_directory() -> None:
    files = [file(f"/srv/x/{n}", inode=7, device=1) for n in range(4)]
    assert severities(files, [before(ctime_ns=C + 2) for _ in files]) == [{"TS-CTIME-REGRESSED": "high"}] * 4


@pytest.mark.parametrize(
    ("source", "severity", "explained_by"),
    [
        ({"size_bytes": 6}, "medium", "copy"),
        ({"size_bytes": 7}, "medium", "new_version"),
        ({"size_bytes": 6, "mtime_ns": C - 91 * DAY + 1}, "medium", "new_version"),
        ({"size_bytes": None}, "medium", "new_version"),
    ],
)
def test_a_copy_over_a_path_has_a_source(source: dict[str, Any], severity: str, explained_by: str) -> None:
    born = {"birthtime_ns": C - 200 * DAY}
    old = {"mtime_ns": C - 91 * DAY}
    copied = file(inode=7, device=1, ctime_ns=SINCE, size_bytes=6, **old, **born)
    files = [copied, file("/srv/backup", **(old | source))]
    judged = judge(files, [before(size_bytes=5, **born), None])
    (found,) = (found for found in judged.findings[0] if found.standard.code == "TS-MTIME-REGRESSED")
    assert (found.severity, found.evidence["explained_by"]) == (severity, explained_by)


@pytest.mark.parametrize(
    ("known", "other", "severity", "explained_by"),
    [
        ({"size_bytes": 6, "sha256": SHA}, {"sha256": OTHER_SHA}, "high", "none"),
        ({"size_bytes": 6}, {}, "medium", "copy"),  # `cp -p reference a`, of the same length by chance, leaves that
        ({"size_bytes": 6}, {"ctime_ns": SINCE - 1}, "high", "none"),  # both of them were touched
        ({}, {}, "high", "none"),
    ],
)
def test_a_stomped_file_with_its_content_is_no_copy(
    known: dict[str, Any], other: dict[str, Any], severity: str, explained_by: str
) -> None:
    old = {"mtime_ns": C - 91 * DAY}
    stomped = file(inode=7, device=1, ctime_ns=SINCE, **old, **known)
    reference = file("/srv/reference", **old, **(known | other))
    judged = judge([stomped, reference], [before(**known), None])
    (found,) = (found for found in judged.findings[0] if found.standard.code == "TS-MTIME-REGRESSED")
    assert (found.severity, found.evidence["explained_by"]) == (severity, explained_by)


@pytest.mark.parametrize(
    ("then", "now", "severity"),
    [
        ({"sha256": SHA}, {"sha256": SHA, "inode": 7, "device": 1}, "medium"),
        ({"size_bytes": 6}, {"size_bytes": 6, "inode": 7, "device": 1}, "medium"),
        ({"sha256": SHA}, {"sha256": OTHER_SHA, "inode": 7, "device": 1}, "low"),  # an archive over them
        ({}, {"inode": 7, "device": 1}, "low"),
        ({"sha256": SHA}, {"sha256": SHA}, "low"),
    ],
)
def test_h18_twenty_files_that_only_got_another_time_were_unpacked_from_nothing(
    then: dict[str, Any], now: dict[str, Any], severity: str
) -> None:
    files = many(20, **now)
    found = judge(files, [before(**then) for _ in files]).findings[1]
    (back,) = (one for one in found if one.standard.code == "TS-MTIME-REGRESSED")
    assert (back.severity, back.evidence["explained_by"]) == (severity, "batch")
