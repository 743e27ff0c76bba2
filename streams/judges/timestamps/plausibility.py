"""What can be, and seldom is: an old file in a place for new ones, many files with one time, the git history.

    H17  TS-BACKDATED-NEW         no p, c - m > 90 d, the path is sensitive
    H18  TS-BURST                 20 paths of a capture get one mtime, with ctimes of their own (see siblings.py)
    H19  GIT-FUTURE-COMMIT        g > cap + U
    H20  GIT-MTIME-BEFORE-COMMIT  m < g - 1 s and c > g + 60 s and no p
    H21  GIT-MTIME-EQUALS-COMMIT  |m - g| < 1 s and m % 1 s == 0: what git-restore-mtime leaves
    H23  GIT-ROLLBACK             p.g > g
    H24  CAP-SKEW                 |cap - LogAppendTime| > U + 60 s

g and sha are what the event says of itself. So they may accuse, and never excuse: see suppression.py.
"""

from collections.abc import Iterator

from streams.judges.timestamps.found import Found
from streams.judges.timestamps.records import DAY, MINUTE, SECOND, Case
from streams.times import microseconds


def backdated_new(case: Case) -> Iterator[Found]:
    """H17."""
    delta = case.c - case.m
    if case.p is None and case.siblings.is_new(case.index) and delta > 90 * DAY and case.is_sensitive:
        yield Found(
            "H17", "TS-BACKDATED-NEW", "mtime_ns", str(case.m), "an mtime less than 90 days before ctime",
            f"no previous record, c - m = {delta} > {90 * DAY}, sensitive path", delta, 90 * DAY,
            hint="packages and archives keep the times of their files",
        )  # fmt: skip


def future_commit(case: Case) -> Iterator[Found]:
    """H19."""
    if case.g is not None and case.g > case.cap:
        yield Found(
            "H19", "GIT-FUTURE-COMMIT", "git_committed_at", str(case.g), f"<= captured_at {case.cap} ns",
            f"g {case.g} > cap {case.cap} + U {case.U}", case.g - case.cap, case.U,
            hint="the clock of another author", numbers={"git_commit_sha": case.file.git_commit_sha},
        )  # fmt: skip


def mtime_before_commit(case: Case) -> Iterator[Found]:
    """H20."""
    if case.g is None or case.p is not None or not case.siblings.is_new(case.index):
        return
    if case.m < case.g - SECOND and case.c > case.g + MINUTE:
        yield Found(
            "H20", "GIT-MTIME-BEFORE-COMMIT", "mtime_ns", str(case.m), f">= commit time {case.g} ns",
            f"m {case.m} < g {case.g} - 1 s, c {case.c} > g + 60 s, no previous record",
            hint="chmod or mv on the author's own tree", numbers={"git_commit_sha": case.file.git_commit_sha},
        )  # fmt: skip


def mtime_equals_commit(case: Case) -> Iterator[Found]:
    """H21. Info, and once for each new mtime."""
    if case.g is not None and abs(case.m - case.g) < SECOND and case.m % SECOND == 0 and not case.is_unchanged:
        yield Found(
            "H21", "GIT-MTIME-EQUALS-COMMIT", "mtime_ns", str(case.m), "a time of its own",
            f"|m {case.m} - g {case.g}| < 1 s, m % 1 s == 0", hint="git-restore-mtime, or somebody who hides behind it",
            numbers={"git_commit_sha": case.file.git_commit_sha},
        )  # fmt: skip


def rollback(case: Case) -> Iterator[Found]:
    """H23."""
    if case.g is None or case.p is None or case.p.git_committed_at is None:
        return
    before = microseconds(case.p.git_committed_at) * 1000
    if before > case.g:
        yield Found(
            "H23", "GIT-ROLLBACK", "git_committed_at", str(case.g), f">= previous commit time {before} ns",
            f"p.g {before} > g {case.g}", hint="another branch, a reset, a rebase",
            numbers={"git_commit_sha": case.file.git_commit_sha, "previous_git_commit_sha": case.p.git_commit_sha},
        )  # fmt: skip


def capture_skew(case: Case) -> Iterator[Found]:
    """H24. Of the whole capture, so it is asked of its first file only."""
    appended = case.capture.appended_ns
    if appended is None:
        return
    delta, allowed = abs(case.cap - appended), case.u + MINUTE
    if delta > allowed:
        late = case.cap < appended
        yield Found(
            "H24", "CAP-SKEW", "captured_at", str(case.cap), f"within {allowed} ns of the broker's {appended}",
            f"|cap {case.cap} - appended {appended}| > U {case.u} + 60 s", delta, allowed,
            tags=["sent_late_or_clock_slow" if late else "clock_fast"],
            hint="a replay, a queue on the host, a host clock that is off",
        )  # fmt: skip
