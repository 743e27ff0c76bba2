"""Events held against the regex standards of the registry."""

from collections.abc import Container, Mapping, Sequence
from operator import attrgetter
from typing import Any

import orjson

from schemas.events import ClockReading, Document, FilesystemTimestamps, FileTimes, Submission
from streams.judges.findings import Finding
from streams.slices import Slices, at_one_go
from streams.standards.fields import extension_of, file_name_of
from streams.standards.ruleset import CheckResult, Ruleset

Value = str | None | list[str]
_ELEMENTS_A_SLICE = 1000
_DERIVED = {"file_name": file_name_of, "extension": extension_of}


def suspicious_files(captured: Sequence[tuple[FileTimes, FilesystemTimestamps]], rules: Ruleset) -> set[int]:
    """Where the files stand that may break a standard: `judge_file` finds nothing in the others."""
    files = [file for file, _ in captured]
    events = [event for _, event in captured]
    paths = [file.file_path for file in files]
    columns: dict[str, Sequence[str | None]] = {"file_path": paths}
    for field in rules.fields("filesystem"):
        if field in _DERIVED:
            columns[field] = list(map(_DERIVED[field], paths))
        else:
            columns[field] = list(map(attrgetter(field), files if field in FileTimes.__pydantic_fields__ else events))
    return rules.suspects("filesystem", columns)


def judge_file(file: FileTimes, event: FilesystemTimestamps, rules: Ruleset) -> list[Finding]:
    """The standards that one file of a capture breaks, those in shadow too: their findings are only counted."""
    values = file_values(file, event)
    broken = rules.violations("filesystem", values, file.file_path)
    if rules.shadow:
        broken += rules.shadow_violations("filesystem", values, file.file_path)
    if not broken:
        return []
    subject = f"{event.host}:{file.file_path}"
    evidence = {"host": event.host, "file_path": file.file_path}
    return [finding_of(result, subject, evidence) for result in broken]


def judge_reading(reading: ClockReading, rules: Ruleset) -> list[Finding]:
    """The standards that one clock reading breaks, those in shadow too."""
    values = reading_values(reading)
    broken = rules.violations("clock", values, None)
    if rules.shadow:
        broken += rules.shadow_violations("clock", values, None)
    return [finding_of(result, reading.component_name, {"protocol": reading.protocol}) for result in broken]


def file_values(file: FileTimes, event: FilesystemTimestamps) -> dict[str, Value]:
    """The values of a file by the names of their fields."""
    return {
        "file_path": file.file_path,
        "file_name": file_name_of(file.file_path),  # several rules ask for it
        "host": event.host,
        "git_commit_sha": file.git_commit_sha,
        "platform": event.platform,
        "filesystem_type": event.filesystem_type,
        "sha256": file.sha256,
    }


def reading_values(reading: ClockReading) -> dict[str, Value]:
    """The values of a clock reading by the names of their fields."""
    return {
        "component_name": reading.component_name,
        "protocol": reading.protocol,
        "reference_id": reading.reference_id,
        "leap_status": reading.leap_status,
        "stratum": None if reading.stratum is None else str(reading.stratum),
    }


def check_document(document: Document, submission: Submission, rules: Ruleset) -> list[CheckResult]:
    """Every standard for submissions held against one document, passed ones too."""
    return at_one_go(check_in_slices(document, submission, rules))


def check_in_slices(document: Document, submission: Submission, rules: Ruleset) -> Slices[list[CheckResult]]:
    """`check_document`, with pauses within a long list of metadata."""
    values = yield from _values(document, submission, rules.fields("submission"))
    return (yield from rules.check_in_slices("submission", values, document.path))


def shadow_findings(
    document: Document, submission: Submission, rules: Ruleset, evidence: Mapping[str, Any]
) -> list[Finding]:
    """What the rules in shadow would find in one document: to be counted, and no part of the verdict."""
    if not rules.shadow:
        return []
    broken = rules.shadow_violations("submission", document_values(document, submission), document.path)
    return [finding_of(result, document.path, evidence) for result in broken]


def document_values(document: Document, submission: Submission) -> dict[str, Value]:
    """The values of a document by the names of their fields."""
    return at_one_go(_values(document, submission, None))


def _values(document: Document, submission: Submission, asked: Container[str] | None) -> Slices[dict[str, Value]]:
    """Of the metadata only what is `asked` for, if that is told: of a hundred fields rules look at some few."""
    values: dict[str, Value] = {
        "path": document.path,
        "submission_id": submission.submission_id,
        "submitter": submission.submitter,
        "sha256": document.sha256,
    }
    for key, value in document.metadata.items():
        field = f"metadata.{key}"
        if asked is not None and field not in asked:
            continue
        if isinstance(value, list):
            texts: list[str] = []
            for start in range(0, len(value), _ELEMENTS_A_SLICE):
                texts += _texts(value[start : start + _ELEMENTS_A_SLICE])
                yield
            values[field] = texts
        else:
            values[field] = as_text(value)
    return values


def as_text(value: Any) -> Value:
    """A metadata value as a pattern sees it: lists element by element, objects as compact JSON, null as absent."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return _texts(value)
    return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def _texts(values: list[Any]) -> list[str]:
    return [text for value in values if isinstance(text := as_text(value), str)]


def finding_of(result: CheckResult, subject: str, evidence: Mapping[str, Any]) -> Finding:
    """The finding of a failed check."""
    standard = result.standard
    return Finding(
        standard,
        subject,
        standard.field,
        result.observed,
        standard.wants,
        standard.severity,
        {**evidence, "message": result.message},
    )
