"""Files, histories and clocks for the tables of cases: honest unless a case says otherwise."""

from typing import Any

from schemas.events import FileTimes
from streams.judges.findings import Finding
from streams.judges.host_clock import UNKNOWN_CLOCK, ClockStep, HostClock
from streams.judges.timestamps import Capture, FileState, Judgement, judge_capture
from streams.standards.catalog import seed_standards
from streams.standards.standard import Standard
from tests.unit.records import NOW_NS, NOW_US

MS, SECOND, MINUTE, HOUR, DAY = 10**6, 10**9, 60 * 10**9, 3600 * 10**9, 86400 * 10**9
C = NOW_NS - HOUR - 1
"""A ctime of an hour ago with nanoseconds."""
WHOLE = C // MINUTE * MINUTE + 7 * SECOND
"""A whole second, and no whole minute, within a minute of C."""
P_NS = NOW_NS - 10 * MINUTE
"""When the previous record was captured."""
SHA, OTHER_SHA = "a" * 64, "b" * 64

BUILTINS: dict[str, Standard] = {
    spec.code: spec.to_standard()
    for spec in seed_standards()
    if spec.kind == "builtin" and spec.applies_to == "filesystem"
}
SYNCED = HostClock(NOW_US - 1_000_000, 1_000, 2_000_000, "synchronized")
"""A clock that was read a second ago: 2 ms and 15 us may it be off."""
SYNCED_NS = 2_000_000 + 15_000


def file(path: str = "/srv/a", **fields: Any) -> FileTimes:
    return FileTimes(**({"file_path": path, "atime_ns": C, "mtime_ns": C, "ctime_ns": C} | fields))


def before(captured_ns: int = P_NS, **fields: Any) -> FileState:
    known = {"atime_ns": C, "mtime_ns": C, "ctime_ns": C, "inode": 7, "device": 1, "partition": 3, "offset": 99}
    return FileState(captured_ns // 1000, **(known | fields))


def capture(clock: HostClock = UNKNOWN_CLOCK, **fields: Any) -> Capture:
    return Capture(
        **({"host": "host", "captured_at_us": NOW_US, "platform": "linux", "filesystem_type": "ext4"} | fields),
        clock=clock,
    )


def judge(
    files: list[FileTimes], previous: list[FileState | None] | None = None, *args: Any, **fields: Any
) -> Judgement:
    return judge_capture(files, previous or [None] * len(files), capture(*args, **fields), BUILTINS)


def findings(one: FileTimes, previous: FileState | None = None, *args: Any, **fields: Any) -> list[Finding]:
    return judge([one], [previous], *args, **fields).findings.get(0, [])


def codes(one: FileTimes, previous: FileState | None = None, *args: Any, **fields: Any) -> dict[str, str]:
    return {found.standard.code: found.severity for found in findings(one, previous, *args, **fields)}


def stepped(*steps: tuple[int, int, int], clock: HostClock = SYNCED) -> HostClock:
    """The clock after steps (after, until, by), in nanoseconds."""
    made = tuple(ClockStep(after // 1000, until // 1000, by) for after, until, by in steps)
    return HostClock(clock.read_at_us, clock.offset_ns, clock.bound_ns, clock.status, made)
