from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.times import (
    EPOCH,
    TIMESTAMP_MAX_NS,
    TIMESTAMP_MIN_NS,
    clamped_timestamp_text,
    fits_timestamp,
    from_microseconds,
    microseconds,
    timestamp_text,
)


@given(st.integers(1_000_000, 2_147_483_647_999_999))
def test_microseconds_keep_every_digit(value_us: int) -> None:
    instant = EPOCH + timedelta(microseconds=value_us)
    assert microseconds(instant) == value_us
    assert from_microseconds(microseconds(instant)) == instant
    assert timestamp_text(microseconds(instant)) == instant.strftime("%Y-%m-%d %H:%M:%S.%f")


def test_an_offset_is_taken_into_account() -> None:
    east = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert timestamp_text(microseconds(east)) == "2026-01-01 06:30:00.000000"


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [
        (0, "1970-01-01 00:00:01.000000"),
        (-(2**63), "1970-01-01 00:00:01.000000"),
        (TIMESTAMP_MIN_NS, "1970-01-01 00:00:01.000000"),
        (1_700_000_000_123_456_789, "2023-11-14 22:13:20.123456"),
        (TIMESTAMP_MAX_NS, "2038-01-19 03:14:07.999999"),
        (2**63 - 1, "2038-01-19 03:14:07.999999"),
    ],
)
def test_times_are_clamped_to_what_a_timestamp_holds(value_ns: int, text: str) -> None:
    assert clamped_timestamp_text(value_ns) == text
    assert fits_timestamp(value_ns) == (TIMESTAMP_MIN_NS <= value_ns <= TIMESTAMP_MAX_NS)
