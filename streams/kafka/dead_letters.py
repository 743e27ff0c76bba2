"""Dead letters: the record byte for byte as it came, and why it could not be stored. Pure.

Headers, all UTF-8 text: `__dlq.errors.topic|partition|offset|group|message` (the brokers' own convention for
dead-letter topics), and ours: `dlq.reason` (stable, to route on), `dlq.stage`, `dlq.failed_at` (RFC 3339).
Headers of the record itself stay in front, unchanged.
"""

import hashlib
from dataclasses import replace

from streams.kafka.outgoing import Outgoing
from streams.plan import DeadLetter, Record
from streams.times import from_microseconds

SUFFIX = ".dlq"
OWN_HEADERS = (
    "__dlq.errors.topic",
    "__dlq.errors.partition",
    "__dlq.errors.offset",
    "__dlq.errors.group",
    "__dlq.errors.message",
    "dlq.reason",
    "dlq.stage",
    "dlq.failed_at",
)


def headers_of(
    record: Record, letter: DeadLetter, group: str, failed_at_us: int
) -> tuple[tuple[str, bytes | None], ...]:
    """The record's headers followed by ours; those of an earlier dead-lettering are replaced."""
    ours = {
        "__dlq.errors.topic": record.topic,
        "__dlq.errors.partition": str(record.partition),
        "__dlq.errors.offset": str(record.offset),
        "__dlq.errors.group": group,
        "__dlq.errors.message": letter.message,
        "dlq.reason": letter.reason,
        "dlq.stage": letter.stage,
        "dlq.failed_at": from_microseconds(failed_at_us).isoformat(),
    }
    received = tuple((name, value) for name, value in record.headers if name not in ours)
    return received + tuple((name, text.encode("utf-8", "replace")) for name, text in ours.items())


def stub_of(message: Outgoing) -> Outgoing:
    """What stands for a record that the dead-letter topic does not take for its size: its hash and length."""
    value = message.value or b""
    headers = (
        *message.headers,
        ("dlq.value_sha256", hashlib.sha256(value).hexdigest().encode()),
        ("dlq.value_bytes", str(len(value)).encode()),
    )
    return replace(message, value=b"", headers=headers)
