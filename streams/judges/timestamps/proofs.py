"""One snapshot that contradicts how a kernel stamps files. Each rule stands here as in the reference.

H1   TS-MTIME-AFTER-CTIME   m > c + e       mtime was set explicitly, to a time later than the call that set it
H4   TS-CTIME-FUTURE        c > cap + U     the kernel stamps ctime with now, so a clock went back since
H14  TS-BIRTH-AFTER-MTIME   b > c + e       nothing is changed before it is born
H15  TS-MTIME-FUTURE        m > cap + U     low to an hour, medium to a day, high beyond
H16  TS-ATIME-FUTURE        a > cap + U     low to a day, medium beyond
     TS-TIME-OUT-OF-RANGE   a time that a TIMESTAMP column cannot hold, and that is clamped in that column only
"""

from collections.abc import Iterator

from streams.judges.timestamps.found import Found
from streams.judges.timestamps.records import DAY, HOUR, MINUTE, SECOND, Case
from streams.times import fits_timestamp


def mtime_after_ctime(case: Case) -> Iterator[Found]:
    """H1. Setting mtime always stamps ctime with now (F1, F2), so m <= c, but for the grain of the stamps."""
    if case.m > case.c:
        yield Found(
            "H1", "TS-MTIME-AFTER-CTIME", "mtime_ns", str(case.m), f"<= ctime_ns {case.c}",
            f"m {case.m} > c {case.c} + e {case.precision}", case.m - case.c, case.precision,
            hint="an archive with times in the future, a network file system, a clock stepped back and then chmod",
        )  # fmt: skip


def ctime_future(case: Case) -> Iterator[Found]:
    """H4. High beyond 5 seconds, else low."""
    if case.c > case.cap:
        near = case.c - case.cap <= 5 * SECOND
        yield _future(case, "H4", "TS-CTIME-FUTURE", "ctime_ns", case.c, 2 if near else 0)


def birth_after_ctime(case: Case) -> Iterator[Found]:
    """H14, the part that no copy explains."""
    if case.b is not None and case.b > case.c + case.e:
        yield Found(
            "H14", "TS-BIRTH-AFTER-MTIME", "birthtime_ns", str(case.b), f"<= ctime_ns {case.c}",
            f"b {case.b} > c {case.c} + e {case.e}", case.b - case.c, case.e,
            hint="FreeBSD, where a new mtime moves the birth",
        )  # fmt: skip


def mtime_future(case: Case) -> Iterator[Found]:
    """H15. Low up to an hour, medium up to a day, high beyond."""
    delta = case.m - case.cap
    if delta > 0:
        found = _future(
            case, "H15", "TS-MTIME-FUTURE", "mtime_ns", case.m, 0 if delta > DAY else 1 if delta > HOUR else 2
        )
        beside = (case.m - case.c + SECOND) % (15 * MINUTE)
        if case.m - case.c > MINUTE and beside <= 2 * SECOND:
            found.tags.append("tz_suspect")
        yield found


def atime_future(case: Case) -> Iterator[Found]:
    """H16. Low up to a day, medium beyond."""
    if case.a > case.cap:
        yield _future(case, "H16", "TS-ATIME-FUTURE", "atime_ns", case.a, 0 if case.a - case.cap > DAY else 1)


def _future(case: Case, rule: str, code: str, field: str, value: int, steps_down: int) -> Found:
    return Found(
        rule, code, field, str(value), f"<= captured_at {case.cap} ns",
        f"{field} {value} > cap {case.cap} + U {case.U}", value - case.cap, case.U, steps_down,
        hint="clocks of collector and host that differ, a build host that runs ahead, a time zone taken for UTC",
    )  # fmt: skip


def out_of_range(case: Case) -> Iterator[Found]:
    """What a column cannot hold is clamped there, which is said."""
    times = {"atime_ns": case.a, "mtime_ns": case.m, "ctime_ns": case.c}
    outside = {name: value for name, value in times.items() if not fits_timestamp(value)}
    if outside:
        said = ", ".join(f"{name}={value}" for name, value in outside.items())
        yield Found(
            "TIMESTAMP", "TS-TIME-OUT-OF-RANGE", "times", said,
            "between 1970-01-01T00:00:01Z and 2038-01-19T03:14:07.999999Z",
            f"{said} lies outside of what TIMESTAMP holds", hint="epoch 0 of tools that know no time",
            numbers={"clamped": sorted(outside)},
        )  # fmt: skip
