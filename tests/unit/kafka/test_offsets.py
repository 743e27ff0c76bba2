import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.offsets import committable


@pytest.mark.parametrize(
    ("acknowledged", "oldest_unacknowledged", "expected"),
    [
        ([], None, None),
        ([], 9, None),
        ([9], None, 10),
        ([0], None, 1),  # a batch of the single record at offset 0
        ([9, 19, 29], None, 30),
        ([29, 9, 19], None, 30),  # acknowledged out of order
        ([29], 19, None),  # an earlier batch is still being worked on
        ([9, 29], 19, 10),
        ([9, 19, 39], 29, 20),
        ([9, 19], 1000, 20),
    ],
)
def test_commits_end_before_the_oldest_unfinished_batch(
    acknowledged: list[int], oldest_unacknowledged: int | None, expected: int | None
) -> None:
    assert committable(acknowledged, oldest_unacknowledged) == expected


@given(st.sets(st.integers(0, 10_000), max_size=50), st.sets(st.integers(0, 10_000), max_size=50))
def test_nothing_unacknowledged_is_ever_passed(acknowledged: set[int], unacknowledged: set[int]) -> None:
    acknowledged -= unacknowledged
    offset = committable(acknowledged, min(unacknowledged, default=None))
    if offset is not None:
        assert offset - 1 in acknowledged
        assert all(last >= offset for last in unacknowledged)
