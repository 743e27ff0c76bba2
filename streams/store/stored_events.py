"""Stored history as the events that it came from, as far as rules look at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.event import Event
from schemas.events import ClockReading, Document, FilesystemTimestamps, FileTimes, Submission
from streams.judges.trials import Trial, trials_of
from streams.standards.fields import AppliesTo
from streams.store.database import Database
from streams.store.statements import statement

TOPICS: Mapping[AppliesTo, str] = {
    "filesystem": "filesystem-timestamps.v1",
    "clock": "clock-sync.v1",
    "submission": "submissions.v1",
}


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One row, with the part of its event that it holds: one file of a capture, a reading, or a submission.

    `event` is None where the row is nothing to judge: a component that was never read, a dry run, a submission whose
    documents were not stored or that was refused before they were looked at.
    """

    id: str
    event: Event | None
    event_id: str
    event_time: datetime
    partition: int
    offset: int


async def newest_trials(database: Database, applies_to: AppliesTo, most: int) -> list[Trial]:
    """What the newest stored rows can be judged by, at most so many."""
    found: list[Trial] = []
    for row in await database.fetch_all(statement("stored", f"newest_{applies_to}"), (most,)):
        found += trials_of(_EVENTS[applies_to](row))
    return found[:most]


async def count(database: Database, applies_to: AppliesTo) -> int:
    """How many rows are stored."""
    return int((await database.fetch_all(statement("stored", f"count_{applies_to}")))[0]["total"])


async def page(database: Database, applies_to: AppliesTo, after: str, most: int) -> list[StoredEvent]:
    """The next rows in the order of their ids; none at the end."""
    rows = await database.fetch_all(statement("stored", f"page_{applies_to}"), (after, most))
    return [
        StoredEvent(
            row["id"],
            _EVENTS[applies_to](row) if _is_judged(row) else None,
            row["event_id"],
            row["event_time"].replace(tzinfo=UTC),
            row["source_partition"] or 0,
            row["source_offset"] or 0,
        )
        for row in rows
    ]


def _is_judged(row: Mapping[str, Any]) -> bool:
    if row["source_offset"] is None:
        return False
    if "document_contents" not in row:
        return True
    return row["document_contents"] is not None and not row["dry_run"] and row["reason"] != "conflict"


def _capture(row: Mapping[str, Any]) -> Event:
    file = FileTimes.model_construct(**{name: row[name] for name in ("file_path", "git_commit_sha", "sha256")})
    shared = {name: row[name] for name in ("host", "platform", "filesystem_type")}
    return FilesystemTimestamps.model_construct(files=[file], **shared)


def _reading(row: Mapping[str, Any]) -> Event:
    names = ("component_name", "protocol", "reference_id", "leap_status", "stratum")
    return ClockReading.model_construct(**{name: row[name] for name in names})


def _submission(row: Mapping[str, Any]) -> Event:
    shared = {name: row[name] for name in ("submission_id", "submitter")}
    documents = [Document.model_construct(**document) for document in orjson.loads(row["document_contents"])]
    return Submission.model_construct(**shared, documents=documents)


_EVENTS = {"filesystem": _capture, "clock": _reading, "submission": _submission}
"""Made without validation: all of it was valid when it was stored."""
