"""Instants as integers, and their rendering as TIMESTAMP(6) literals. Pure; no clock is read here."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

TIMESTAMP_MIN_NS = 1_000_000_000
TIMESTAMP_MAX_NS = 2_147_483_647_999_999_999
"""What a TIMESTAMP(6) can hold: 1970-01-01 00:00:01 to 2038-01-19 03:14:07.999999 UTC."""


def microseconds(instant: datetime) -> int:
    """Microseconds since the epoch, exactly (a float of seconds would lose them)."""
    return (instant - EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The instant, in UTC."""
    return EPOCH + timedelta(microseconds=value)


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")


def timestamp_text(value_us: int) -> str:
    """`2026-11-20 10:12:12.123456` for microseconds since the epoch."""
    seconds, fraction = divmod(value_us, 1_000_000)
    return f"{_second(seconds)}.{fraction:06d}"


def clamped_timestamp_text(value_ns: int) -> str:
    """The microsecond rendering of nanoseconds, clamped to what a TIMESTAMP can hold."""
    return timestamp_text(min(max(value_ns, TIMESTAMP_MIN_NS), TIMESTAMP_MAX_NS) // 1000)


def fits_timestamp(value_ns: int) -> bool:
    """Whether a TIMESTAMP column can hold these nanoseconds."""
    return TIMESTAMP_MIN_NS <= value_ns <= TIMESTAMP_MAX_NS
