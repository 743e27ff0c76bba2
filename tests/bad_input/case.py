"""A bad record by its name: what is sent, and what must become of it."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FILES, CLOCKS, SUBMISSIONS = "filesystem-timestamps.v1", "clock-sync.v1", "submissions.v1"
TOPICS = (FILES, CLOCKS, SUBMISSIONS)

STORED, DUPLICATE = "stored", "duplicate"
TOMBSTONE, TOO_LARGE, ENCODING, JSON, INVALID = (
    "tombstone", "too_large", "invalid_encoding", "invalid_json", "invalid",
)  # fmt: skip

Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Case:
    """`outcome` is stored, duplicate, or the reason of its dead letter; `said` stands in the dead letter's message."""

    name: str
    topic: str
    value: bytes | None
    outcome: str
    said: str = ""
    key: bytes | None = b"bad-input"
    headers: Headers = ()

    @property
    def is_dead(self) -> bool:
        return self.outcome not in (STORED, DUPLICATE)


@dataclass(frozen=True)
class Raw:
    """JSON text that stands in the value as it is, where Python could not say the same."""

    text: str


MISSING = Raw("")
"""The field is left out."""


def event_id(number: int) -> str:
    """A UUID that no other case has."""
    return f"bad00000-0000-4000-8000-{number:012d}"


def good(topic: str, number: int) -> dict[str, Any]:
    """An honest event with all its optional fields, unlike that of any other number."""
    if topic == FILES:
        return {
            "event_id": event_id(number),
            "host": "bad-input",
            "captured_at": "2026-11-20T10:12:12.123456Z",
            "platform": "linux",
            "filesystem_type": "ext4",
            "files": [
                {
                    "file_path": f"/srv/repo/bad_input/file_{number}.py",
                    "atime_ns": 1_763_633_000_123_456_789,
                    "mtime_ns": 1_763_632_000_123_456_789,
                    "ctime_ns": 1_763_632_000_123_456_789,
                    "git_commit_sha": "ab" * 20,
                    "git_committed_at": "2026-11-19T10:00:00+01:00",
                    "birthtime_ns": 1_763_632_000_123_456_789,
                    "size_bytes": 1234,
                    "inode": 4711,
                    "device": 2049,
                    "sha256": "cd" * 32,
                }
            ],
        }
    if topic == CLOCKS:
        return {
            "event_id": event_id(number),
            "component_name": f"bad-input-{number}",
            "protocol": "Browser",
            "offset_microseconds": -420,
            "last_sync_at": "2026-11-20T10:12:12.123456Z",
            "stratum": 2,
            "rtt_microseconds": 900,
            "root_delay_microseconds": 10.5,
            "root_dispersion_microseconds": 3,
            "leap_status": "normal",
            "reference_id": "A9FEA97B",
        }
    return {
        "event_id": event_id(number),
        "submission_id": f"bad-input-{number}",
        "submitter": "alice",
        "submitted_at": "2026-11-20T10:00:00+01:00",
        "dry_run": False,
        "documents": [
            {
                "path": "docs/ARTIFACT_16_TECH_STACK_UPDATE.md",
                "sha256": "ab" * 32,
                "metadata": {"version": "1.1.0", "status": "Active", "date": "2026-01-02T00:00:00Z"},
            }
        ],
    }


def encoded(event: Mapping[str, Any]) -> bytes:
    """The event as JSON in UTF-8, with what is Raw in it."""
    raws: list[str] = []

    def mark(value: Raw) -> str:
        raws.append(value.text)
        return f"@raw{len(raws) - 1}@"

    text = json.dumps(event, ensure_ascii=False, default=mark)
    for number, raw in enumerate(raws):
        text = text.replace(f'"@raw{number}@"', raw)
    return text.encode("utf-8", "surrogatepass")


def changed(event: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """A copy in which the field ("files.0.mtime_ns") has this value, or is MISSING."""
    copied = copy.deepcopy(event)
    *way, last = field.split(".")
    place: Any = copied
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    index: Any = int(last) if last.isdigit() else last
    if value is MISSING:
        del place[index]
    else:
        place[index] = value
    return copied


Variant = tuple[str, Any, str, str]
"""What it is called, the field's value, the outcome, and what is said of it."""


def of_field(topic: str, field: str, variants: Sequence[Variant], numbers: Iterator[int]) -> Iterator[Case]:
    """A case for each value of one field of an event that is honest otherwise."""
    for label, value, outcome, said in variants:
        event = changed(good(topic, next(numbers)), field, value)
        yield Case(f"{topic.split('.')[0]}: {field}: {label}", topic, encoded(event), outcome, said)
