"""Kafka records for tests that need no broker."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from streams.times import microseconds

NOW = datetime(2026, 11, 20, 10, 12, 12, 123456, tzinfo=UTC)
NOW_US = microseconds(NOW)
NOW_NS = NOW_US * 1000


@dataclass
class FakeRecord:
    value: bytes | None = b"{}"
    topic: str = "governance.filesystem-timestamps.v1"
    partition: int = 1
    offset: int = 42
    timestamp: int = NOW_US // 1000
    timestamp_type: int | None = 0
    key: bytes | None = b"host"
    headers: tuple[tuple[str, bytes | None], ...] = field(default=())
