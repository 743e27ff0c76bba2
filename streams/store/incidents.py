"""Incidents as the recorder keeps them: one statement for all violations of a transaction."""

from collections.abc import Iterable

from schemas.findings import SEVERITIES
from streams.plan import Violated
from streams.store import rows
from streams.store.statements import statement

_RANK: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}


def incident_rows(violated: Iterable[Violated]) -> list[str]:
    """Row literals for the statement `keep`: one a fingerprint, in the order of fingerprints.

    In that order, so that two writers lock alike. The caller guarantees that every violation is one row that the
    transaction adds: one that is there already has been counted.
    """
    groups: dict[str, list[Violated]] = {}
    for seen in violated:
        if seen.fingerprint:
            groups.setdefault(seen.fingerprint, []).append(seen)
    return [_row(groups[fingerprint]) for fingerprint in sorted(groups)]


def keep_statement(reopen_seconds: float) -> tuple[str, str]:
    """What stands before and after the rows."""
    text = statement("incidents", "keep").replace("reopen_seconds", str(round(reopen_seconds)))
    before, after = text.split("(%s)")
    return before, after


def _row(group: list[Violated]) -> str:
    if len(group) == 1:  # the usual case
        first = last = group[0]
        severity, first_detected_us, last_detected_us = first.severity, first.detected_at_us, first.detected_at_us
    else:
        first = min(group, key=_seen_at)
        last = max(reversed(group), key=_seen_at)  # of those of one moment the last
        severity = max((seen.severity for seen in group), key=_RANK.__getitem__)
        detected = [seen.detected_at_us for seen in group]
        first_detected_us, last_detected_us = min(detected), max(detected)
    return (
        f"('{last.fingerprint}',{rows.repeated_text(last.standard_id)},{rows.repeated_text(last.code)},"
        f"{rows.text(last.subject)},{rows.repeated_text(last.field)},'{severity}',{len(group)},"
        f"{rows.instant(first.seen_at_us)},{rows.instant(last.seen_at_us)},"
        f"{rows.instant(first_detected_us)},{rows.instant(last_detected_us)},{_sample(first)},{_sample(last)})"
    )


def _sample(seen: Violated) -> str:
    return f"'{seen.id}',{rows.repeated_text(seen.topic)},{seen.partition},{seen.offset}"


def _seen_at(seen: Violated) -> int:
    return seen.seen_at_us
