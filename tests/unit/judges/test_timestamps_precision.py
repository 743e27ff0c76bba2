"""How fine a volume's stamps are, learnt from them; and the fast way past files against the slow one."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.judges.clocks.state import ClockState, Step
from streams.judges.host_clock import UNKNOWN_CLOCK, host_clock
from streams.judges.timestamps import VolumePrecision, judge_capture
from streams.judges.timestamps.judgement import found_in, is_unremarkable
from streams.judges.timestamps.precision import GRAINS_NS, continued, grain_ns
from streams.judges.timestamps.records import Case
from streams.judges.timestamps.siblings import Siblings
from streams.times import from_microseconds
from tests.unit.judges.timestamps import (
    BUILTINS,
    DAY,
    HOUR,
    MINUTE,
    NOW_NS,
    NOW_US,
    P_NS,
    SECOND,
    SHA,
    WHOLE,
    C,
    before,
    capture,
    codes,
    file,
)  # fmt: skip


@pytest.mark.parametrize(
    ("time_ns", "grain"),
    [
        (5 * SECOND, SECOND), (-SECOND, SECOND), (5 * SECOND + 10**7, 10**7), (5 * SECOND + 10**6, 10**6),
        (5 * SECOND + 1000, 1000), (5 * SECOND + 1, 1), (5 * SECOND + 100, 1),
    ],
)  # fmt: skip
def test_a_records_own_grain_is_read_from_its_zeros(time_ns: int, grain: int) -> None:
    assert grain_ns(time_ns) == grain


@pytest.mark.parametrize(
    ("ctimes", "learnt"),
    [
        ([WHOLE] * 50, {1: SECOND}),
        ([WHOLE] * 49, {}),
        ([C] + [WHOLE] * 50, {1: SECOND}),
        ([WHOLE] * 50 + [C], {}),
        ([WHOLE + 10**7] + [WHOLE] * 49, {1: 10**7}),
        ([WHOLE + 1000] * 25 + [WHOLE] * 25, {1: 1000}),
        ([WHOLE] * 25 + [WHOLE + 1000] * 25, {1: 1000}),
    ],
)
def test_fifty_ctimes_in_a_row_tell_a_volume_s_grain(ctimes: list[int], learnt: dict[int, int]) -> None:
    files = [file(ctime_ns=ctime, device=1) for ctime in ctimes]
    assert VolumePrecision().learn("host", "ext4", files) == learnt
    one_by_one = VolumePrecision()
    for each in files:
        last = one_by_one.learn("host", "ext4", [each])
    assert last == learnt


@given(st.lists(st.sampled_from([WHOLE, WHOLE + 10**7, WHOLE + 10**6, WHOLE + 1000, C]), min_size=1, max_size=120))
def test_runs_are_counted_as_one_would_by_hand(ctimes: list[int]) -> None:
    for grain, run in zip(GRAINS_NS, continued((0, 0, 0, 0), ctimes), strict=True):
        by_hand = next((n for n, ctime in enumerate(reversed(ctimes)) if ctime % grain), len(ctimes))
        assert (run >= 50) == (by_hand >= 50)
        assert run == min(50, by_hand) or run < by_hand <= 50 or by_hand >= 50


def test_volumes_are_kept_apart_and_bounded() -> None:
    precision = VolumePrecision(volumes=2)
    coarse = [file(ctime_ns=WHOLE, device=1)] * 50
    assert precision.learn("host", "ext4", [*coarse, file(device=2)]) == {1: SECOND}
    assert precision.learn("other", "ext4", coarse[:1]) == {}
    assert precision.learn("third", "ext4", coarse[:1]) == {}
    assert precision.learn("host", "ext4", coarse[:1]) == {}  # forgotten


def test_a_coarse_volume_widens_margins_and_silences_signs() -> None:
    coarse: dict[int | None, int] = {1: SECOND}
    later = file(mtime_ns=C + SECOND, device=1)
    assert codes(later) == {"TS-MTIME-AFTER-CTIME": "high"}
    assert codes(later, learned_ns=coarse) == {}
    touched = file(mtime_ns=WHOLE - DAY, atime_ns=WHOLE - DAY, device=1)
    assert "TS-TOUCH-BOTH" in codes(touched)
    assert codes(touched, learned_ns=coarse) == {}
    assert "TS-TOUCH-BOTH" in codes(touched, learned_ns={1: 1000})


def test_the_clock_of_a_host_is_its_newest_reading_and_the_steps_of_all() -> None:
    ntp = ClockState(100, 100, 100, -400, 900.0, "drifting", steps=(Step(90, 80, -700),))
    ptp = ClockState(50, 50, 50, 1, 2.0, "synchronized", steps=(Step(40, 30, 600),))
    clock = host_clock([ntp, ptp])
    assert (clock.read_at_us, clock.offset_ns, clock.bound_ns, clock.tag) == (100, -400_000, 900_000, "clock_drifting")
    assert [step.step_ns for step in clock.steps] == [600_000, -700_000]
    assert host_clock([]) is UNKNOWN_CLOCK
    unbounded = ClockState(100, 100, 100, -400, 0.0, "synchronized")
    assert host_clock([unbounded]).bound_ns == 400_000


times = st.sampled_from(
    [0, DAY, SECOND, WHOLE, WHOLE - MINUTE * 3, C, C - 1, C + 1, C + 2, C - 3 * MINUTE, C - 91 * DAY,
     P_NS, P_NS + MINUTE + 3, P_NS - 2 * SECOND - 3, NOW_NS, NOW_NS + 2 * SECOND, NOW_NS - 5]
)  # fmt: skip
maybe_times = st.one_of(st.none(), times)
commits = st.one_of(
    st.none(), st.sampled_from([C, P_NS, NOW_NS + 5 * SECOND]).map(lambda ns: from_microseconds(ns // 1000))
)
records = st.fixed_dictionaries(
    {"atime_ns": times, "mtime_ns": times, "ctime_ns": times, "birthtime_ns": maybe_times, "git_committed_at": commits,
     "size_bytes": st.sampled_from([None, 1, 2]), "sha256": st.sampled_from([None, SHA]),
     "inode": st.sampled_from([None, 7, 8]), "git_commit_sha": st.sampled_from([None, "c" * 40])}
)  # fmt: skip


@settings(max_examples=600)
@given(
    records,
    st.one_of(st.none(), records),
    st.sampled_from([P_NS, NOW_NS, NOW_NS + HOUR]),
    st.sampled_from(["/srv/a", "/tmp/a"]),
    st.one_of(st.none(), records),
)
def test_no_rule_finds_anything_in_a_file_that_is_passed_over(
    one: dict[str, Any], previous: dict[str, Any] | None, p_cap: int, path: str, sibling: dict[str, Any] | None
) -> None:
    files = [file(path, device=1, **one)]
    if sibling is not None:
        files.append(file("/srv/b" if path == "/srv/a" else "/tmp/b", device=2, **sibling))
    state = None if previous is None else before(p_cap, **previous)
    states = [state, None][: len(files)]
    shot = capture()
    siblings = Siblings(files, states, NOW_US)
    if is_unremarkable(files[0], shot.captured_ns, state, siblings.shared):
        case = Case(0, files[0], state, shot, siblings)
        assert [found for found in found_in(case) if not found.is_indeterminate] == []
        assert 0 not in judge_capture(files, states, shot, BUILTINS).findings
