"""Which offset may be committed: pure arithmetic over whole batches."""

from collections.abc import Collection


def committable(acknowledged: Collection[int], oldest_unacknowledged: int | None) -> int | None:
    """The offset to commit for one partition, or None if there is nothing new to commit.

    Args:
        acknowledged: last offsets of the batches that are acknowledged and not yet committed.
        oldest_unacknowledged: last offset of the oldest batch that is being worked on, or None.

    Returns:
        One past the newest acknowledged batch that no unacknowledged batch precedes. Offsets between two
        batches (compacted away, or control records of a transaction) belong to the later batch.
    """
    finished = [offset for offset in acknowledged if oldest_unacknowledged is None or offset < oldest_unacknowledged]
    return max(finished) + 1 if finished else None
