"""One valid message of every topic: they stand in the AsyncAPI document, and a test validates each."""

from typing import Any

_EVENT_ID = "5b0c7d1e-8f0a-4c59-9a63-2f1d3f6a7b10"
_SOURCE = {"topic": "governance.filesystem-timestamps.v1", "partition": 2, "offset": 4711}

FILESYSTEM_TIMESTAMPS: dict[str, Any] = {
    "event_id": _EVENT_ID,
    "host": "build-07",
    "captured_at": "2026-11-20T10:12:12.123456Z",
    "platform": "linux",
    "filesystem_type": "ext4",
    "files": [
        {
            "file_path": "/srv/repo/src/a.py",
            "atime_ns": 1795169532000000001,
            "mtime_ns": 1795169531000000002,
            "ctime_ns": "1795169531000000003",
            "git_commit_sha": "9f2c1d0b7a6e5f4c3b2a19080706050403020100",
            "git_committed_at": "2026-11-20T11:12:10+01:00",
            "birthtime_ns": 1795100000000000000,
            "size_bytes": 2048,
            "inode": 393218,
            "device": 64769,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
    ],
}

CLOCK_READING: dict[str, Any] = {
    "event_id": "0d6c4f6e-3f0b-4f0e-8f43-6f5f0a1f2c11",
    "component_name": "api-gateway",
    "protocol": "NTP",
    "offset_microseconds": -420,
    "last_sync_at": "2026-11-20T10:12:12Z",
    "stratum": 2,
    "rtt_microseconds": 900,
    "root_delay_microseconds": 1500.5,
    "root_dispersion_microseconds": 310,
    "leap_status": "normal",
    "reference_id": "A9FEA97B",
}

SUBMISSION: dict[str, Any] = {
    "event_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "submission_id": "release-2026-47",
    "submitter": "docs-team",
    "submitted_at": "2026-11-20T10:12:12Z",
    "dry_run": False,
    "documents": [
        {
            "path": "docs/ARTIFACT_16_TECH_STACK_UPDATE.md",
            "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
            "metadata": {"version": "1.1", "status": "Active", "date": "2026-01-02T00:00:00Z"},
        }
    ],
}

VIOLATION: dict[str, Any] = {
    "id": "d9b2d63d-a233-5123-847a-7090ce0fe6f0",
    "standard_id": "3f1d3c0e-52c5-5a0e-9a35-0d6c4f6e3f0b",
    "standard_code": "FS-PATH-001",
    "standard_version": 1,
    "category": "path_hygiene",
    "severity": "medium",
    "subject": "/srv/repo/src/my file.py",
    "field": "file_path",
    "observed": "/srv/repo/src/my file.py",
    "expected": "must_not_match \\s",
    "fingerprint": "5d41402abc4b2a76b9719d911017c592",
    "evidence": {"host": "build-07"},
    "event_id": _EVENT_ID,
    "event_time": "2026-11-20T10:12:12.123456Z",
    "detected_at": "2026-11-20T10:12:12.160000Z",
    "ruleset_revision": 3,
    "source": _SOURCE,
}

DRIFT_ALERT: dict[str, Any] = {
    "alert_id": "886313e1-3b8a-5372-9b90-0c9aee199e5d",
    "dedup_key": "api-gateway|NTP|offset",
    "state": "firing",
    "kind": "offset",
    "severity": "warning",
    "component_name": "api-gateway",
    "host": None,
    "protocol": "NTP",
    "offset_microseconds": 12_500,
    "direction": "fast",
    "threshold_microseconds": 10_000,
    "excess_microseconds": 2_500,
    "bound_microseconds": 13_560.25,
    "earliest_at": "2026-11-20T10:12:11.986440Z",
    "latest_at": "2026-11-20T10:12:11.988560Z",
    "trend": "diverging",
    "rate_ppm": 42.1,
    "eta_seconds": None,
    "previous_offset_microseconds": 9_800,
    "peak_offset_microseconds": 12_500,
    "stratum": 2,
    "leap_status": "normal",
    "reference_id": "A9FEA97B",
    "starts_at": "2026-11-20T10:12:12Z",
    "last_seen_at": "2026-11-20T10:12:12Z",
    "ends_at": None,
    "root_delay_microseconds": 1500.5,
    "root_dispersion_microseconds": 310.0,
    "rtt_microseconds": 900.0,
    "age_seconds": 0.2,
    "occurrences": 1,
    "observed": "12500",
    "expected": "|offset| <= 10000 microseconds",
    "evidence": {"excess_microseconds": 2_500},
    "tags": [],
    "inhibited_by": None,
    "text": "api-gateway (NTP) is 12.500 ms fast; the threshold is 10 ms",
    "runbook": "docs/clocks.md#clk-offset",
    "standard_code": "CLK-OFFSET",
    "standard_version": 1,
    "ruleset_revision": 3,
    "event_id": "0d6c4f6e-3f0b-4f0e-8f43-6f5f0a1f2c11",
    "source": {**_SOURCE, "topic": "governance.clock-sync.v1"},
}

VERDICT: dict[str, Any] = {
    "decision_id": "6fa459ea-ee8a-5ca4-894e-db77e160355e",
    "submission_id": "release-2026-47",
    "submitter": "docs-team",
    "verdict": "rejected",
    "reason": "checks_failed",
    "dry_run": False,
    "content_sha256": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
    "ruleset_revision": 3,
    "items": [
        {
            "index": 0,
            "path": "docs/ARTIFACT_16_TECH_STACK_UPDATE.md",
            "checks": [
                {
                    "standard_code": "DOC-VERSION-001",
                    "standard_version": 1,
                    "severity": "high",
                    "field": "metadata.version",
                    "status": "fail",
                    "message": "metadata.version is not a semantic version",
                    "observed": "1.1",
                    "expected": "must_match ^[0-9]+\\.[0-9]+\\.[0-9]+$",
                }
            ],
        }
    ],
    "counts": {"fail": 1},
    "violation_ids": ["1b4e28ba-2fa1-51d2-883f-0016d3cca427"],
    "evaluated_at": "2026-11-20T10:12:12.050000Z",
    "latency_milliseconds": 50.0,
    "retry_after_seconds": None,
    "event_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "source": {**_SOURCE, "topic": "governance.submissions.v1"},
    "schema_version": 1,
}

TRACE_HEADERS = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}


def dead_letter(topic: str) -> dict[str, Any]:
    """Headers and value, as text, of a dead letter of an input topic (with its prefix)."""
    return {
        "headers": {
            **TRACE_HEADERS,
            "__dlq.errors.topic": topic,
            "__dlq.errors.partition": "2",
            "__dlq.errors.offset": "4712",
            "__dlq.errors.group": "cockpit-streams",
            "__dlq.errors.message": "value: EOF while parsing an object at line 1 column 14",
            "dlq.reason": "invalid_json",
            "dlq.stage": "decode",
            "dlq.failed_at": "2026-11-20T10:12:12.160000Z",
        },
        "payload": '{"event_id": "',
    }
