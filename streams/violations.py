"""From a finding to its row in metadata_violations and its message on violations.v1. Pure."""

from collections.abc import Iterable

import orjson

from schemas.findings import SourceRef, Violation
from streams.identity import derived_id, fingerprint
from streams.judges.findings import Finding
from streams.plan import Announcement, Plan
from streams.store import rows
from streams.times import from_microseconds

_EXPECTED_CHARACTERS = 1024
_HEADERS_CARRIED = ("traceparent", "tracestate")


def trace_headers(plan: Plan) -> tuple[tuple[str, bytes], ...]:
    """The tracing headers of the record, to be carried on."""
    return tuple((name, value) for name, value in plan.record.headers if name in _HEADERS_CARRIED and value)


def add_findings(
    plan: Plan,
    findings: Iterable[Finding],
    *,
    cause: str,
    event_id: str,
    event_time_us: int,
    detected_at_us: int,
    ruleset_revision: int,
) -> list[str]:
    """Put a row and an announcement for every finding into the plan; returns the violations' ids.

    `cause` is the id of the row that the findings are about: with the standard and the field it makes the id.
    """
    ids = []
    record = plan.record
    for finding in findings:
        violation = Violation(
            id=derived_id(cause, finding.standard.code, finding.field, finding.subject),
            standard_id=finding.standard.id,
            standard_code=finding.standard.code,
            standard_version=finding.standard.version,
            category=finding.standard.category,
            severity=finding.severity,
            subject=finding.subject,
            field=finding.field,
            observed=finding.observed_clipped,
            expected=finding.expected[:_EXPECTED_CHARACTERS],
            fingerprint=fingerprint(finding.standard.code, finding.subject, finding.field),
            evidence=finding.evidence,
            event_id=event_id,
            event_time=from_microseconds(event_time_us),
            detected_at=from_microseconds(detected_at_us),
            ruleset_revision=ruleset_revision,
            source=SourceRef(topic=record.topic, partition=record.partition, offset=record.offset),
        )
        ids.append(violation.id)
        plan.rows.setdefault("metadata_violations", []).append(_row(violation, event_time_us, detected_at_us))
        plan.violations.append((violation.category, violation.severity))
        plan.announcements.append(
            Announcement("violations.v1", violation.subject, _message(violation), trace_headers(plan))
        )
    return ids


def _row(violation: Violation, event_time_us: int, detected_at_us: int) -> str:
    return rows.row(
        f"'{violation.id}'",
        rows.text(violation.standard_id),
        str(violation.standard_version),
        rows.text(violation.subject),
        rows.text(violation.field),
        rows.text(violation.observed),
        rows.text(violation.expected),
        f"'{violation.severity}'",
        f"'{violation.fingerprint}'",
        rows.json(violation.evidence),
        str(violation.ruleset_revision),
        f"'{violation.event_id}'",
        rows.text(violation.source.topic),
        str(violation.source.partition),
        str(violation.source.offset),
        rows.instant(event_time_us),
        rows.instant(detected_at_us),
    )


def _message(violation: Violation) -> bytes:
    return orjson.dumps(violation.model_dump(mode="json"))
