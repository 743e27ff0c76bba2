from typing import Any

import pytest

from schemas.events import ClockReading
from streams.judges.clocks import (
    ClockState,
    alert_document,
    error_bound_microseconds,
    judge_reading,
    status_of,
)
from tests.unit.records import NOW_US

THRESHOLD = 10_000


def reading(offset: int = 0, **fields: Any) -> ClockReading:
    return ClockReading(
        event_id="0b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11",
        component_name="api-gateway",
        protocol=fields.pop("protocol", "NTP"),
        offset_microseconds=offset,
        **fields,
    )


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (reading(0), "synchronized"),
        (reading(10_000), "synchronized"),  # the threshold itself is within it
        (reading(10_001), "drifting"),
        (reading(-10_001), "drifting"),
        (reading(-(2**63)), "drifting"),
        (reading(0, leap_status="unsynchronised"), "error"),
        (reading(0, leap_status="insert"), "synchronized"),
        (reading(0, stratum=16), "error"),
        (reading(0, stratum=0), "error"),
        (reading(0, stratum=15), "synchronized"),
        (reading(0, stratum=0, protocol="PTP"), "synchronized"),  # stratum means nothing outside NTP
    ],
)
def test_status(given: ClockReading, status: str) -> None:
    assert status_of(given, THRESHOLD) == status


def run(*offsets: int) -> list[tuple[str, str | None]]:
    state: ClockState | None = None
    seen = []
    for second, offset in enumerate(offsets):
        judgement = judge_reading(reading(offset), NOW_US + second * 1_000_000, state, THRESHOLD)
        state = judgement.state
        seen.append((judgement.status, judgement.alert_state))
    return seen


def test_an_alert_begins_once_and_ends_once() -> None:
    assert run(0, 20_000, 30_000, 15_000, 100, 50) == [
        ("synchronized", None),
        ("drifting", "firing"),
        ("drifting", None),
        ("drifting", None),
        ("synchronized", "resolved"),
        ("synchronized", None),
    ]


def test_the_first_reading_ever_can_begin_an_alert() -> None:
    assert run(20_000) == [("drifting", "firing")]


def test_a_late_reading_changes_nothing() -> None:
    state = ClockState(NOW_US, 0, "synchronized")
    judgement = judge_reading(reading(99_999), NOW_US - 1, state, THRESHOLD)
    assert (judgement.status, judgement.state, judgement.alert) == ("drifting", None, None)


def test_both_messages_of_an_episode_share_id_and_peak() -> None:
    begun = judge_reading(reading(20_000), NOW_US, None, THRESHOLD)
    worse = judge_reading(reading(-90_000), NOW_US + 1, begun.state, THRESHOLD)
    ended = judge_reading(reading(5), NOW_US + 2, worse.state, THRESHOLD)
    assert begun.alert is not None
    assert ended.alert is not None
    assert begun.alert.alert_id == ended.alert.alert_id
    document = alert_document(reading(5), NOW_US + 2, ended, worse.state, THRESHOLD)
    assert document["peak_offset_microseconds"] == -90_000
    assert document["occurrences"] == 2
    assert document["state"] == "resolved"
    assert document["ends_at"] is not None


@pytest.mark.parametrize(
    ("given", "kind", "severity"),
    [
        (reading(20_000), "offset", "warning"),
        (reading(100_001), "offset", "critical"),
        (reading(0, leap_status="unsynchronised"), "unsynchronised", "critical"),
    ],
)
def test_kind_and_severity(given: ClockReading, kind: str, severity: str) -> None:
    alert = judge_reading(given, NOW_US, None, THRESHOLD).alert
    assert alert is not None
    assert (alert.kind, alert.severity) == (kind, severity)


def test_the_text_comes_from_the_numbers() -> None:
    judgement = judge_reading(reading(-12_345), NOW_US, None, THRESHOLD)
    document = alert_document(reading(-12_345), NOW_US, judgement, None, THRESHOLD)
    assert document["text"] == "api-gateway (NTP) is 12.345 ms slow; the threshold is 10 ms"
    assert document["direction"] == "slow"
    assert document["excess_microseconds"] == 2_345
    assert document["dedup_key"] == "api-gateway|NTP|offset"


def test_the_error_bound_adds_what_is_known() -> None:
    assert error_bound_microseconds(reading(-100)) == 100
    assert error_bound_microseconds(reading(-100, rtt_microseconds=40.0)) == 120
    known = reading(100, root_delay_microseconds=40.0, root_dispersion_microseconds=7.0)
    assert error_bound_microseconds(known) == 127
