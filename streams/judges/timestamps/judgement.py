"""A capture judged: the fast way past files of which no rule can say anything, and the slow way through the rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from schemas.events import FileTimes
from streams.judges.findings import Finding
from streams.judges.timestamps import gates, history, plausibility, proofs, signatures, suppression
from streams.judges.timestamps.evidence import findings_of
from streams.judges.timestamps.found import Found
from streams.judges.timestamps.records import DAY, MINUTE, SECOND, Capture, Case, Files, FileState, States
from streams.judges.timestamps.siblings import Siblings
from streams.judges.timestamps.signatures import is_sentinel
from streams.slices import Slices, at_one_go
from streams.standards.standard import Standard
from streams.times import TIMESTAMP_MIN_NS, from_microseconds


@dataclass(slots=True)
class Judgement:
    """Findings by the index of their file; how often each rule saw a difference that the clocks leave open."""

    findings: dict[int, list[Finding]] = field(default_factory=dict)
    indeterminate: dict[str, int] = field(default_factory=dict)


def judge_capture(files: Files, previous: States, capture: Capture, builtins: Mapping[str, Standard]) -> Judgement:
    """All findings of a capture; `previous` holds the newest record of each file's path, or None."""
    return at_one_go(judge_in_slices(files, previous, capture, builtins))


def judge_in_slices(
    files: Files, previous: States, capture: Capture, builtins: Mapping[str, Standard]
) -> Slices[Judgement]:
    """`judge_capture`, with a pause after each file that was worth a look."""
    judgement = Judgement()
    siblings = Siblings(files, previous, capture.captured_at_us, capture.neighbours)
    captured_ns, shared = capture.captured_ns, siblings.shared
    told_elsewhere = shared.union(capture.neighbours) if capture.neighbours else shared
    for index, file in enumerate(files):
        if not is_unremarkable(file, captured_ns, previous[index], told_elsewhere):
            case = Case(index, file, previous[index], capture, siblings)
            found = _reported(list(found_in(case)), builtins, judgement.indeterminate)
            if found:
                judgement.findings[index] = findings_of(found, case, builtins)
            yield
    if shared or capture.appended_ns is not None:
        _add_once(judgement, files, previous, capture, siblings, builtins)
    return judgement


NOTHING_FOUND = Judgement()
"""Of most captures of one file; nobody writes into it."""
_NONE_SHARED: frozenset[int] = frozenset()


def is_plain(files: Files, captured_at_us: int, previous: States) -> bool:
    """Whether a capture is of one unremarkable file, so that there is nothing to judge unless the broker dated it."""
    return len(files) == 1 and is_unremarkable(files[0], captured_at_us * 1000, previous[0], _NONE_SHARED)


def is_unremarkable(file: FileTimes, captured_ns: int, p: FileState | None, shared: frozenset[int]) -> bool:
    """Whether no rule can find anything, which is so of most files and costs a tenth of asking each rule.

    Its times stand in their order, and either it shows what its previous record showed, or it was written since
    that was captured, or it is new and carries no sign of a tool. A time before the capture can be stored, if it
    lies after the first day of 1970.
    """
    m, c, a, b, g = file.mtime_ns, file.ctime_ns, file.atime_ns, file.birthtime_ns, file.git_committed_at
    if not DAY < m <= c <= captured_ns or not TIMESTAMP_MIN_NS <= a <= captured_ns:
        return False
    is_unchanged = p is not None and m == p.mtime_ns and c == p.ctime_ns
    if m % SECOND == 0 and (not is_unchanged or m % MINUTE == 0 or a == m or is_sentinel(m)):
        return False
    if b is not None and b > m and (b > c or not is_unchanged):
        return False
    if g is not None and (p is None or g != p.git_committed_at or g > from_microseconds(captured_ns // 1000)):
        return False
    if c - m > MINUTE and ((m in shared and m % SECOND) or (p is None and c - m > 90 * DAY)):
        return False
    if p is None or is_unchanged:
        return p is None or a >= p.atime_ns
    if c <= p.ctime_ns or a < p.atime_ns:
        return False
    if m == p.mtime_ns:
        return file.size_bytes == p.size_bytes and file.sha256 == p.sha256
    return m >= p.mtime_ns and m >= p.captured_at_us * 1000


def found_in(case: Case) -> Iterator[Found]:
    """What each rule sees in one file, gated and explained."""
    foreign = gates.ctime_is_foreign(case.capture)
    of_ctime: list[Found] = []
    signs: list[Found] = []
    if not foreign:
        signs = [*signatures.touch_minute(case), *signatures.touch_both(case), *signatures.touch_reference(case)]
        of_ctime += [*proofs.mtime_after_ctime(case), *proofs.ctime_future(case), *proofs.birth_after_ctime(case)]
        of_ctime += signs
        of_ctime += [*signatures.whole_second(case), *plausibility.backdated_new(case)]
        of_ctime += plausibility.mtime_before_commit(case)
        of_ctime += _transitions(case)
    for found in of_ctime:
        gates.lower_where_filesystem_is_unknown(found, case.capture)
        suppression.explain(found, case)
    rest = [
        *proofs.out_of_range(case),
        *proofs.mtime_future(case),
        *proofs.atime_future(case),
        *signatures.sentinel(case),
        *signatures.birth_after(case, signs, foreign),
        *plausibility.future_commit(case),
        *plausibility.mtime_equals_commit(case),
        *plausibility.rollback(case),
    ]
    for found in rest:
        suppression.explain(found, case)
    yield from of_ctime
    yield from rest
    if route := suppression.clock_route([*of_ctime, *rest], case):
        yield route


def _transitions(case: Case) -> list[Found]:
    if case.p is None:
        return []
    seen = [found for rule in history.TRANSITIONS for found in rule(case, case.p)]
    certain = [found for found in seen if not found.is_indeterminate]
    return gates.pass_identity(case, certain) + [found for found in seen if found.is_indeterminate]


def _reported(seen: list[Found], builtins: Mapping[str, Standard], indeterminate: dict[str, int]) -> list[Found]:
    """Those whose margin is positive and whose standard is in force; the others with no margin are counted."""
    for found in seen:
        if found.is_indeterminate and found.code in builtins:
            indeterminate[found.code] = indeterminate.get(found.code, 0) + 1
    return [found for found in seen if found.code in builtins and not found.is_indeterminate]


def _add_once(
    judgement: Judgement,
    files: Files,
    previous: States,
    capture: Capture,
    siblings: Siblings,
    builtins: Mapping[str, Standard],
) -> None:
    """What a capture is told of once and not for every file: bursts, and its own skew."""
    once = [(members[0], _burst(members, mtime, files, capture)) for mtime, members in siblings.bursts.items()]
    first = Case(0, files[0], previous[0], capture, siblings) if capture.appended_ns is not None else None
    if first is not None:
        once += [(0, found) for found in plausibility.capture_skew(first)]
    for index, found in once:
        if found.code in builtins:
            case = Case(index, files[index], previous[index], capture, siblings)
            judgement.findings.setdefault(index, []).extend(findings_of([found], case, builtins))


def _burst(members: list[int], mtime: int, files: Files, capture: Capture) -> Found:
    ctimes = {files[index].ctime_ns for index in members}
    return Found(
        "H18", "TS-BURST", "mtime_ns", str(mtime), "fewer than 20 paths that get one mtime in a capture",
        f"{len(members)} paths got m {mtime}, with {len(ctimes)} ctimes", hint="an archive, a deploy",
        numbers={
            "paths": len(members),
            "some_paths": [files[index].file_path for index in members[:5]],
            "batch_id": f"{capture.host}/{capture.captured_at_us}/{mtime}",
        },
    )  # fmt: skip
