"""What is to become of one record: rows, announcements, or a dead letter.

Plans are made by the flows and carried out by the recorder.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol


class Record(Protocol):
    """The part of a Kafka record that we read; aiokafka's ConsumerRecord fits it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since the epoch, as the producer or the broker set it."""
    timestamp_type: int | None
    """0 where the producer set the timestamp, 1 where the broker did."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class UnreadableBatch:
    """Stands where the records of a batch would be that cannot be read: a Record at the batch's last offset."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int | None
    why: str
    """One line, for the dead letter."""
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()

    def found_in(self, topic: str, partition: int) -> "UnreadableBatch":
        """The same with its place."""
        return replace(self, topic=topic, partition=partition)


class Announcement(NamedTuple):
    """A message of ours for an output topic; `topic` without the prefix."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Why a record goes to its dead-letter topic: a stable code, the stage, and one line for a person."""

    reason: str
    stage: str
    message: str


class Violated(NamedTuple):
    """What is counted of a violation, and what its incident must know of it."""

    standard_id: str
    category: str
    severity: str
    detected_at_us: int
    id: str = ""
    fingerprint: str = ""
    """Names the incident; without it none is kept."""
    code: str = ""
    subject: str = ""
    field: str = ""
    seen_at_us: int = 0
    """The event's time, by which records of the subject are ordered."""
    topic: str = ""
    partition: int = 0
    offset: int = 0


@dataclass(slots=True)
class Plan:
    """One record and what the judges decided of it.

    `anchor` is the id of the first row that the record causes: the record is a duplicate exactly when a row
    with that id is there already. `rows` maps a table to its SQL row literals.
    """

    record: Record
    anchor: str = ""
    anchor_table: str = ""
    rows: dict[str, list[str]] = field(default_factory=dict)
    lookup_seconds: float | None = None
    """What it took to hold the record against the standards."""
    announcements: list[Announcement] = field(default_factory=list)
    violations: list[Violated] = field(default_factory=list)
    shadow: dict[tuple[str, int], int] = field(default_factory=dict)
    """(code, version) of rules in shadow, with how often they would have been violated."""
    dead_letter: DeadLetter | None = None
    indeterminate: dict[str, int] = field(default_factory=dict)
    """Rules that saw a difference which the clocks leave open, with how often."""
    duplicate: bool = False
    drift_alerts: list[tuple[str, str]] = field(default_factory=list)
    """(kind, severity) of each alert that begins to fire."""
    from_timer: bool = False
    """Caused by time and not by a record: stored and announced like any, and not counted as consumed."""

    def become_duplicate(self) -> None:
        """The record's rows are there already: what was decided with them was announced with them."""
        self.duplicate = True
        self.announcements.clear()


def dead(record: Record, reason: str, stage: str, message: str) -> Plan:
    """The plan of a record that cannot be stored."""
    return Plan(record, dead_letter=DeadLetter(reason, stage, " ".join(message.split())[:1000]))
