"""What no reading tells: silence (C9), and clocks beside each other (C12)."""

import pytest

from streams.judges.clocks import DEFAULT_LIMITS
from streams.judges.clocks.peers import Peer, fresh, judge_peers
from streams.judges.clocks.silence import bound_at, judge_silence, ptp_state
from streams.judges.clocks.state import ClockState
from tests.unit.judges.clocks import SECOND, Clock, told
from tests.unit.records import NOW_US

HEARD_US = NOW_US + 1_000 * SECOND


def heard(offset: int = 0, interval: float = 20, count: int = 4, dispersion: float | None = None) -> ClockState:
    """A clock whose last reading came at HEARD_US, as often as this before."""
    clock = Clock(root_dispersion_microseconds=dispersion)
    for number in range(count):
        clock.read(offset, at=1_000 - (count - 1 - number) * interval)
    assert clock.state is not None
    return clock.state


@pytest.mark.parametrize(
    ("state", "seconds", "reason"),
    [
        (heard(interval=1), 60, None),
        (heard(interval=1), 60.1, "silent"),
        (heard(interval=20), 60, None),
        (heard(interval=30), 90, None),
        (heard(interval=30), 90.1, "silent"),
        (heard(count=1), 60.1, "silent"),  # its rhythm is not known
        (heard(interval=300), 666, None),
        (heard(interval=300), 667, "bound"),  # 15 ppm of 667 s are 10 ms
        (heard(interval=300, offset=9_000), 450, None),  # 67 s would do, and it speaks every 300 s
        (heard(interval=300, offset=9_000), 451, "bound"),
        (heard(interval=300, dispersion=11_000.0), 899, None),  # was never within its bound
        (heard(interval=300, dispersion=11_000.0), 901, "silent"),
        (heard(interval=20, offset=50_000), 59, None),
    ],
)
def test_silence(state: ClockState, seconds: float, reason: str | None) -> None:
    judged = judge_silence("api", "NTP", state, HEARD_US + round(seconds * SECOND), DEFAULT_LIMITS)
    found = judged[1].condition if judged else None
    assert (found.evidence["reason"] if found else None) == reason


def test_silence_is_told_once_and_ends_with_the_next_reading() -> None:
    clock = Clock()
    clock.offsets(0, 0, 0)
    assert clock.state is not None
    now_us = clock.state.arrived_us + 61 * SECOND
    judged = judge_silence("api-gateway", "NTP", clock.state, now_us, DEFAULT_LIMITS)
    assert judged is not None
    clock.state, begun = judged
    assert judge_silence("api-gateway", "NTP", clock.state, now_us + 999 * SECOND, DEFAULT_LIMITS) is None
    ended = clock.read(at=clock.seconds + 300)
    assert told(ended) == [("stale", "resolved")]
    assert ended.transitions[0].episode.alert_id == begun.episode.alert_id
    assert told(clock.read()) == []


def test_the_id_of_a_silence_is_that_of_the_last_arrival() -> None:
    """Two workers that look at different moments tell the same alert."""
    state = heard()
    first, second = (judge_silence("a", "NTP", state, HEARD_US + s * SECOND, DEFAULT_LIMITS) for s in (61, 75))
    assert first is not None
    assert second is not None
    assert first[1].episode.alert_id == second[1].episode.alert_id
    assert first[1].episode.starts_at_us == second[1].episode.starts_at_us == HEARD_US + 60 * SECOND


def test_the_bound_grows_with_silence() -> None:
    assert bound_at(heard(offset=-100), HEARD_US + 1_000 * SECOND, DEFAULT_LIMITS) == pytest.approx(15_100)


@pytest.mark.parametrize(
    ("seconds", "offset", "state"),
    [
        (0, 0, "locked"),
        (60, 0, "locked"),
        (61, 0, "holdover"),
        (84, 0, "holdover"),
        (85, 0, "freerun"),
        (0, 20_000, "freerun"),
    ],
)
def test_ptp_holds_over_and_runs_free(seconds: int, offset: int, state: str) -> None:
    assert ptp_state(heard(offset=offset), HEARD_US + seconds * SECOND, DEFAULT_LIMITS) == state


@pytest.mark.parametrize(
    ("offsets", "outliers", "suspect"),
    [
        ([0, 0], None, None),  # too few
        ([0, 50_000], None, None),
        ([0, 0, 0], [], None),
        ([0, 0, 8_000], [], None),
        ([0, 0, 8_001], [2], None),
        ([0, 0, -8_001], [2], None),
        ([0, 100, 8_050], [], None),  # nearer than 8 ms to one of the two medians of the others
        ([0, 0, 30_000], [2], None),
        ([0, 100, 200, 30_000], [3], None),
        ([0, 0, 0, 30_000, 30_000], [3, 4], None),
        ([0, 20_000, 40_000], [0, 2], "split"),
        ([0, 0, 30_000, 30_000], [0, 1, 2, 3], "split"),
        ([20_000, 20_000, 20_000], [], "moved"),
        ([-20_000, -21_000, -22_000], [], "moved"),
        ([10_000, 10_000, 10_000], [], None),  # none is beyond the threshold
        ([10_001, 10_001, 10_000], [], "moved"),
        ([20_000, 20_000, 0, 0], [0, 1, 2, 3], "split"),
        ([20_000, 20_000, 20_000, 0], [3], "moved"),
        ([20_000, 20_000, 0, 0, 0], [0, 1], None),  # two of five
        ([20_000, -20_000, 20_000, -20_000, 0], [0, 1, 2, 3], "split"),
    ],
)
def test_peers(offsets: list[int], outliers: list[int] | None, suspect: str | None) -> None:
    verdict = judge_peers({str(number): offset for number, offset in enumerate(offsets)}, 10_000)
    assert (sorted(map(int, verdict.outliers)) if verdict else None) == outliers
    assert (verdict.suspect if verdict else None) == suspect


def test_only_the_clocks_that_moved_together_are_spoken_for() -> None:
    verdict = judge_peers({"a": 20_000, "b": 20_500, "c": 21_000, "d": 90_000, "e": 0}, 10_000)
    assert verdict is not None
    assert (verdict.suspect, sorted(verdict.moved)) == ("moved", ["a", "b", "c"])


def test_clocks_of_another_day_are_no_peers() -> None:
    peers = {"now": Peer(0, NOW_US, 60.0), "poll": Peer(1, NOW_US - 1_024 * SECOND, 60.0)}
    assert fresh(peers | {"before": Peer(2, NOW_US - 1_101 * SECOND, 60.0)}) == {"now": 0, "poll": 1}
    assert fresh({}) == {}
