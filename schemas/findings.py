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


DriftKind = Literal[
    "offset",
    "offset_warning",
    "uncertain",
    "unsynchronised",
    "root_distance",
    "jitter",
    "predicted_crossing",
    "local_reference",
    "stale",
    "outlier",
    "reference_suspect",
]


class DriftAlert(_Finding):
    """`drift-alerts.v1`, key = component_name: something about a clock began or ceased to be wrong.

    `alert_id` is deterministic and shared by the firing and the resolved message of one episode; `dedup_key` is
    shared by all episodes of one kind of one clock. An alert about what all clocks of a protocol follow has the
    component `*`.
    """

    alert_id: str
    dedup_key: str = Field(description="component|protocol|kind")
    state: Literal["pending", "firing", "resolved"]
    kind: DriftKind
    severity: Literal["warning", "critical"]
    component_name: str
    host: str | None = Field(None, description="Where the clock runs; readings do not tell it yet.")
    protocol: Protocol
    offset_microseconds: int
    direction: Literal["fast", "slow", "exact"]
    threshold_microseconds: int
    excess_microseconds: int
    bound_microseconds: float = Field(description="What |error| cannot exceed, as far as the readings tell.")
    earliest_at: datetime | None = Field(
        None, description="The true time, when this clock showed its reading's, is not before this ..."
    )
    latest_at: datetime | None = Field(None, description="... and not after this.")
    trend: Literal["diverging", "converging", "steady"] = "steady"
    rate_ppm: float | None = Field(None, description="Slope of the last 8 offsets; positive: gaining.")
    eta_seconds: float | None = Field(None, description="Until that line crosses the threshold.")
    previous_offset_microseconds: int | None = None
    peak_offset_microseconds: int
    stratum: int | None = None
    leap_status: str | None = None
    reference_id: str | None = None
    root_delay_microseconds: float | None = None
    root_dispersion_microseconds: float | None = None
    rtt_microseconds: float | None = None
    age_seconds: float = Field(0.0, description="From the reading to its arrival; of a silent clock, to now.")
    starts_at: datetime
    last_seen_at: datetime
    ends_at: datetime | None
    occurrences: int = Field(description="Readings since the alert began, this one included.")
    observed: str | None = Field(None, description="What the rule saw when the alert began.")
    expected: str | None = Field(None, description="The condition that was not met.")
    evidence: dict[str, Any] = Field(default_factory=dict, description="The rule's numbers.")
    tags: list[str] = Field(default_factory=list, description="bound_partial, no_rtt: what the reading did not tell.")
    inhibited_by: str | None = Field(None, description="The kind of alert that speaks for this one.")
    text: str
    runbook: str | None = None
    standard_code: str
    standard_version: int
    ruleset_revision: int
    event_id: str
    source: SourceRef
