"""What tools print on the files that they set. Never proof: weighed, and never high by themselves.

    H9   TS-TOUCH-T-MINUTE     m % 60 s == 0 and c - m > 60 s                touch -t CCYYMMDDhhmm
    H10  TS-WHOLE-SECOND       m % 1 s == 0 and c - m > 2 s                  info; low if p.m had a fraction
    H11  TS-TOUCH-BOTH         a == m, m % 1 s == 0 and c - m > 2 s          touch -t or -d, and never read since
    H12  TS-TOUCH-R            m == q.m, a == q.a, m % 1 s != 0, c - q.c > 60 s, q a neighbour and another inode;
                               low where only m is the neighbour's           touch -r
    H13  TS-SENTINEL           m in the first day of 1970, 1980-01-01, npm's 499162500: info where builds do that,
                               low elsewhere, medium if p.m was another
    H14  TS-BIRTH-AFTER-MTIME  b > m + e: info (copied with its times); medium with H9, H11 or H12
                               (b > c + e is proof: see proofs.py)

H9 to H12 need stamps that have fractions: precision <= 1 us, c % 1 s != 0.
"""

import re
from collections.abc import Iterator, Sequence

from streams.judges.timestamps.found import Found
from streams.judges.timestamps.records import DAY, MINUTE, SECOND, Case, FileState, is_same_hash

_SENTINELS_NS = frozenset({315_532_800 * SECOND, 499_162_500 * SECOND})
_REPRODUCIBLE = re.compile(
    r"(^|/)(nix/store|gnu/store|ostree|node_modules|site-packages|dist-packages|bazel-[^/]*|\.cargo/registry"
    r"|go/pkg/mod|\.m2/repository)/"
)


def is_sentinel(mtime_ns: int) -> bool:
    """Whether tools write this time when they know none."""
    return 0 <= mtime_ns <= DAY or mtime_ns in _SENTINELS_NS


def touch_minute(case: Case) -> Iterator[Found]:
    """H9."""
    if case.m % MINUTE == 0 and case.c - case.m > MINUTE and case.stamps_are_fine:
        yield _printed(case, "H9", "TS-TOUCH-T-MINUTE", f"m {case.m} % 60 s == 0", MINUTE, "an archive's own times")


def whole_second(case: Case) -> Iterator[Found]:
    """H10. Not of an unchanged file: it has been told, and else would be told of packaged files for ever."""
    if case.m % SECOND or case.c - case.m <= 2 * SECOND or not case.stamps_are_fine or case.is_unchanged:
        return
    hint = "tar, dpkg, pip, zip, git-restore-mtime"
    found = _printed(case, "H10", "TS-WHOLE-SECOND", f"m {case.m} % 1 s == 0", 2 * SECOND, hint)
    fraction = 0 if case.p is None else case.p.mtime_ns % SECOND
    found.numbers["previous_fraction_ns"] = fraction
    found.steps_down = 0 if fraction else 1
    yield found


def touch_both(case: Case) -> Iterator[Found]:
    """H11."""
    if case.a == case.m and case.m % SECOND == 0 and case.c - case.m > 2 * SECOND and case.stamps_are_fine:
        sign = f"a == m {case.m}, m % 1 s == 0"
        yield _printed(case, "H11", "TS-TOUCH-BOTH", sign, 2 * SECOND, "unzip, a mount without atime")


def _printed(case: Case, rule: str, code: str, sign: str, least_ns: int, hint: str) -> Found:
    return Found(
        rule, code, "mtime_ns", str(case.m), "an mtime as a write leaves it",
        f"{sign}, c % 1 s == {case.c % SECOND} ns, c - m = {case.c - case.m} > {least_ns}",
        case.c - case.m, least_ns, is_sign=True, hint=hint,
    )  # fmt: skip


def touch_reference(case: Case) -> Iterator[Found]:
    """H12. Of the two files that share the times the one with the later ctime had them set."""
    if case.m % SECOND == 0 or not case.stamps_are_fine:
        return
    match = case.siblings.mimicked(case.index)
    if match is None:
        return
    path, other, both = match
    found = Found(
        "H12", "TS-TOUCH-R", "mtime_ns", str(case.m), "times of its own",
        f"m == q.m {case.m}, {'a == q.a' if both else 'a != q.a'} {other.atime_ns}, c {case.c} - q.c {other.ctime_ns}"
        f" > {MINUTE}",
        case.c - other.ctime_ns, MINUTE, 0 if both else 1, is_sign=True,
        hint="cp -p; chmod of one of two files that were written in one tick",
        numbers={"neighbour": path, "neighbour_ctime_ns": other.ctime_ns},
    )  # fmt: skip
    if isinstance(other, FileState):
        found.numbers |= {"neighbour_partition": other.partition, "neighbour_offset": other.offset}
    if is_same_hash(case.file, other):
        found.explain("copy", "low", copy_of=path)
    yield found


def sentinel(case: Case) -> Iterator[Found]:
    """H13."""
    if not is_sentinel(case.m):
        return
    changed = case.p is not None and not is_sentinel(case.p.mtime_ns)
    found = Found(
        "H13", "TS-SENTINEL", "mtime_ns", str(case.m), "a time at which something happened",
        f"m {case.m} is a time that tools write when they know none", steps_down=0 if changed else 1,
        is_sign=True, hint="reproducible builds, nix, npm, zip without times",
    )  # fmt: skip
    if _REPRODUCIBLE.search(case.file.file_path):
        found.explain("reproducible_build", "info")
        if case.is_unchanged:
            return
    yield found


def birth_after(case: Case, signatures: Sequence[Found], foreign_ctime: bool) -> Iterator[Found]:
    """H14, b > m, after H9, H11 and H12 were asked and explained; b > c says it already."""
    if case.b is None or (not foreign_ctime and case.b > case.c + case.e):
        return
    signed = any(found.code in _LENDS_WEIGHT and found.at_most != "info" for found in signatures)
    if case.b > case.m and (signed or not case.is_unchanged):
        yield Found(
            "H14", "TS-BIRTH-AFTER-MTIME", "birthtime_ns", str(case.b), f"<= mtime_ns {case.m}",
            f"b {case.b} > m {case.m} + e {case.e}", case.b - case.m, case.e, 1 if signed else 3,
            is_sign=True, hint="moved from another volume, or copied with its times",
        )  # fmt: skip


_LENDS_WEIGHT = frozenset({"TS-TOUCH-T-MINUTE", "TS-TOUCH-BOTH", "TS-TOUCH-R"})
