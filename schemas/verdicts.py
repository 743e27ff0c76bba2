"""The answer to a submission: one atomic verdict with every check in it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.findings import Severity, SourceRef

CheckStatus = Literal["pass", "fail", "warn", "waived", "not_applicable"]


class _Verdict(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Check(_Verdict):
    """One standard held against one field of one document."""

    standard_code: str
    standard_version: int
    severity: Severity
    field: str
    status: CheckStatus
    message: str
    observed: str | None
    expected: str


class ItemVerdict(_Verdict):
    """All checks of one document, passed ones too, in the order of the standards' codes."""

    index: int
    path: str
    checks: list[Check]


class Verdict(_Verdict):
    """`verdicts.v1`, key = submission_id: accepted, rejected, or error, decided once from all checks.

    The same submission again gets this same verdict; the same id with other content is `rejected` with
    reason `conflict`. `error` is neither yes nor no: submit again after `retry_after_seconds`.
    """

    decision_id: str
    submission_id: str
    submitter: str
    verdict: Literal["accepted", "rejected", "error"]
    reason: Literal[
        "all_checks_passed",
        "passed_with_warnings",
        "passed_with_waivers",
        "checks_failed",
        "conflict",
        "internal_error",
    ]
    dry_run: bool
    content_sha256: str
    ruleset_revision: int
    items: list[ItemVerdict]
    counts: dict[CheckStatus, int]
    violation_ids: list[str]
    evaluated_at: datetime
    latency_milliseconds: float = Field(description="From the record's Kafka timestamp to the decision.")
    retry_after_seconds: int | None = None
    event_id: str
    source: SourceRef
    schema_version: Literal[1] = 1
