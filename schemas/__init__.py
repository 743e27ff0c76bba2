"""The contract: every event that goes over Kafka, as a pydantic model.

A producer may install this package alone: it needs pydantic and nothing else.
`schemas.events` is what others publish, `schemas.findings` and `schemas.verdicts` what we answer.
JSON Schema and AsyncAPI are generated from these models into `schemas/generated/`.
"""

from schemas.events import (
    ClockReading,
    Document,
    FilesystemTimestamps,
    FileTimes,
    Submission,
)
from schemas.findings import DriftAlert, SourceRef, Violation
from schemas.verdicts import Check, ItemVerdict, Verdict

__all__ = [
    "FilesystemTimestamps",
    "FileTimes",
    "ClockReading",
    "Submission",
    "Document",
    "Violation",
    "DriftAlert",
    "SourceRef",
    "Verdict",
    "ItemVerdict",
    "Check",
]
