"""A file against the previous record of its path. Gate G1 decides afterwards what a transition is worth.

H2   TS-CTIME-REGRESSED         c < p.c - e                        no user can set ctime, so it never goes back
H3   TS-MTIME-CHANGED-CTIME-NOT m != p.m and c <= p.c              a new mtime always implies a new ctime
H5   TS-RETROACTIVE-MTIME       p.m < m < p.cap - U, c > p.cap + U we looked after m, and saw another mtime;
                                   U and half a second, the time that one capture of many files may take
H6   TS-MTIME-REGRESSED         m < p.m - e and c > p.c
H7   TS-ATIME-REGRESSED         a < p.a - e and c >= p.c           low with a newer ctime; the same one: impossible
H8   TS-CONTENT-HIDDEN          content changed, m == p.m, c > p.c written, and then mtime put back
H22  GIT-SAME-SHA-MTIME-BACK    p.sha == sha and H6                the commit is the same: nothing to restore
"""

from collections.abc import Iterator

from streams.judges.timestamps.found import Found
from streams.judges.timestamps.records import CAPTURE_SPAN_NS, DAY, JIFFY_NS, Case, FileState


def ctime_regressed(case: Case, p: FileState) -> Iterator[Found]:
    """H2. Critical where the clock topic speaks of the time between and shows no step; else high."""
    if case.c < p.ctime_ns:
        no_step = case.capture.clock.shows_no_step(p.captured_at_us, case.capture.captured_at_us)
        yield Found(
            "H2", "TS-CTIME-REGRESSED", "ctime_ns", str(case.c), f">= previous ctime_ns {p.ctime_ns}",
            f"c {case.c} < p.c {p.ctime_ns} - e {case.e}", p.ctime_ns - case.c, case.e, 0 if no_step else 1,
            tags=["no_clock_step"] if no_step else [],
            hint="a clock set back, a snapshot rolled back, another mount, a disk edited below its file system",
        )  # fmt: skip


def mtime_changed_ctime_not(case: Case, p: FileState) -> Iterator[Found]:
    """H3. With the same ctime only if no second change fits into its tick: p was captured later than that."""
    if case.m == p.mtime_ns or case.c > p.ctime_ns or abs(case.m - p.mtime_ns) < case.e:
        return
    tick = max(JIFFY_NS, case.e)
    if p.ctime_ns - case.c <= case.e and case.p_cap - p.ctime_ns <= tick:
        return
    yield Found(
        "H3", "TS-MTIME-CHANGED-CTIME-NOT", "mtime_ns", str(case.m),
        f"previous mtime_ns {p.mtime_ns}, or a newer ctime",
        f"m {case.m} != p.m {p.mtime_ns} and c {case.c} <= p.c {p.ctime_ns},"
        f" p.cap - p.c = {case.p_cap - p.ctime_ns} > {tick}",
        numbers={"mtime_delta_ns": case.m - p.mtime_ns, "ctime_delta_ns": case.c - p.ctime_ns},
        hint="a network file system, another mount",
    )  # fmt: skip


def retroactive_mtime(case: Case, p: FileState) -> Iterator[Found]:
    """H5. The mtime lies in a time at whose end we saw another one, so no write of the kernel made it."""
    delta = min(case.p_cap - case.m, case.c - case.p_cap)
    allowed = case.U + CAPTURE_SPAN_NS
    if p.mtime_ns < case.m and delta > 0:
        yield Found(
            "H5", "TS-RETROACTIVE-MTIME", "mtime_ns", str(case.m),
            f"previous mtime_ns {p.mtime_ns}, or after its capture",
            f"p.m {p.mtime_ns} < m {case.m} < p.cap {case.p_cap} - U {allowed} and c {case.c} > p.cap + U",
            delta, allowed, hint="another version moved, copied with its times, or unpacked over the path",
        )  # fmt: skip


def mtime_regressed(case: Case, p: FileState) -> Iterator[Found]:
    """H6. High if it went back more than 90 days (DET0591) or the path is sensitive, else medium."""
    delta = p.mtime_ns - case.m
    if delta <= 0 or case.c <= p.ctime_ns:
        return
    high = delta > 90 * DAY or case.is_sensitive
    hint = "package downgrade, restored backup, rsync -t, tar"
    yield Found(
        "H6", "TS-MTIME-REGRESSED", "mtime_ns", str(case.m), f">= previous mtime_ns {p.mtime_ns}",
        f"m {case.m} < p.m {p.mtime_ns} - e {case.e} and c {case.c} > p.c {p.ctime_ns}",
        delta, case.e, 0 if high else 1, tags=["sensitive_path"] if case.is_sensitive else [], hint=hint,
    )  # fmt: skip
    if case.file.git_commit_sha is not None and case.file.git_commit_sha == p.git_commit_sha:
        yield Found(
            "H22", "GIT-SAME-SHA-MTIME-BACK", "mtime_ns", str(case.m), f">= previous mtime_ns {p.mtime_ns}",
            f"sha == p.sha, m {case.m} < p.m {p.mtime_ns} - e {case.e} and c {case.c} > p.c {p.ctime_ns}",
            delta, case.e, 0 if high else 1, numbers={"git_commit_sha": p.git_commit_sha}, hint="git-restore-mtime",
        )  # fmt: skip


def atime_regressed(case: Case, p: FileState) -> Iterator[Found]:
    """H7. With a newer ctime low: utimensat did it. With the same ctime nothing in user land can."""
    if case.a >= p.atime_ns or case.c < p.ctime_ns:
        return
    unchanged = case.c == p.ctime_ns
    if unchanged and case.p_cap - p.ctime_ns <= max(JIFFY_NS, case.e):
        return
    yield Found(
        "H7", "TS-ATIME-REGRESSED", "atime_ns", str(case.a), f">= previous atime_ns {p.atime_ns}",
        f"a {case.a} < p.a {p.atime_ns} - e {case.e} and c {case.c} {'==' if unchanged else '>'} p.c {p.ctime_ns}",
        p.atime_ns - case.a, case.e, 0 if unchanged else 2,
        hint="touch -a, a backup that puts atime back" if not unchanged else "an atime lost in a crash (lazytime)",
    )  # fmt: skip


def content_hidden(case: Case, p: FileState) -> Iterator[Found]:
    """H8. A write after p's capture leaves a later mtime; only within the tick of p's mtime it might not."""
    if not case.content_changed or case.m != p.mtime_ns or case.c <= p.ctime_ns:
        return
    found = Found(
        "H8", "TS-CONTENT-HIDDEN", "mtime_ns", str(case.m), "a newer mtime_ns, for the content is another",
        f"m == p.m {case.m}, c {case.c} > p.c {p.ctime_ns}, size {p.size_bytes} -> {case.file.size_bytes},"
        f" sha256 {p.sha256} -> {case.file.sha256}",
        hint="rsync --inplace -t, writers by mmap whose mtime comes late",
    )  # fmt: skip
    if case.p_cap - p.mtime_ns <= max(JIFFY_NS, case.e):
        found.lower(2, "written_in_one_tick")
    yield found


TRANSITIONS = (
    ctime_regressed,
    mtime_changed_ctime_not,
    retroactive_mtime,
    mtime_regressed,
    atime_regressed,
    content_hidden,
)
