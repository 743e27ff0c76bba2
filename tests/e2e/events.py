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


def bad_values(random: Random) -> list[bytes | None]:
    """One of each kind of record that no producer should send."""
    good = capture(random, "h", ["/a"])
    file = good["files"][0]

    def changed(**fields: Any) -> bytes:
        return json.dumps({**good, **fields}).encode()

    def file_changed(**fields: Any) -> bytes:
        return json.dumps({**good, "files": [{**file, **fields}]}).encode()

    return [
        None,
        b"",
        b"{",
        b"not json",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"host": "\xc3\x28"}',
        b'{"host": "\\ud800"}',
        b"\x00\x00\x00\x00\x07{}",
        b"[" * 20_000,
        b"x" * 900_000,
        changed(padding="x" * 900_000),
        changed(event_id="not-a-uuid"),
        changed(event_id=None),
        changed(host=5),
        changed(host=""),
        changed(host="a\nb"),
        changed(captured_at="yesterday"),
        changed(captured_at="2026-11-20T10:00:00"),
        changed(captured_at=1_700_000_000),
        changed(captured_at="9999-12-31T23:59:59-12:00"),
        changed(captured_at="2500-01-01T00:00:00Z"),
        changed(captured_at="2026-02-30T00:00:00Z"),
        changed(captured_at="2026-12-31T23:59:60Z"),
        changed(files=[]),
        changed(files="x"),
        changed(files=[file] * 1001),
        changed(files=[None]),
        file_changed(file_path="/a\u0000b"),
        file_changed(file_path=""),
        file_changed(file_path="/" + "x" * 4096),
        file_changed(file_path=["/a"]),
        file_changed(mtime_ns=1.5),
        file_changed(mtime_ns=True),
        file_changed(mtime_ns="soon"),
        file_changed(mtime_ns=2**63),
        file_changed(mtime_ns=str(2**63)),
        file_changed(ctime_ns=None),
        file_changed(git_commit_sha="abc"),
        file_changed(sha256="z" * 64),
        json.dumps({key: value for key, value in good.items() if key != "host"}).encode(),
        json.dumps({key: value for key, value in good.items() if key != "files"}).encode(),
        changed(files=[{"file_path": "/a"}]),
    ]
