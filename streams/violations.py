"""From a finding to its row in metadata_violations and its message on violations.v1. Pure."""

from collections.abc import Iterable

import orjson

from streams.identity import fingerprint, id_of
from streams.judges.findings import Finding
from streams.judges.incidents import seen_at
from streams.plan import Announcement, Plan, Violated
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
    The message is `schemas.findings.Violation`, made without that model: all of it comes from checked values.
    """
    ids = []
    record = plan.record
    shared = (
        f"{ruleset_revision},'{event_id}',{rows.repeated_text(record.topic)},{record.partition},{record.offset},"
        f"{rows.instant(event_time_us)},{rows.instant(detected_at_us)}"
    )
    headers = trace_headers(plan)
    arrived_us = record.timestamp * 1000 if record.timestamp > 0 else detected_at_us
    violation_rows = plan.rows.setdefault("metadata_violations", [])
    every_message = _of_every_message(plan, event_id, event_time_us, detected_at_us, ruleset_revision)
    literals: dict[str | None, str] = {}  # a file that breaks twenty standards is the subject of twenty findings
    for finding in findings:
        standard = finding.standard
        if standard.status == "shadow":  # on trial: counted with the record, and neither recorded nor announced
            version = standard.code, standard.version
            plan.shadow[version] = plan.shadow.get(version, 0) + 1
            continue
        subject, field = finding.subject, finding.field
        violation_id = id_of(f"{cause}\0{standard.code}\0{field}\0{subject}")
        incident = fingerprint(standard.code, subject, field)
        evidence = orjson.dumps(finding.evidence)
        observed, expected = finding.observed_clipped, finding.expected[:_EXPECTED_CHARACTERS]
        ids.append(violation_id)
        for value in (subject, observed):
            if value not in literals:
                literals[value] = rows.text(value)
        wanted = rows.repeated_text(expected) if standard.kind == "regex" else rows.text(expected)
        violation_rows.append(
            f"('{violation_id}',{rows.repeated_text(standard.id)},{standard.version},{literals[subject]},"
            f"{rows.repeated_text(field)},{literals[observed]},{wanted},'{finding.severity}',"
            f"'{incident}',{rows.text(evidence.decode())},{shared})"
        )
        seen_at_us = seen_at(standard.applies_to, event_time_us, arrived_us)
        plan.violations.append(
            Violated(
                standard.id,
                standard.category,
                finding.severity,
                detected_at_us,
                violation_id,
                incident,
                standard.code,
                subject,
                field,
                seen_at_us,
                record.topic,
                record.partition,
                record.offset,
            )
        )
        message = {
            "id": violation_id,
            "standard_id": standard.id,
            "standard_code": standard.code,
            "standard_version": standard.version,
            "category": standard.category,
            "severity": finding.severity,
            "subject": subject,
            "field": field,
            "observed": observed,
            "expected": expected,
            "fingerprint": incident,
            "evidence": orjson.Fragment(evidence),
        }
        document = orjson.dumps(message)[:-1] + every_message
        plan.announcements.append(Announcement("violations.v1", subject, document, headers))
    return ids


def _of_every_message(
    plan: Plan, event_id: str, event_time_us: int, detected_at_us: int, ruleset_revision: int
) -> bytes:
    """How all messages of a record end."""
    record = plan.record
    fields = {
        "event_id": event_id,
        "event_time": from_microseconds(event_time_us),
        "detected_at": from_microseconds(detected_at_us),
        "ruleset_revision": ruleset_revision,
        "source": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
    }
    return b"," + orjson.dumps(fields, option=orjson.OPT_UTC_Z)[1:]
