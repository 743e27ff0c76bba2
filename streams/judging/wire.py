"""What a worker and its judging processes say to each other: records there, plans back. Pure.

Pickled, for both ends are of one version and of one parent, and in plain tuples, which cost a third of objects. A
plan whose only news is its rows, as nearly all are, travels without the fields that it leaves empty.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from streams.plan import Plan, Record

LENGTH_BYTES = 4
"""A message's length stands in front of it, big-endian."""


@dataclass(slots=True)
class SentRecord:
    """A Kafka record on the other side."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Question(NamedTuple):
    """Batches to be judged, by these standards or newer ones; with `forget` by what the database says of the past."""

    batches: Sequence[Sequence[Record]]
    forget: bool
    revision: int


class DatabaseAway(NamedTuple):
    """Said before an answer, each time that the database could not be asked about the past."""

    reason: str


def pack(message: object) -> bytes:
    """A message with its length in front."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def unpack(body: bytes) -> Any:
    """A message of the other side."""
    return pickle.loads(body)  # noqa: S301  # from our own process only


def question(batches: Sequence[Sequence[Record]], forget: bool, revision: int) -> bytes:
    """The question of these batches, packed."""
    plain = [
        [
            (r.topic, r.partition, r.offset, r.timestamp, r.timestamp_type, r.key, r.value, tuple(r.headers))
            for r in records
        ]
        for records in batches
    ]
    return pack((plain, forget, revision))


def read_question(body: bytes) -> Question:
    """The other side of `question`."""
    batches, forget, revision = unpack(body)
    return Question([[SentRecord(*record) for record in records] for records in batches], forget, revision)


def answer(judged: Sequence[Sequence[Plan]]) -> bytes:
    """The plans of a question, packed; `plan_of` makes plans of them again."""
    return pack([[_plain(plan) for plan in plans] for plans in judged])


def plan_of(record: Record, plain: tuple[Any, ...]) -> Plan:
    """A plan of an answer, with its record."""
    return Plan(record, *plain)


def _plain(plan: Plan) -> tuple[Any, ...]:
    """The fields after `record`, in their order; the last ones only where they say something."""
    short = (plan.anchor, plan.anchor_table, plan.rows, plan.lookup_seconds)
    if not (plan.announcements or plan.violations or plan.shadow or plan.dead_letter or plan.indeterminate):
        return short
    return (*short, plan.announcements, plan.violations, plan.shadow, plan.dead_letter, plan.indeterminate)
