"""From what the rules saw to findings that explain themselves: severity, numbers, score, the previous record."""

from collections.abc import Mapping
from typing import Any

from schemas.findings import Severity
from streams.judges.findings import Finding, lowered
from streams.judges.timestamps.found import ORDER, Found
from streams.judges.timestamps.records import Case
from streams.standards.standard import Standard

TECHNIQUE = "T1070.006"
_ANALYTICS = {"windows": "AN1626", "win32": "AN1626", "linux": "AN1627", "darwin": "AN1628", "esxi": "AN1629"}
_SCORES: dict[Severity, int] = {"critical": 100, "high": 80, "medium": 40, "low": 15, "info": 0}
_STOMPED, _SUSPICIOUS = 80, 40


def findings_of(found: list[Found], case: Case, builtins: Mapping[str, Standard]) -> list[Finding]:
    """The findings of one file; `found` are of standards in force, which grade them."""
    graded = [(one, _severity(one, builtins[one.code])) for one in found]
    score = _score(graded)
    verdict = "stomped" if score >= _STOMPED else "suspicious" if score >= _SUSPICIOUS else "clean"
    shared = _shared_evidence(case) | {"score": score, "verdict": verdict}
    subject = f"{case.capture.host}:{case.file.file_path}"
    return [
        Finding(builtins[one.code], subject, one.field, one.observed, one.expected, severity, _evidence(one) | shared)
        for one, severity in graded
    ]


def _score(graded: list[tuple[Found, Severity]]) -> int:
    """The sum of all, at most 100; signs of tools alone, however many, say no more than suspicious."""
    has_more_than_signs = any(_SCORES[severity] >= _SUSPICIOUS for one, severity in graded if not one.is_sign)
    return min(100 if has_more_than_signs else _STOMPED - 1, sum(_SCORES[severity] for _, severity in graded))


def _severity(found: Found, standard: Standard) -> Severity:
    return min(lowered(standard.severity, found.steps_down), found.at_most, key=ORDER.index)


def _evidence(found: Found) -> dict[str, Any]:
    margin = None if found.delta_ns is None else found.delta_ns - found.allowed_ns
    return {
        **found.numbers,
        "rule": found.rule,
        "condition": found.condition,
        "delta_ns": found.delta_ns,
        "allowed_ns": found.allowed_ns,
        "margin_ns": margin,
        "gates": found.gates,
        "explained_by": found.explained_by,
        "hint": found.hint,
        "tags": found.tags,
    }


def _shared_evidence(case: Case) -> dict[str, Any]:
    p, clock = case.p, case.capture.clock
    return {
        "host": case.capture.host,
        "file_path": case.file.file_path,
        "times": {"atime_ns": case.a, "mtime_ns": case.m, "ctime_ns": case.c, "captured_ns": case.cap},
        "precision_ns": case.e,
        "uncertainty_ns": case.u,
        "clock": clock.tag,
        "previous": None
        if p is None
        else {
            "atime_ns": p.atime_ns,
            "mtime_ns": p.mtime_ns,
            "ctime_ns": p.ctime_ns,
            "captured_at_us": p.captured_at_us,
            "topic": case.capture.topic,
            "partition": p.partition,
            "offset": p.offset,
        },
        "technique": TECHNIQUE,
        "analytic": _ANALYTICS.get((case.capture.platform or "").lower()),
    }
