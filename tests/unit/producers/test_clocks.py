import os
import stat
from datetime import UTC, datetime

import pytest

from schemas import ClockReading
from streams.errors import UserError
from streams.producers.clocks import Timex, parse_tracking, read_clock, reading_of_timex

SLOW = (
    "A29FC87B,162.159.200.123,4,1763892732.417250123,0.000420402,0.000004312,0.000130915,"
    "-12.345,0.001,0.045,0.012345678,0.001234567,64.3,Normal\n"
)
NEVER = "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,"
STA_INS, STA_DEL, STA_UNSYNC, STA_NANO = 0x10, 0x20, 0x40, 0x2000


def test_every_field_of_a_tracking_line():
    reading = parse_tracking(SLOW, "web-01")
    assert (reading.component_name, reading.protocol, reading.stratum) == ("web-01", "NTP", 4)
    assert reading.offset_microseconds == -420  # system time > 0: slow; ours is > 0 when fast
    assert reading.last_sync_at == datetime(2025, 11, 23, 10, 12, 12, 417250, tzinfo=UTC)
    assert reading.root_delay_microseconds == pytest.approx(12345.678)
    assert reading.root_dispersion_microseconds == pytest.approx(1234.567)
    assert (reading.leap_status, reading.reference_id) == ("normal", "A29FC87B")
    ClockReading.model_validate_json(reading.model_dump_json(exclude_none=True))


@pytest.mark.parametrize(
    ("system_time", "offset"),
    [("-0.013500000", 13_500), ("0.000000400", 0), ("2.000000000", -2_000_000), ("-0.000000000", 0)],
)
def test_the_sign_turns_round(system_time, offset):
    assert parse_tracking(SLOW.replace("0.000420402", system_time), "c").offset_microseconds == offset


@pytest.mark.parametrize(
    ("text", "leap"),
    [
        ("Normal", "normal"),
        ("Insert second", "insert"),
        ("Delete second", "delete"),
        ("Not synchronised", "unsynchronised"),
    ],
)
def test_leap_statuses(text, leap):
    assert parse_tracking(SLOW.replace("Normal", text), "c").leap_status == leap


def test_a_clock_that_was_never_set_has_no_last_sync():
    reading = parse_tracking(NEVER + "Not synchronised", "c")
    assert (reading.last_sync_at, reading.stratum, reading.leap_status) == (None, 0, "unsynchronised")
    assert reading.root_delay_microseconds == 1e6


def test_a_local_reference_without_a_name():
    line = "7F7F0101,,10,1763892732.000000001,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,Normal"
    reading = parse_tracking(line, "c")
    assert (reading.reference_id, reading.stratum) == ("7F7F0101", 10)
    assert reading.last_sync_at == datetime(2025, 11, 23, 10, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "has 1 fields and not 14"),
        (SLOW.replace(",4,", ","), "has 13 fields and not 14"),
        (SLOW.replace(",4,", ",four,"), "invalid literal"),
        (SLOW.replace("0.000420402", "nan"), "NaN"),
        (SLOW.replace("0.000420402", "inf"), "infinity"),
        (SLOW.replace("Normal", "Perhaps"), "'Perhaps' is unknown"),
        (SLOW.replace(",4,", ",999,"), "stratum: 999 is refused"),
    ],
)
def test_a_line_that_is_none_is_one_line_of_error(line, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_tracking(line, "c")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("offset", "status", "microseconds"),
    [(420, 0, -420), (-7, 0, 7), (420_499, STA_NANO, -420), (-13_500_000, STA_NANO, 13_500)],
)
def test_the_kernels_offset_is_in_the_unit_that_its_status_says(offset, status, microseconds):
    assert reading_of_timex("c", 0, Timex(offset=offset, status=status)).offset_microseconds == microseconds


@pytest.mark.parametrize(
    ("state", "status", "leap"),
    [
        (0, 0, "normal"),
        (1, STA_INS, "insert"),
        (2, STA_DEL, "delete"),
        (0, STA_UNSYNC, "unsynchronised"),
        (5, 0, "unsynchronised"),
        (5, STA_INS, "unsynchronised"),
    ],
)
def test_the_kernels_states(state, status, leap):
    assert reading_of_timex("c", state, Timex(status=status)).leap_status == leap


def test_the_kernels_maximum_error_is_the_dispersion_within_the_contracts_bounds():
    reading = reading_of_timex("c", 5, Timex(maxerror=16_000_000, esterror=3, status=STA_UNSYNC))
    assert reading.root_dispersion_microseconds == 16_000_000
    assert (reading.protocol, reading.stratum, reading.last_sync_at) == ("NTP", None, None)
    assert reading_of_timex("c", 0, Timex(maxerror=2**62)).root_dispersion_microseconds == 1e15
    assert reading_of_timex("c", 0, Timex(maxerror=-1)).root_dispersion_microseconds == 0


def chronyc(tmp_path, monkeypatch, script):
    program = tmp_path / "chronyc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def test_chrony_is_asked_first(tmp_path, monkeypatch):
    chronyc(tmp_path, monkeypatch, f'[ "$*" = "-c tracking" ] && echo "{SLOW.strip()}"')
    assert read_clock("c").reference_id == "A29FC87B"


@pytest.mark.parametrize("script", ["echo 506 Cannot talk to daemon; exit 1", f'echo "{NEVER}Not synchronised"'])
def test_the_kernel_answers_where_chrony_cannot(tmp_path, monkeypatch, script):
    chronyc(tmp_path, monkeypatch, script)
    reading = read_clock("c")
    assert reading.reference_id is None
    assert reading.root_dispersion_microseconds is not None


def test_a_component_name_that_the_contract_refuses_is_named():
    with pytest.raises(UserError, match="component_name: 'a ' is refused"):
        parse_tracking(SLOW, "a ")
