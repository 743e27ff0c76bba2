"""What would make a file honestly. An explanation lowers a finding and is named in it; it never deletes one.

clock_step   H1-H4, H7, H14, H15: the clock topic knows a step back by at least the difference. Low.
clock        H1: the clock is off by at least the difference. Low. H4: it is drifting. One step less.
write        H6, H22: the previous mtime lay in the future, and m is a time since its capture. Low.
restored     H6, H22: the path had this mtime before. Low.
git          H5, H6, H9, H10, H20, H22: m is the time of the commit (H21), and the previous record, captured before
             the change and kept off the host, told this very commit. Info; H5 medium at most.
             What the event alone says of its commit excuses nothing, for who forges a time forges that too.
batch        H5, H9-H12: one of a burst (H18). Info. H6, H22: low, for going back in a batch is still going back;
             medium if inode and content are what they were, so that no archive was unpacked there.
copy         H5, H6, H22: other content than before, and another file of this capture has this mtime and size or
             hash; or nothing tells whether it is other content, and that file has not changed since p.cap. Medium at
             most. H12 (in signatures.py): the neighbour has the same hash. Low at most.
new_version  H5, H6, H22: other content than before, as a restore or an older release brings it with its time;
             also in an inode that only has the number of the one before. Medium at most.
"""

from schemas.findings import Severity
from streams.judges.timestamps.found import Found
from streams.judges.timestamps.gates import Identity, identity
from streams.judges.timestamps.records import SECOND, Case, is_known_to_be_equal, is_same_hash
from streams.times import microseconds

_MTIME_BACK = frozenset({"H6", "H22"})
_BATCHED = frozenset({"H5", "H9", "H10", "H11", "H12"})
_GIT_EXPLAINED = frozenset({"H6", "H9", "H10", "H20", "H22"})
_SNAPSHOTS = frozenset({"H4", "H14", "H15"})
"""What such a rule sees, it sees with every capture: the step may be older than the previous one."""
_STEP_EXPLAINED = frozenset({"H1", "H2", "H3", "H4", "H7", "H14", "H15"})


def explain(found: Found, case: Case) -> None:
    """Lower a finding by everything that explains it."""
    if found.rule in _STEP_EXPLAINED:
        _by_clock(found, case)
    if found.rule in _MTIME_BACK and case.p is not None and case.p.mtime_ns > case.p_cap <= case.m <= case.c:
        found.explain("write", "low")
    if found.rule in _MTIME_BACK and case.p is not None and case.m in case.p.earlier_mtimes_ns:
        found.explain("restored", "low")
    if git_restored(case):
        if found.rule in _GIT_EXPLAINED:
            found.explain("git", "info")
        elif found.rule == "H5":
            found.explain("git", "medium")
    if (found.rule in _BATCHED or found.rule in _MTIME_BACK) and case.siblings.is_in_burst(case.index):
        found.explain("batch", _at_most_in_a_batch(found, case), batch_id=batch_id(case))
    _by_content(found, case)


def _at_most_in_a_batch(found: Found, case: Case) -> Severity:
    if found.rule not in _MTIME_BACK or case.p is None:
        return "info"
    untouched = identity(case.file, case.p) is Identity.SAME and is_known_to_be_equal(case.file, case.p)
    return "medium" if untouched else "low"


def batch_id(case: Case) -> str:
    """What links the findings of one burst: who, when, and which mtime."""
    return f"{case.capture.host}/{case.capture.captured_at_us}/{case.m}"


def git_restored(case: Case) -> bool:
    """Whether m is the time of a commit that our own earlier record of the path told already."""
    if case.p is None or case.p.git_committed_at is None or case.m % SECOND:
        return False
    if case.p.git_commit_sha is None or case.p.git_commit_sha != case.file.git_commit_sha:
        return False
    return abs(case.m - microseconds(case.p.git_committed_at) * 1000) < SECOND


def _by_clock(found: Found, case: Case) -> None:
    clock, delta = case.capture.clock, _gone_back(found, case)
    if delta is None:
        return
    told_before = case.is_unchanged and found.rule in _SNAPSHOTS
    start = None if found.rule == "H1" or told_before or case.p is None else case.p.captured_at_us
    if step := clock.back_step(delta, start, case.capture.captured_at_us):
        numbers = {"after_us": step.after_us, "until_us": step.until_us, "step_ns": step.step_ns}
        found.explain("clock_step", "low", clock_step=numbers)
    elif found.rule == "H1" and abs(clock.offset_ns) >= delta:
        found.explain("clock", "low", offset_ns=clock.offset_ns)
    elif found.rule == "H4" and clock.status == "drifting":
        found.explain("clock", "high", offset_ns=clock.offset_ns)
        found.steps_down += 1


def _gone_back(found: Found, case: Case) -> int | None:
    """How far a clock must have been set back to make this; None where no clock can."""
    if found.rule == "H14" and case.b is not None and case.b <= case.c:
        return None
    if found.rule != "H3":
        return found.delta_ns
    return case.p.ctime_ns - case.c if case.p is not None and case.c < case.p.ctime_ns else None


def _by_content(found: Found, case: Case) -> None:
    if found.rule in ("H5", "H6", "H22") and case.p is not None and not is_same_hash(case.file, case.p):
        # Where nobody says that the content is another, only a file that was there before can be what was copied.
        twin = case.siblings.twin(case.index, as_of_ns=None if case.content_changed else case.p_cap)
        if twin is not None:
            found.explain("copy", "medium", copy_of=twin.file_path)
        elif case.content_changed:
            found.explain("new_version", "medium")


def clock_route(explained: list[Found], case: Case) -> Found | None:
    """F10: a clock set back and forth again within ten minutes is a way to forge ctime too, and nobody's duty."""
    clock = case.capture.clock
    for found in explained:
        if found.rule not in ("H2", "H4", "H15") or found.explained_by != "clock_step" or found.delta_ns is None:
            continue
        start = None if case.p is None else case.p.captured_at_us
        back = clock.back_step(found.delta_ns, start, case.capture.captured_at_us)
        forth = clock.forth_again(back) if back else None
        if back and forth:
            return Found(
                "F10", "TS-CLOCK-ROUTE", found.field, found.observed, "a clock that is not set back and forth",
                f"step {back.step_ns} ns until {back.until_us} us and {forth.step_ns} ns until {forth.until_us} us,"
                f" within 10 min, beside {found.code}", hint="a time server that failed and came back",
                numbers={"back_ns": back.step_ns, "forth_ns": forth.step_ns, "beside": found.code},
            )  # fmt: skip
    return None
