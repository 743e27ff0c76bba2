"""What the agents announce of themselves: violations and drift alerts."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.events import Protocol

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
"""From least to most; a gate lowers a finding along this line and never deletes it."""


class _Finding(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SourceRef(_Finding):
    """Where in Kafka the event stands that caused a finding."""

    topic: str
    partition: int
    offset: int


class Violation(_Finding):
    """`violations.v1`, key = subject: one broken standard, by one field of one subject.

    `id` is the row's id in `metadata_violations` and the same at every redelivery: dedupe by it.
    """

    id: str
    standard_id: str
    standard_code: str
    standard_version: int
    category: str
    severity: Severity
    subject: str
    field: str
    observed: str | None
    expected: str
    fingerprint: str = Field(description="sha256 of standard, subject and field: one per open incident.")
    evidence: dict[str, Any]
    event_id: str
    event_time: datetime
    detected_at: datetime
    ruleset_revision: int
    source: SourceRef


class DriftAlert(_Finding):
    """`drift-alerts.v1`, key = component_name: a clock began or ceased to drift.

    `alert_id` is deterministic and shared by the firing and the resolved message of one episode.
    """

    alert_id: str
    dedup_key: str = Field(description="component|protocol|kind")
    state: Literal["firing", "resolved"]
    kind: Literal["offset", "unsynchronised"]
    severity: Literal["warning", "critical"]
    component_name: str
    protocol: Protocol
    offset_microseconds: int
    direction: Literal["fast", "slow", "exact"]
    threshold_microseconds: int
    excess_microseconds: int
    bound_microseconds: float
    previous_offset_microseconds: int | None
    peak_offset_microseconds: int
    stratum: int | None
    leap_status: str | None
    reference_id: str | None
    starts_at: datetime
    last_seen_at: datetime
    ends_at: datetime | None
    occurrences: int
    text: str
    standard_code: str
    standard_version: int
    ruleset_revision: int
    event_id: str
    source: SourceRef
