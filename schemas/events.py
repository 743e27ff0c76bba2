"""The three events that other teams publish.

Unknown fields are ignored and new fields are optional; a breaking change is a new `.v2` topic.
"""

from collections.abc import Collection
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue
from pydantic.dataclasses import dataclass

from schemas.event import Event
from schemas.fields import (
    INT64_MIN,
    UINT64_MAX,
    ComponentName,
    Count,
    EventId,
    GitSha,
    Host,
    Int64,
    MicrosecondSpan,
    Nanoseconds,
    Path,
    Rfc3339,
    Sha256,
    ShortText,
    SubmissionId,
)

MAX_FILES = 1000
MAX_DOCUMENTS = 1000
MAX_METADATA_FIELDS = 100
_MAX_METADATA_DEPTH = 5

Protocol = Literal["NTP", "PTP", "Browser", "Server"]
LeapStatus = Literal["normal", "insert", "delete", "unsynchronised"]


# Dataclasses with slots, and not models: an attribute is read in a tenth of the time, an event takes a third of the
# memory, and a worker reads some forty attributes of every file.
_CONFIG = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class FileTimes(Event):
    """The MAC times of one file, exactly as `stat` gave them."""

    file_path: Path
    atime_ns: Nanoseconds
    mtime_ns: Nanoseconds
    ctime_ns: Nanoseconds
    git_commit_sha: GitSha | None = None
    git_committed_at: Rfc3339 | None = None
    birthtime_ns: Nanoseconds | None = None
    size_bytes: Count | None = None
    inode: Annotated[int, Field(ge=0, le=UINT64_MAX)] | None = None
    device: Annotated[int, Field(ge=0, le=UINT64_MAX)] | None = None
    sha256: Sha256 | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class FilesystemTimestamps(Event):
    """`filesystem-timestamps.v1`, key = host: one capture of 1..1000 files of one host."""

    event_id: EventId
    host: Host
    captured_at: Rfc3339
    platform: ShortText | None = None
    filesystem_type: ShortText | None = None
    files: Annotated[list[FileTimes], Field(min_length=1, max_length=MAX_FILES)]


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class ClockReading(Event):
    """`clock-sync.v1`, key = component_name: one reading of one clock.

    `offset_microseconds` > 0 means that the clock is fast. Without `last_sync_at` the record's own Kafka
    timestamp stands for it.
    """

    event_id: EventId
    component_name: ComponentName
    protocol: Protocol
    offset_microseconds: Int64
    last_sync_at: Rfc3339 | None = None
    stratum: Annotated[int, Field(ge=0, le=255)] | None = None
    rtt_microseconds: MicrosecondSpan | None = None
    root_delay_microseconds: MicrosecondSpan | None = None
    root_dispersion_microseconds: MicrosecondSpan | None = None
    leap_status: LeapStatus | None = None
    reference_id: ShortText | None = None


def _require_shallow(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    def look_into(values: Collection[Any], level: int) -> None:
        if values and level > _MAX_METADATA_DEPTH:
            raise ValueError(f"must not nest deeper than {_MAX_METADATA_DEPTH} levels")
        for value in values:  # a record has room for a quarter of a million: no call for each
            if isinstance(value, str):
                continue
            if isinstance(value, int):
                if not INT64_MIN <= value <= UINT64_MAX:
                    raise ValueError("must hold integers of at most 64 bits")
            elif isinstance(value, float):
                if not isfinite(value):
                    raise ValueError("must hold finite numbers only")
            elif isinstance(value, list):
                if value:
                    look_into(value, level + 1)
            elif isinstance(value, dict) and value:
                look_into(value.values(), level + 1)

    look_into(metadata.values(), 1)
    return metadata


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Document(Event):
    """One document of a submission; `metadata` is what its front matter or header says of it."""

    path: Path
    sha256: Sha256
    metadata: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=128)], JsonValue],
        Field(
            max_length=MAX_METADATA_FIELDS,
            description=f"At most {_MAX_METADATA_DEPTH} levels deep; finite numbers, integers of 64 bits.",
        ),
        AfterValidator(_require_shallow),
    ]


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Submission(Event):
    """`submissions.v1`, key = submission_id: one atomic submission of 1..1000 documents ("The Bin")."""

    event_id: EventId
    submission_id: SubmissionId
    submitter: Host
    submitted_at: Rfc3339
    dry_run: bool = False
    documents: Annotated[list[Document], Field(min_length=1, max_length=MAX_DOCUMENTS)]
