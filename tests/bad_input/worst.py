"""Honest events that cost as much as any: every file and every document breaks what it can."""

import json
from collections.abc import Callable
from typing import Any

from tests.bad_input.case import FILES, SUBMISSIONS, event_id

_BYTES = 524_288
_MINUTE_NS = 60 * 10**9
_PATH = "/..//./ -\u202e\u200b\x01/con/.git/node_modules/src/a\\\ue000 ./ARTIFACT_{}/.env"
_BAD_METADATA = {
    "version": "v1", "status": "?", "date": "x", "author": "a", "git_commit_sha": "z", "branch": "..",
    "document_type": "x", "tier": "x", "dependencies": "x", "title": "", "owner": "", "supersedes": "?",
}  # fmt: skip


def capture(files: int) -> dict[str, Any]:
    """Each file breaks fifteen standards by its path and its host, and four by its times."""
    return {
        "event_id": event_id(1),
        "host": "bad host!",
        "captured_at": "2026-11-20T10:12:12.123456Z",
        "files": [
            {
                "file_path": _PATH.format(number),
                "atime_ns": 1,
                "mtime_ns": 1_763_632_000_000_000_000 + number * _MINUTE_NS,
                "ctime_ns": 1_763_631_000_123_456_789 + number,
                "git_commit_sha": "0" * 40,
                "git_committed_at": "2027-11-19T10:00:00Z",
                "birthtime_ns": 1_763_632_000_123_456_789 + number * _MINUTE_NS,
            }
            for number in range(files)
        ],
    }


def mimics(files: int) -> dict[str, Any]:
    """Files with one mtime, each on a device of its own and far from all that it could mimic."""
    return {
        "event_id": event_id(2),
        "host": "h",
        "captured_at": "2026-11-20T10:12:12.123456Z",
        "files": [
            {
                "file_path": f"/{number}/x",
                "atime_ns": 1_763_631_000_123_456_789,
                "mtime_ns": 1_763_631_000_123_456_789,
                "ctime_ns": 1_763_631_000_123_456_789 + number * 2_000_000_000,
                "inode": number,
                "device": number,
            }
            for number in range(files)
        ],
    }


def submission(documents: int, fields: int = 0) -> dict[str, Any]:
    """Each document breaks seventeen standards, and has so many fields more."""
    return {
        "event_id": event_id(3),
        "submission_id": "bad id !",
        "submitter": "alice",
        "submitted_at": "2026-11-20T10:00:00Z",
        "documents": [
            {
                "path": f"../ARTIFACT_{number}\u202e/.env",
                "sha256": "A" * 64,
                "metadata": {f"k{field}": field for field in range(fields)} | _BAD_METADATA,
            }
            for number in range(documents)
        ],
    }


def of_one_list(field: str, elements: list[Any]) -> dict[str, Any]:
    """A submission of one document with a long list of metadata."""
    event = submission(1)
    event["documents"][0]["metadata"][field] = elements
    return event


def _encoded(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _filled(event: dict[str, Any], items: str, path: str) -> bytes:
    """As large as a record may be, by longer paths."""
    more = (_BYTES - len(_encoded(event))) // len(event[items])
    for item in event[items]:
        item[path] = "a" * (more - 1) + "/" + item[path]
    return _encoded(event)


WORST: dict[str, tuple[str, Callable[[], bytes]]] = {
    "files that break what they can": (FILES, lambda: _encoded(capture(1000))),
    "the same with long paths": (FILES, lambda: _filled(capture(1000), "files", "file_path")),
    "files that might mimic one another": (FILES, lambda: _encoded(mimics(1000))),
    "documents that break what they can": (SUBMISSIONS, lambda: _encoded(submission(1000))),
    "the same with longer paths": (SUBMISSIONS, lambda: _filled(submission(1000), "documents", "path")),
    "documents with a hundred fields": (SUBMISSIONS, lambda: _encoded(submission(480, 88))),
    "a list of numbers": (SUBMISSIONS, lambda: _encoded(of_one_list("x", [1] * 260_000))),
    "a list of numbers that a standard looks at": (SUBMISSIONS, lambda: _encoded(of_one_list("title", [1] * 260_000))),
    "a list of objects that a standard looks at": (
        SUBMISSIONS,
        lambda: _encoded(of_one_list("title", [{}] * 170_000)),
    ),
    "a list of lists": (SUBMISSIONS, lambda: _encoded(of_one_list("x", [[]] * 170_000))),
    "a list of words that a standard looks at": (
        SUBMISSIONS,
        lambda: _encoded(of_one_list("title", [f"{number:x}" for number in range(60_000)])),
    ),
}
"""By what they are: their topic, and what makes their values; none is larger than a record may be."""
