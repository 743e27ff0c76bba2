"""The rules of one reading, each as a table: fires, just does not fire."""

from typing import Any

import pytest

from streams.judges.clocks import DEFAULT_LIMITS
from streams.judges.clocks.facts import gather, uncertainty_microseconds
from streams.judges.clocks.rules import RULES
from streams.judges.clocks.silence import silence_limit_seconds
from streams.judges.clocks.state import ClockState
from tests.unit.judges.clocks import SECOND, Clock, codes, reading
from tests.unit.records import NOW_US

RULE = {rule.code: rule for rule in RULES}


@pytest.mark.parametrize(
    ("offset", "fields", "status", "certainty"),
    [
        (0, {}, "synchronized", "proven"),
        (10_000, {}, "synchronized", "proven"),  # the threshold itself is within it
        (10_001, {}, "drifting", "proven"),
        (-10_001, {}, "drifting", "proven"),
        (-(2**63), {}, "drifting", "proven"),
        (10_001, {"rtt_microseconds": 900.0}, "drifting", "proven"),  # a daemon has filtered: no causality
        (10_001, {"protocol": "Server"}, "drifting", "proven"),
        (10_001, {"protocol": "PTP"}, "drifting", "proven"),
        (10_000, {"protocol": "PTP"}, "synchronized", "proven"),
        (100_000, {"protocol": "Browser"}, "synchronized", "proven"),
        (100_001, {"protocol": "Browser"}, "drifting", "proven"),
        (125_000, {"protocol": "Browser", "rtt_microseconds": 50_000.0}, "synchronized", "indeterminate"),
        (125_001, {"protocol": "Browser", "rtt_microseconds": 50_000.0}, "drifting", "proven"),
        (9_000, {"root_dispersion_microseconds": 1_000.0}, "synchronized", "proven"),
        (9_000, {"root_dispersion_microseconds": 1_001.0}, "synchronized", "uncertain"),
        (0, {"leap_status": "unsynchronised"}, "error", "proven"),
        (0, {"leap_status": "insert"}, "synchronized", "proven"),
        (0, {"stratum": 16}, "error", "proven"),
        (0, {"stratum": 17}, "error", "proven"),
        (0, {"stratum": 0}, "error", "proven"),
        (0, {"stratum": 15}, "synchronized", "proven"),
        (0, {"stratum": 1}, "synchronized", "proven"),
        (0, {"stratum": 0, "protocol": "PTP"}, "synchronized", "proven"),  # a stratum means nothing outside NTP
        (0, {"stratum": 248, "protocol": "PTP"}, "synchronized", "proven"),
    ],
)
def test_status_and_certainty(offset: int, fields: dict[str, Any], status: str, certainty: str) -> None:
    judgement = Clock().read(offset, **fields)
    assert (judgement.status, judgement.certainty) == (status, certainty)


@pytest.mark.parametrize(
    ("code", "offset", "fields", "severity"),
    [
        ("CLK-OFFSET", 10_001, {}, "warning"),
        ("CLK-OFFSET", 10_000, {}, None),
        ("CLK-OFFSET", -100_000, {}, "warning"),
        ("CLK-OFFSET", -100_001, {}, "critical"),
        ("CLK-OFFSET", 100_001, {"protocol": "Browser"}, "warning"),
        ("CLK-OFFSET", 100_001, {"protocol": "Browser", "rtt_microseconds": 2.0}, None),
        ("CLK-OFFSET-WARN", 2, {"protocol": "PTP"}, "warning"),
        ("CLK-OFFSET-WARN", -2, {"protocol": "PTP"}, "warning"),
        ("CLK-OFFSET-WARN", 1, {"protocol": "PTP"}, None),
        ("CLK-OFFSET-WARN", 10_000, {"protocol": "PTP"}, "warning"),
        ("CLK-OFFSET-WARN", 10_001, {"protocol": "PTP"}, None),  # that is drift
        ("CLK-OFFSET-WARN", 1_001, {"protocol": "Server"}, "warning"),
        ("CLK-OFFSET-WARN", 1_000, {"protocol": "Server"}, None),
        ("CLK-OFFSET-WARN", 9_999, {}, None),  # NTP has no lesser limit
        ("CLK-BOUND", 9_000, {"root_dispersion_microseconds": 1_000.5}, "warning"),
        ("CLK-BOUND", 9_000, {"root_dispersion_microseconds": 1_000.0}, None),
        ("CLK-BOUND", 0, {"root_delay_microseconds": 20_002.0}, "warning"),
        ("CLK-BOUND", 0, {"root_delay_microseconds": 20_000.0}, None),
        ("CLK-BOUND", 0, {"rtt_microseconds": 20_002.0}, "warning"),
        ("CLK-BOUND", 10_001, {"root_dispersion_microseconds": 9e6}, None),  # that is drift
        ("CLK-BOUND", 0, {"root_dispersion_microseconds": 16e6, "leap_status": "unsynchronised"}, None),
        ("CLK-BOUND", 0, {"age": 667}, "warning"),  # 15 ppm of 667 s
        ("CLK-BOUND", 0, {"age": 666}, None),
        ("CLK-BOUND", 0, {"age": 86_400}, None),  # history, judged as of its own time
        ("CLK-BOUND", 0, {"age": 1000, "root_dispersion_microseconds": 50.0}, None),  # which has grown already
        ("CLK-UNSYNCHRONISED", 0, {"leap_status": "unsynchronised"}, "critical"),
        ("CLK-UNSYNCHRONISED", 0, {"stratum": 16}, "critical"),
        ("CLK-UNSYNCHRONISED", 0, {"stratum": 0}, "critical"),
        ("CLK-UNSYNCHRONISED", 0, {"stratum": 15}, None),
        ("CLK-ROOTDIST", 0, {"root_delay_microseconds": 3e6}, None),
        ("CLK-ROOTDIST", 0, {"root_delay_microseconds": 3e6, "root_dispersion_microseconds": 1.0}, "warning"),
        ("CLK-ROOTDIST", 0, {"root_dispersion_microseconds": 3_466_080.0}, "warning"),
        ("CLK-ROOTDIST", 0, {"root_dispersion_microseconds": 3_466_081.0}, "critical"),
        ("CLK-ROOTDIST", 0, {}, None),
        ("CLK-LOCALREF", 0, {"reference_id": "7F7F0101", "stratum": 10}, "warning"),
        ("CLK-LOCALREF", 0, {"reference_id": "7f7f0100"}, "warning"),
        ("CLK-LOCALREF", 0, {"reference_id": "127.127.1.1"}, "warning"),
        ("CLK-LOCALREF", 0, {"reference_id": "LOCL"}, "warning"),
        ("CLK-LOCALREF", 0, {"reference_id": "7F7F0201"}, None),
        ("CLK-LOCALREF", 0, {"reference_id": "A9FEA97B", "stratum": 10}, None),
        ("CLK-LOCALREF", 0, {}, None),
    ],
)
def test_a_reading_by_itself(code: str, offset: int, fields: dict[str, Any], severity: str | None) -> None:
    clock = Clock()
    judgement = clock.read(offset, **fields)
    found = dict(judgement.found).get(code)
    assert (found.severity if found else None) == severity
    begun = [t.episode.severity for t in judgement.transitions if t.episode.kind == RULE[code].kind]
    assert begun == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("first", "second", "seconds", "fields", "steps"),
    [
        (0, 10_000, 1, {}, False),
        (0, 10_001, 1, {}, True),
        (5_000, -5_001, 1, {}, True),
        (0, 30_000, 60, {}, False),  # 500 ppm in 60 s
        (0, 30_001, 60, {}, True),
        (0, -9_999, 0, {}, False),
        (0, 100_001, 1, {"protocol": "Browser"}, True),
        (0, 100_001, 1, {"protocol": "Browser", "rtt_microseconds": 10.0}, False),
        (0, 100_011, 1, {"protocol": "Browser", "rtt_microseconds": 10.0}, True),
        (0, 900, 1, {"protocol": "PTP"}, False),
    ],
)
def test_a_step_is_faster_than_slewing(
    first: int, second: int, seconds: float, fields: dict[str, Any], steps: bool
) -> None:
    clock = Clock(**fields)
    clock.read(first, at=0)
    judgement = clock.read(second, at=seconds)
    assert ("CLK-STEP" in codes(judgement)) is steps
    assert clock.state is not None
    step = clock.state.last_step
    assert (step and (step.microseconds, step.at_us)) == (
        (second - first, NOW_US + seconds * SECOND) if steps else None
    )


def test_the_last_steps_are_remembered_and_begin_the_statistics_anew() -> None:
    clock = Clock()
    clock.offsets(0, 50_000, 0, 100)
    assert clock.state is not None
    assert [step.microseconds for step in clock.state.steps] == [50_000, -50_000]
    assert [point.offset_microseconds for point in clock.state.window] == [0, 100]


MIDNIGHT_SECONDS = (86_400 * SECOND - NOW_US % (86_400 * SECOND)) / SECOND


@pytest.mark.parametrize(
    ("change", "leap", "at", "steps"),
    [
        (-1_000_000, "insert", MIDNIGHT_SECONDS, False),
        (1_000_000, "delete", MIDNIGHT_SECONDS + 590, False),
        (-1_000_000, "insert", MIDNIGHT_SECONDS + 610, True),
        (-1_000_000, "normal", MIDNIGHT_SECONDS, True),
        (-1_020_000, "insert", MIDNIGHT_SECONDS, True),
    ],
)
def test_an_announced_leap_second_is_no_step(change: int, leap: str, at: float, steps: bool) -> None:
    clock = Clock(leap_status=leap)
    clock.read(0, at=at - 64)
    assert ("CLK-STEP" in codes(clock.read(change, at=at))) is steps


@pytest.mark.parametrize(
    ("before", "now", "fields", "found"),
    [
        (2, 4, {}, True),
        (2, 3, {}, False),
        (4, 2, {}, False),
        (None, 9, {}, False),
        (16, 3, {}, False),
        (1, 16, {}, False),  # that is unsynchronised
        (2, 9, {"protocol": "PTP"}, False),
    ],
)
def test_a_stratum_that_rises(before: int | None, now: int, fields: dict[str, Any], found: bool) -> None:
    clock = Clock(**fields)
    clock.read(stratum=before)
    assert ("CLK-STRATUM" in codes(clock.read(stratum=now))) is found


@pytest.mark.parametrize(
    ("offsets", "fields", "found"),
    [
        ([0, 2_000, 0, 2_000, 0, 2_000, 0, 2_000], {}, True),  # sd 1069
        ([0, 1_800, 0, 1_800, 0, 1_800, 0, 1_800], {}, False),  # sd 962
        ([0, 2_000, 0, 2_000, 0, 2_000, 0], {}, False),  # seven
        ([0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000], {}, False),  # a steady drift is none
        ([0, 3, 0, 3, 0, 3, 0, 3], {"protocol": "PTP"}, True),
        ([0, 1, 0, 1, 0, 1, 0, 1], {"protocol": "PTP"}, False),
        ([0, 15_000, 0, 15_000, 0, 15_000, 0, 15_000], {"protocol": "Browser"}, False),
        ([0, 25_000, 0, 25_000, 0, 25_000, 0, 25_000], {"protocol": "Browser"}, True),
    ],
)
def test_jitter(offsets: list[int], fields: dict[str, Any], found: bool) -> None:
    assert ("CLK-JITTER" in codes(Clock(**fields).offsets(*offsets))) is found


@pytest.mark.parametrize(
    ("offsets", "spacing", "eta"),
    [
        ([0, 100, 200, 300, 400, 500, 600, 700], 20, 1860),  # 5 ppm: (10000 - 700) / 5
        ([0, -100, -200, -300, -400, -500, -600, -700], 20, 1860),
        ([0, 100, 200, 300, 400, 500, 600, 700], 60, None),  # 1.67 ppm: in 5,580 s
        ([700, 600, 500, 400, 300, 200, 100, 0], 20, None),  # to zero, and not beyond it
        ([700, 600, 500, 400, 300, 200, 100, -5], 20, None),
        ([-300, -200, -100, 0, 100, 200, 300, 400], 20, 1920),
        ([9_000, 8_000, 7_000, 6_000, 5_000, 4_000, 3_000, 2_000], 20, None),  # being corrected
        ([0, 50, 100, 150, 200, 250, 300, 350], 1, None),  # moved by less than a twentieth of the threshold
        ([0, 900, -300, 1_000, 200, 1_500, 300, 1_600], 20, None),  # noise about a slope of five errors or less
        ([0, 100, 200, 300, 400, 500, 600], 20, None),  # seven
        ([0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000], 1, 3),
    ],
)
def test_a_crossing_that_is_to_come(offsets: list[int], spacing: float, eta: float | None) -> None:
    clock = Clock()
    for number, offset in enumerate(offsets):
        judgement = clock.read(offset, at=number * spacing)
    found = dict(judgement.found).get("CLK-RATE")
    assert (found and found.evidence["eta_seconds"]) == (eta and pytest.approx(eta))


def test_a_repeated_sync_time_is_no_repeated_reading() -> None:
    """chrony tells when it last heard of its source; what counts is when each reading came."""
    clock = Clock(root_dispersion_microseconds=10.0)
    for number in range(8):
        judgement = clock.read(number * 100, at=number * 20, age=number * 20)
    assert codes(judgement) == ["CLK-RATE"]
    assert judgement.facts.line is not None
    assert judgement.facts.line.rate_ppm == pytest.approx(5)


@pytest.mark.parametrize(
    ("before", "now", "seconds", "trend"),
    [
        (20_000, 21_000, 20, "diverging"),
        (20_000, 19_000, 20, "converging"),  # 1 ms in 20 s: 9 ms in 180 s
        (20_000, 19_999, 60, "steady"),  # 9.999 ms at 1 us in 60 s
        (20_000, 20_000, 20, "steady"),
        (-20_000, -19_000, 20, "converging"),
        (20_000, -21_000, 20, "diverging"),
    ],
)
def test_trend(before: int, now: int, seconds: float, trend: str) -> None:
    clock = Clock()
    clock.read(before, at=0)
    assert clock.read(now, at=seconds).facts.trend == trend


@pytest.mark.parametrize(
    ("fields", "microseconds"),
    [
        ({}, 0),
        ({"rtt_microseconds": 40.0}, 20),
        ({"root_delay_microseconds": 40.0, "root_dispersion_microseconds": 7.0}, 27),
        ({"root_delay_microseconds": 40.0, "rtt_microseconds": 1000.0}, 20),
        ({"root_delay_microseconds": 0.0, "rtt_microseconds": 1000.0}, 0),
    ],
)
def test_the_uncertainty_adds_what_is_known(fields: dict[str, Any], microseconds: float) -> None:
    assert uncertainty_microseconds(reading(-100, **fields)) == microseconds


def test_what_a_bound_lacks_is_tagged() -> None:
    def tags(**fields: Any) -> tuple[str, ...]:
        return gather(reading(**fields), NOW_US, NOW_US, None, DEFAULT_LIMITS).tags

    assert tags() == ("bound_partial",)
    assert tags(root_dispersion_microseconds=1.0, root_delay_microseconds=1.0) == ()
    assert tags(protocol="Browser") == ("bound_partial", "no_rtt")


def sibling(protocol: str, seconds: float, offset: int = 0) -> tuple[str, ClockState]:
    clock = Clock(protocol=protocol)
    clock.read(offset, at=seconds)
    assert clock.state is not None
    return protocol, clock.state


def test_a_protocol_that_is_new_or_was_silent() -> None:
    clock = Clock(protocol="NTP")
    assert codes(clock.read(at=0)) == []
    assert "CLK-PROTOCOL-CHANGED" in codes(Clock(protocol="NTP").read(at=30, siblings=[sibling("PTP", 0)]))
    assert codes(clock.read(at=50, siblings=[sibling("PTP", 30)])) == []  # both are heard
    assert codes(clock.read(at=300, siblings=[sibling("PTP", 20)])) == []  # PTP is older than our own silence
    assert codes(clock.read(at=700, siblings=[sibling("PTP", 690)])) == []  # within three intervals of 150 s
    assert codes(clock.read(at=9_000, siblings=[sibling("PTP", 8_990)])) == ["CLK-PROTOCOL-CHANGED"]
    assert clock.state is not None
    assert silence_limit_seconds(clock.state, DEFAULT_LIMITS) > 60


@pytest.mark.parametrize(
    ("code", "offset", "fields", "observed", "expected"),
    [
        ("CLK-ROOTDIST", 0, {"root_dispersion_microseconds": 1_500_001.0}, "1500001", "<= 1500000 microseconds"),
        ("CLK-ROOTDIST", 0, {"root_dispersion_microseconds": 3_466_080.5}, "3466080.5", "<= 1500000 microseconds"),
        ("CLK-BOUND", 9_999, {"root_dispersion_microseconds": 1.25}, "10000.25", "error bound <= 10000 microseconds"),
        ("CLK-BOUND", 0, {"root_dispersion_microseconds": 1_234_567.0}, "1234567", "error bound <= 10000 microseconds"),
    ],
)
def test_a_number_that_breaks_a_rule_is_shown_with_all_its_digits(
    code: str, offset: int, fields: dict[str, Any], observed: str, expected: str
) -> None:
    found = dict(Clock().read(offset, **fields).found)[code]
    assert found.observed == observed
    assert found.expected.endswith(expected)


def test_a_step_over_a_long_gap_shows_its_limit_in_digits() -> None:
    clock = Clock()
    clock.read(0, at=0)
    found = dict(clock.read(-2_000_000, at=3_000.5).found)["CLK-STEP"]
    assert found.expected == "|change| <= 1500250 microseconds in 3000.5 s"
