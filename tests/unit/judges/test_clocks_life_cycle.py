"""How an alert begins, is held, ends, and is spoken for: C4, C5 and what one alert says."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.findings import DriftAlert, SourceRef
from streams.judges.clocks import DEFAULT_LIMITS, Judgement
from streams.judges.clocks.alerts import of_reading, of_state
from streams.judges.clocks.silence import judge_silence
from streams.judges.clocks.state import ClockState, state_before_memory, state_from_memory
from tests.unit.judges.clocks import ACTIVE, SECOND, Clock, codes, told
from tests.unit.records import NOW_US

FIRING, RESOLVED = [("offset", "firing")], [("offset", "resolved")]


@pytest.mark.parametrize(
    ("offsets", "spacing", "said"),
    [
        # three clear readings over a minute
        ([20_000, 0, 0, 0, 0], 30, [FIRING, [], [], RESOLVED, []]),
        # clear for a minute, and not three times
        ([20_000, 0, 0], 90, [FIRING, [], []]),
        # three times, and not for a minute
        ([20_000, 0, 0, 0], 29, [FIRING, [], [], []]),
        ([20_000, 0, 0, 0, 0], 29, [FIRING, [], [], [], RESOLVED]),
        # half the threshold is not clear, just below it is
        ([20_000, 5_000, 5_000, 5_000, 5_000], 30, [FIRING, [], [], [], []]),
        ([20_000, 4_999, -4_999, 4_999], 30, [FIRING, [], [], RESOLVED]),
        # one reading between the limits, or beyond, begins the count anew
        ([20_000, 0, 0, 7_000, 0, 0, 0], 30, [FIRING, [], [], [], [], [], RESOLVED]),
        ([20_000, 0, 0, 11_000, 0, 0, 0], 30, [FIRING, [], [], [], [], [], RESOLVED]),
        # flapping about the threshold is one alert
        ([10_001, 9_999, 10_001, 9_999, 10_001], 30, [FIRING, [], [], [], []]),
        # a new alert after the end
        ([20_000, 0, 0, 0, 20_000], 30, [FIRING, [], [], RESOLVED, FIRING]),
    ],
)
def test_hysteresis(offsets: list[int], spacing: float, said: list[list[tuple[str, str]]]) -> None:
    clock = Clock()
    heard = []
    for number, offset in enumerate(offsets):
        judgement = clock.read(offset, at=number * spacing)
        heard.append([tuple_ for tuple_ in told(judgement) if tuple_[0] == "offset"])
    assert heard == said


def test_the_state_stays_drifting_as_long_as_the_alert() -> None:
    clock = Clock()
    states = []
    for offset in (0, 20_000, 7_000, 0, 0, 0, 0):
        judgement = clock.read(offset)
        assert clock.state is not None
        states.append((judgement.status, clock.state.status))
    assert states == [
        ("synchronized", "synchronized"),
        ("drifting", "drifting"),
        ("synchronized", "drifting"),
        ("synchronized", "drifting"),
        ("synchronized", "drifting"),
        ("synchronized", "drifting"),
        ("synchronized", "synchronized"),
    ]


@pytest.mark.parametrize(
    ("kind", "bad", "good"),
    [
        ("unsynchronised", {"leap_status": "unsynchronised"}, {"leap_status": "normal"}),
        ("uncertain", {"root_dispersion_microseconds": 2e4}, {"root_dispersion_microseconds": 10.0}),
        ("root_distance", {"root_dispersion_microseconds": 2e6}, {"root_dispersion_microseconds": 10.0}),
        ("local_reference", {"reference_id": "7F7F0101"}, {"reference_id": "A9FEA97B"}),
        ("offset_warning", {"protocol": "PTP", "offset": 5}, {"protocol": "PTP"}),
    ],
)
def test_every_kind_fires_once_and_resolves_once(kind: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
    clock = Clock()
    heard = [told(clock.read(**{"offset": 0, **fields})) for fields in (good, bad, bad, good, bad, good, good)]
    assert [pair for said in heard for pair in said if pair[0] == kind] == [(kind, "firing")]
    last = told(clock.read(at=clock.seconds + 60, **{"offset": 0, **good}))
    assert (kind, "resolved") in last


def test_jitter_and_prediction_end_when_the_window_is_quiet() -> None:
    clock = Clock()
    clock.offsets(0, 2_500, 0, 2_500, 0, 2_500, 0)
    assert told(clock.read(2_500)) == [("jitter", "firing")]
    heard = [pair for _ in range(12) for pair in told(clock.read(0))]
    assert heard == [("jitter", "resolved")]
    clock = Clock()
    clock.offsets(*range(0, 700, 100))
    assert told(clock.read(700)) == [("predicted_crossing", "firing")]
    assert [pair for _ in range(12) for pair in told(clock.read(700))] == [("predicted_crossing", "resolved")]


def test_silence_in_a_field_ends_nothing() -> None:
    clock = Clock()
    clock.read(reference_id="LOCL")
    assert [pair for _ in range(10) for pair in told(clock.read())] == []


def test_an_unsynchronised_clock_cannot_end_its_drift() -> None:
    clock = Clock()
    clock.read(20_000)
    heard = [told(clock.read(0, leap_status="unsynchronised")) for _ in range(6)]
    assert heard == [[("unsynchronised", "firing")], [], [], [], [], []]


@pytest.mark.parametrize(
    ("offsets", "uncertainty", "severity"),
    [
        ([20_000, 20_000], 0.0, "warning"),
        ([20_000, 20_000, 20_000], 0.0, "critical"),  # the whole interval of error is beyond, three times
        ([20_000, 20_000, 20_000], 10_000.0, "warning"),  # its lower edge is the threshold itself
        ([20_000, 20_000, 20_000], 9_999.0, "critical"),
        ([20_000, 20_000, 7_000, 20_000], 0.0, "warning"),
        ([100_001], 0.0, "critical"),
        ([100_001, 11_000], 0.0, "critical"),  # an alert grows and does not shrink
    ],
)
def test_severity(offsets: list[int], uncertainty: float, severity: str) -> None:
    clock = Clock(root_dispersion_microseconds=uncertainty)
    clock.offsets(*offsets)
    assert clock.state is not None
    assert clock.state.episodes["offset"].severity == severity


def test_a_late_reading_changes_nothing() -> None:
    clock = Clock()
    clock.read(0, at=100)
    before = clock.state
    judgement = clock.read(99_999, at=100, age=1)
    assert (judgement.status, judgement.certainty, judgement.state) == ("drifting", "late", None)
    assert (codes(judgement), told(judgement)) == (["CLK-OFFSET"], [])
    assert clock.state is before


def test_a_standard_that_is_not_in_force_begins_nothing_and_lets_end_what_has_begun() -> None:
    without = {code: version for code, version in ACTIVE.items() if code != "CLK-OFFSET"}
    clock = Clock()
    judgement = clock.read(20_000, active=without)
    assert (judgement.status, codes(judgement), told(judgement)) == ("drifting", [], [])
    clock = Clock()
    clock.read(20_000)
    assert [told(clock.read(0, at=t, active=without)) for t in (40, 70, 100)] == [[], [], RESOLVED]


def test_what_another_alert_speaks_for_is_told_when_that_is_gone() -> None:
    spoken_for: list[str | None] = ["reference_suspect"]
    clock = Clock()

    def read(offset: int) -> Judgement:
        return clock.read(offset, speaks_for=lambda: spoken_for[0])

    assert told(read(20_000)) == []
    assert told(read(20_000)) == []
    spoken_for[0] = None
    assert told(read(20_000)) == FIRING
    spoken_for[0] = "reference_suspect"
    assert told(read(20_000)) == []  # it has been told, and goes on
    assert [pair for _ in range(4) for pair in told(read(0))] == RESOLVED


def test_what_was_never_told_is_never_resolved() -> None:
    clock = Clock()
    clock.read(20_000, speaks_for=lambda: "reference_suspect")
    assert [told(clock.read(0)) for _ in range(5)] == [[], [], [], [], []]
    assert clock.state is not None
    assert clock.state.episodes == {}


def alert(judgement: Judgement, number: int = 0) -> DriftAlert:
    """The message, as the contract has it."""
    transition = judgement.transitions[number]
    document = of_reading(judgement.facts, transition, judgement.facts.at_us)
    return DriftAlert(**document, ruleset_revision=1, source=SourceRef(topic="t", partition=0, offset=0))


def test_both_messages_of_an_episode_share_id_key_and_peak() -> None:
    clock = Clock()
    begun = alert(clock.read(20_000, event_id="11111111-1111-1111-1111-111111111111"))
    clock.read(-90_000)
    ended = alert(clock.offsets(0, 0, 0, 0))
    assert begun.alert_id == ended.alert_id
    assert begun.dedup_key == ended.dedup_key == "api-gateway|NTP|offset"
    assert (begun.occurrences, ended.occurrences) == (1, 6)
    assert (begun.peak_offset_microseconds, ended.peak_offset_microseconds) == (20_000, -90_000)
    assert begun.ends_at is None
    assert ended.ends_at is not None
    assert (ended.ends_at - begun.starts_at).total_seconds() == 100


def test_the_id_comes_from_the_reading_that_began_it() -> None:
    first, second = (alert(Clock().read(20_000)).alert_id for _ in range(2))
    other = alert(Clock().read(20_000, event_id="11111111-1111-1111-1111-111111111111")).alert_id
    assert first == second != other


def test_the_alert_says_all_that_is_known() -> None:
    clock = Clock(
        root_delay_microseconds=1_000.0, root_dispersion_microseconds=200.0, stratum=2, reference_id="A9FEA97B"
    )
    clock.offsets(*range(1_000, 8_000, 1_000))
    said = alert(clock.read(-12_345))
    assert said.text == "api-gateway (NTP) is 12.345 ms slow; the threshold is 10 ms"
    assert (said.direction, said.excess_microseconds, said.threshold_microseconds) == ("slow", 2_345, 10_000)
    assert said.bound_microseconds == 12_345 + 200 + 500
    # A clock that is slow by 12.345 ms shows a time that was true 12.345 ms later.
    shown_us = NOW_US + 160 * SECOND
    assert said.earliest_at is not None
    assert said.latest_at is not None
    assert round(said.earliest_at.timestamp() * 1e6) == shown_us + 12_345 - 700
    assert round(said.latest_at.timestamp() * 1e6) == shown_us + 12_345 + 700
    assert (said.previous_offset_microseconds, said.trend) == (7_000, "diverging")
    assert (said.stratum, said.reference_id, said.root_delay_microseconds) == (2, "A9FEA97B", 1_000.0)
    assert (said.standard_code, said.standard_version, said.runbook) == ("CLK-OFFSET", 1, "docs/clocks.md#clk-offset")


def test_a_prediction_says_when() -> None:
    clock = Clock()
    clock.offsets(*range(0, 700, 100))
    said = alert(clock.read(700))
    assert said.kind == "predicted_crossing"
    assert said.eta_seconds == pytest.approx(1860)
    assert said.rate_ppm == pytest.approx(5)
    assert said.text.startswith("api-gateway (NTP): a crossing of the threshold to come: +5.000 ppm: crosses in 1860 s")


def columns(state: ClockState) -> dict[str, Any]:
    names = ("last_sync_at_us", "arrived_us", "offset_microseconds", "bound_microseconds", "status", "certainty")
    return {name: getattr(state, name) for name in (*names, "event_id", "source")}


def test_memory_holds_the_whole_state() -> None:
    root = {"root_delay_microseconds": 900.0, "root_dispersion_microseconds": 300.0}
    clock = Clock(stratum=2, leap_status="normal", reference_id="GPS", rtt_microseconds=5.0, **root)
    begun = clock.read(0)
    clock.offsets(50_000, 50_100, leap_status="normal")
    state = clock.state
    assert state is not None
    assert state.steps
    assert state.episodes
    assert state.since_us == begun.facts.at_us
    assert state_from_memory(state.memory(), **columns(state)) == state


def test_memory_of_an_older_version_lacks_what_is_younger() -> None:
    clock = Clock(root_delay_microseconds=900.0)
    clock.read(0)
    assert clock.state is not None
    memory = {name: value for name, value in clock.state.memory().items() if name not in ("since_us", "root")}
    state = state_from_memory(memory, **columns(clock.state))
    assert (state.since_us, state.root_delay_microseconds) == (0, None)


def test_an_alert_that_time_brings_tells_what_the_clock_said_last() -> None:
    told_by_it = {
        "stratum": 2, "leap_status": "normal", "reference_id": "GPS",
        "root_delay_microseconds": 900.0, "root_dispersion_microseconds": 300.0,
    }  # fmt: skip
    clock = Clock(**told_by_it)
    clock.offsets(*range(0, 800, 100))
    assert clock.state is not None
    now_us = clock.state.arrived_us + 61 * SECOND
    judged = judge_silence("api-gateway", "NTP", clock.state, now_us, DEFAULT_LIMITS)
    assert judged is not None
    alert = of_state("api-gateway", "NTP", clock.state, judged[1], now_us, DEFAULT_LIMITS)
    assert {name: alert[name] for name in told_by_it} == told_by_it
    assert (alert["offset_microseconds"], alert["previous_offset_microseconds"]) == (700, 600)
    assert alert["rate_ppm"] == pytest.approx(5.0)


def test_an_alert_of_the_first_version_goes_on() -> None:
    clock = Clock()
    begun = clock.read(20_000).transitions[0].episode
    old = {name: getattr(begun, name) for name in ("alert_id", "kind", "severity", "starts_at_us", "occurrences")}
    old["peak_offset_microseconds"] = 20_000
    assert clock.state is not None
    clock.state = state_before_memory(old, **columns(clock.state))
    assert told(clock.read(20_000)) == []
    ended = clock.offsets(0, 0, 0, 0)
    assert told(ended) == RESOLVED
    assert ended.transitions[0].episode.alert_id == begun.alert_id


def test_limits_are_numbers_and_not_code() -> None:
    clock = Clock(replace(DEFAULT_LIMITS, clear_readings=1, clear_seconds=0.0))
    assert [told(clock.read(offset)) for offset in (20_000, 0)] == [FIRING, RESOLVED]
