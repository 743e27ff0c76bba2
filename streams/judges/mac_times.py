"""What a file's MAC times cannot honestly be: the first of the timestomping rules (ATT&CK T1070.006).

Notation, as in the rules' reference: m, c are mtime and ctime, cap the capture, p the previous record of the
same host and path; all in nanoseconds. `precision` is the grain of this record's ctime, `margin` what is left
of a difference after the uncertainty. A finding says that a time was set explicitly, or that a clock or disk
was altered; never that somebody meant harm: cp -p, tar and rsync -t do it too.

    TS-MTIME-AFTER-CTIME   m > c + precision        setting mtime always stamps ctime with now
    TS-CTIME-REGRESSED     c < p.c - precision      no user can set ctime, so it never goes back
    TS-CTIME-FUTURE        c > cap + uncertainty    the kernel stamps ctime with now
    TS-MTIME-FUTURE        m > cap + uncertainty
    TS-TIME-OUT-OF-RANGE   a time that a TIMESTAMP column cannot hold was clamped
    TS-PATH-REPLACED       another inode is at this path now, so its ctime proves nothing

Gates lower a finding's severity or turn the ctime rules off where ctime means something else; a lowered
finding says why in `gates`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.events import FileTimes
from streams.judges.findings import Finding, lowered
from streams.standards.standard import Standard
from streams.times import TIMESTAMP_MIN_NS, fits_timestamp

SECOND, HOUR, DAY = 1_000_000_000, 3_600_000_000_000, 86_400_000_000_000

UNKNOWN_CLOCK_UNCERTAINTY_NS = SECOND
"""How far the capturing host's clock may be off while nobody reports its readings."""

_FOREIGN_CTIME_PLATFORMS = frozenset({"windows", "win32", "cygwin"})
_FOREIGN_CTIME_FILESYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "vfat", "msdos", "exfat", "ntfs", "9p"})
TECHNIQUE = "T1070.006"


@dataclass(frozen=True, slots=True)
class FileState:
    """The newest record of one path of one host, as far as the rules need it."""

    captured_at_us: int
    mtime_ns: int
    ctime_ns: int
    inode: int | None
    device: int | None
    source: tuple[int, int] | None = None
    """(partition, offset) of the record it came with."""


@dataclass(frozen=True, slots=True)
class Capture:
    """What all files of one event share."""

    host: str
    captured_at_us: int
    platform: str | None
    filesystem_type: str | None

    @property
    def ctime_is_foreign(self) -> bool:
        """G0: ctime is a creation time (Windows) or comes from a server's clock."""
        kind = (self.filesystem_type or "").lower()
        return (
            (self.platform or "").lower() in _FOREIGN_CTIME_PLATFORMS
            or kind in _FOREIGN_CTIME_FILESYSTEMS
            or kind.startswith("fuse")
        )


def judge_file(
    file: FileTimes, capture: Capture, previous: FileState | None, builtins: Mapping[str, Standard]
) -> list[Finding]:
    """All findings of one file; `builtins` holds the active built-in standards by code."""
    if _is_unremarkable(file, capture, previous):
        return []
    return [
        _finding(file, capture, builtins[found.code], found)
        for found in _found(file, capture, previous)
        if found.code in builtins
    ]


def _is_unremarkable(file: FileTimes, capture: Capture, previous: FileState | None) -> bool:
    """Whether no rule can find anything, which is so of most files and costs a tenth of asking each rule.

    What was captured can be stored, so that a time before the capture can be stored too.
    """
    return (
        TIMESTAMP_MIN_NS <= file.mtime_ns <= file.ctime_ns <= capture.captured_at_us * 1000
        and fits_timestamp(file.atime_ns)
        and (previous is None or previous.ctime_ns <= file.ctime_ns)
    )


@dataclass(frozen=True, slots=True)
class _Found:
    code: str
    field: str
    observed: str
    expected: str
    evidence: dict[str, Any]
    steps_down: int = 0
    gates: tuple[str, ...] = ()


def _found(file: FileTimes, capture: Capture, previous: FileState | None) -> Iterator[_Found]:
    yield from _out_of_range(file)
    captured_ns = capture.captured_at_us * 1000
    precision = ctime_precision_ns(file.ctime_ns)
    uncertainty = UNKNOWN_CLOCK_UNCERTAINTY_NS + precision
    if not capture.ctime_is_foreign:
        unknown = not capture.filesystem_type
        steps, gates = (1, ("filesystem_unknown",)) if unknown else (0, ())
        yield from _mtime_after_ctime(file, precision, steps, gates)
        yield from _ctime_future(file, captured_ns, uncertainty, steps, gates)
        if previous is not None and previous.captured_at_us < capture.captured_at_us:
            yield from _ctime_regressed(file, previous, precision, steps, gates)
    yield from _mtime_future(file, captured_ns, uncertainty)


def ctime_precision_ns(ctime_ns: int) -> int:
    """The grain of a time: a second, a microsecond or a nanosecond, by the zeros at its end.

    Too coarse by chance once in a thousand or more, which only widens the margin.
    """
    if ctime_ns % SECOND == 0:
        return SECOND
    return 1000 if ctime_ns % 1000 == 0 else 1


def _mtime_after_ctime(file: FileTimes, precision: int, steps: int, gates: tuple[str, ...]) -> Iterator[_Found]:
    delta = file.mtime_ns - file.ctime_ns
    if delta > precision:
        yield _Found(
            "TS-MTIME-AFTER-CTIME",
            "mtime_ns",
            str(file.mtime_ns),
            f"<= ctime_ns {file.ctime_ns}",
            {"delta_ns": delta, "margin_ns": delta - precision, "precision_ns": precision},
            steps,
            gates,
        )


def _ctime_regressed(
    file: FileTimes, previous: FileState, precision: int, steps: int, gates: tuple[str, ...]
) -> Iterator[_Found]:
    delta = previous.ctime_ns - file.ctime_ns
    if delta <= precision:
        return
    evidence = {
        "delta_ns": delta,
        "margin_ns": delta - precision,
        "precision_ns": precision,
        "previous": {
            "ctime_ns": previous.ctime_ns,
            "captured_at_us": previous.captured_at_us,
            "partition": previous.source[0] if previous.source else None,
            "offset": previous.source[1] if previous.source else None,
        },
    }
    expected = f">= previous ctime_ns {previous.ctime_ns}"
    if file.inode is None or previous.inode is None:
        yield _Found(
            "TS-CTIME-REGRESSED",
            "ctime_ns",
            str(file.ctime_ns),
            expected,
            evidence,
            steps + 1,
            (*gates, "inode_unknown"),
        )
    elif (file.inode, file.device) != (previous.inode, previous.device):
        evidence["inode"] = {"previous": previous.inode, "now": file.inode}
        yield _Found(
            "TS-PATH-REPLACED",
            "inode",
            str(file.inode),
            f"inode {previous.inode}, as before",
            evidence,
            steps,
            gates,
        )
    else:
        yield _Found("TS-CTIME-REGRESSED", "ctime_ns", str(file.ctime_ns), expected, evidence, steps, gates)


def _ctime_future(
    file: FileTimes, captured_ns: int, uncertainty: int, steps: int, gates: tuple[str, ...]
) -> Iterator[_Found]:
    delta = file.ctime_ns - captured_ns
    if delta > uncertainty:
        small = 0 if delta > 5 * SECOND else 2
        yield _future("TS-CTIME-FUTURE", "ctime_ns", file.ctime_ns, captured_ns, uncertainty, steps + small, gates)


def _mtime_future(file: FileTimes, captured_ns: int, uncertainty: int) -> Iterator[_Found]:
    delta = file.mtime_ns - captured_ns
    if delta > uncertainty:
        steps = 0 if delta > DAY else 1 if delta > HOUR else 2
        yield _future("TS-MTIME-FUTURE", "mtime_ns", file.mtime_ns, captured_ns, uncertainty, steps, ())


def _future(
    code: str,
    field: str,
    value_ns: int,
    captured_ns: int,
    uncertainty: int,
    steps: int,
    gates: tuple[str, ...],
) -> _Found:
    delta = value_ns - captured_ns
    evidence = {
        "delta_ns": delta,
        "margin_ns": delta - uncertainty,
        "uncertainty_ns": uncertainty,
        "clock": "clock_unknown",
    }
    return _Found(code, field, str(value_ns), f"<= captured_at {captured_ns} ns", evidence, steps, gates)


def _out_of_range(file: FileTimes) -> Iterator[_Found]:
    outside = {
        name: value
        for name, value in (
            ("atime_ns", file.atime_ns),
            ("mtime_ns", file.mtime_ns),
            ("ctime_ns", file.ctime_ns),
        )
        if not fits_timestamp(value)
    }
    if outside:
        yield _Found(
            "TS-TIME-OUT-OF-RANGE",
            "times",
            ", ".join(f"{name}={value}" for name, value in outside.items()),
            "between 1970-01-01T00:00:01Z and 2038-01-19T03:14:07.999999Z",
            {"clamped": sorted(outside)},
        )


def _finding(file: FileTimes, capture: Capture, standard: Standard, found: _Found) -> Finding:
    evidence = found.evidence | {
        "host": capture.host,
        "file_path": file.file_path,
        "gates": list(found.gates),
        "explained_by": "none",
        "technique": TECHNIQUE,
    }
    severity = lowered(standard.severity, found.steps_down)
    subject = f"{capture.host}:{file.file_path}"
    return Finding(standard, subject, found.field, found.observed, found.expected, severity, evidence)
