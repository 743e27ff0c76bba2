"""What the demo makes up itself: a drifting clock, submissions, and records that no producer should send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson

from demo.wire import Message
from schemas.events import ClockReading, Document, FilesystemTimestamps, Submission

FILES, CLOCKS, SUBMISSIONS = "filesystem-timestamps.v1", "clock-sync.v1", "submissions.v1"

DRIFTING_COMPONENT = "api-gateway"
DRIFT_OFFSETS_MICROSECONDS = (400, 6_000, 14_000, 19_000, 3_000, 3_000, 3_000)
"""Two within the threshold of 10 ms, two beyond it, three well within it: one alert, which begins and ends."""
_READING_SECONDS = 40

_TOO_LARGE_BYTES = 900_000


@dataclass(frozen=True, slots=True)
class Event:
    """One event and where it goes."""

    topic: str
    key: str
    content: FilesystemTimestamps | ClockReading | Submission

    @property
    def event_id(self) -> str:
        """The event's own id."""
        return self.content.event_id

    @property
    def message(self) -> Message:
        """The record as Kafka gets it."""
        return self.topic, self.key, self.content.model_dump_json(exclude_none=True).encode()


def drifting_clock() -> list[Event]:
    """Readings of a component that drifts away and comes back, the last of them taken now."""
    now = datetime.now(UTC)
    first = now - timedelta(seconds=_READING_SECONDS * (len(DRIFT_OFFSETS_MICROSECONDS) - 1))
    readings = [
        ClockReading(
            event_id=str(uuid4()),
            component_name=DRIFTING_COMPONENT,
            protocol="NTP",
            offset_microseconds=offset,
            last_sync_at=first + timedelta(seconds=_READING_SECONDS * number),
            stratum=2,
            leap_status="normal",
        )
        for number, offset in enumerate(DRIFT_OFFSETS_MICROSECONDS)
    ]
    return [Event(CLOCKS, DRIFTING_COMPONENT, reading) for reading in readings]


def submission(submission_id: str, submitter: str, documents: Sequence[Document]) -> Event:
    """A submission of documents; each call makes a new event."""
    content = Submission(
        event_id=str(uuid4()),
        submission_id=submission_id,
        submitter=submitter,
        submitted_at=datetime.now(UTC),
        documents=list(documents),
    )
    return Event(SUBMISSIONS, submission_id, content)


def bad_records(host: str) -> dict[str, Message]:
    """One record of each kind that must become a dead letter, by the reason that its dead letter must give."""
    reading = drifting_clock()[0].content.model_dump(mode="json", exclude_none=True)
    wrong_enum = orjson.dumps({**reading, "protocol": "sundial"})
    return {
        "invalid_json": (FILES, host, b'{"event_id": "'),
        "tombstone": (FILES, host, None),
        "too_large": (SUBMISSIONS, "too-large", orjson.dumps({"padding": "x" * _TOO_LARGE_BYTES})),
        "invalid_encoding": (FILES, host, b'{"host": "\xff\xfe"}'),
        "invalid": (CLOCKS, DRIFTING_COMPONENT, wrong_enum),
    }
