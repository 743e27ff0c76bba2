"""Events written straight from the contract, as a foreign producer would write them: no model of ours is used."""

import json
from random import Random
from typing import Any
from uuid import UUID

BASE_NS = 1_790_000_000_123_456_789
TOPICS = ("filesystem-timestamps.v1", "clock-sync.v1", "submissions.v1")

Message = tuple[str, bytes | None, bytes | None]


def uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def capture(
    random: Random, host: str, paths: list[str], at: str = "2026-11-20T10:00:00Z", **times: int
) -> dict[str, Any]:
    return {
        "event_id": uuid(random),
        "host": host,
        "captured_at": at,
        "platform": "linux",
        "filesystem_type": "ext4",
        "files": [
            {"file_path": path, "atime_ns": BASE_NS, "mtime_ns": BASE_NS, "ctime_ns": BASE_NS, **times}
            for path in paths
        ],
    }


def reading(random: Random, component: str, offset: int, at: str) -> dict[str, Any]:
    return {
        "event_id": uuid(random),
        "component_name": component,
        "protocol": "NTP",
        "offset_microseconds": offset,
        "last_sync_at": at,
        "stratum": 2,
    }


def submission(random: Random, submission_id: str, **metadata: Any) -> dict[str, Any]:
    return {
        "event_id": uuid(random),
        "submission_id": submission_id,
        "submitter": "alice",
        "submitted_at": "2026-11-20T10:00:00+01:00",
        "documents": [
            {
                "path": "docs/ARTIFACT_16_TECH_STACK_UPDATE.md",
                "sha256": "ab" * 32,
                "metadata": {
                    "version": "1.1.0",
                    "status": "Active",
                    "date": "2026-01-02T00:00:00Z",
                    **metadata,
                },
            }
        ],
    }


def message(topic: str, key: str, event: dict[str, Any]) -> Message:
    return topic, key.encode(), json.dumps(event).encode()
