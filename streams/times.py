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


_MINUTES = [f"{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
_SECONDS = [f"{second:02}." for second in range(60)]
_THOUSANDS = [f"{number:03}" for number in range(1000)]
"""Small enough to stay in a core's cache, unlike a table of all seconds of a day."""


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return (EPOCH + timedelta(days=days)).strftime("%Y-%m-%d ")


def timestamp_text(value_us: int) -> str:
    """`2026-11-20 10:12:12.123456` for microseconds since the epoch.

    In parts that come again, for a row has four of them and strftime costs five times as much.
    """
    seconds = value_us // 1_000_000
    days = seconds // 86_400
    second = seconds - days * 86_400
    micro = value_us - seconds * 1_000_000
    return (
        f"{_day(days)}{_MINUTES[second // 60]}{_SECONDS[second % 60]}"
        f"{_THOUSANDS[micro // 1000]}{_THOUSANDS[micro % 1000]}"
    )


def clamped_timestamp_text(value_ns: int) -> str:
    """The microsecond rendering of nanoseconds, clamped to what a TIMESTAMP can hold."""
    if not TIMESTAMP_MIN_NS <= value_ns <= TIMESTAMP_MAX_NS:
        value_ns = TIMESTAMP_MIN_NS if value_ns < TIMESTAMP_MIN_NS else TIMESTAMP_MAX_NS
    return timestamp_text(value_ns // 1000)


def fits_timestamp(value_ns: int) -> bool:
    """Whether a TIMESTAMP column can hold these nanoseconds."""
    return TIMESTAMP_MIN_NS <= value_ns <= TIMESTAMP_MAX_NS
