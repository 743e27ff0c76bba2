"""C12: clocks of one protocol held against each other.

    outlier            |offset - median of the others| > 0.8 thr
    reference_suspect  more than half are outliers (they follow two truths), or more than half are beyond thr on the
                       same side and agree with each other: then it is not they that moved

At least three fresh clocks are needed. Of an even number of others there are two medians: a clock is an outlier
only to both, or one bad clock of three would make outliers of the two good ones.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

OUTLIER_FRACTION = 0.8
LEAST_CLOCKS = 3
LONGEST_POLL_SECONDS = 1100.0
"""A daemon says when it last heard of its source, and asks it at the least every 1024 s."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One clock as its peers are judged."""

    offset_microseconds: int
    at_us: int
    fresh_seconds: float
    """How long its reading counts as fresh."""


@dataclass(frozen=True, slots=True)
class PeerVerdict:
    """What the clocks of a protocol say of each other."""

    clocks: int
    median_microseconds: float
    distances: Mapping[str, float]
    """How far each clock is from the nearer median of the others."""
    outliers: frozenset[str]
    suspect: Literal["split", "moved"] | None
    moved: frozenset[str] = frozenset()
    """The clocks that moved together."""


def fresh(peers: Mapping[str, Peer]) -> dict[str, int]:
    """The offsets of the clocks whose readings are fresh beside the newest of all."""
    newest_us = max((peer.at_us for peer in peers.values()), default=0)
    return {
        name: peer.offset_microseconds
        for name, peer in peers.items()
        if newest_us - peer.at_us <= max(peer.fresh_seconds, LONGEST_POLL_SECONDS) * 1e6
    }


def judge_peers(offsets: Mapping[str, int], threshold: int) -> PeerVerdict | None:
    """Hold the clocks against each other; None if there are too few."""
    if len(offsets) < LEAST_CLOCKS:
        return None
    ordered = sorted(offsets.values())
    distances = {name: _distance(offset, ordered) for name, offset in offsets.items()}
    allowed = OUTLIER_FRACTION * threshold
    outliers = frozenset(name for name, distance in distances.items() if distance > allowed)
    moved = _moved_together(offsets, threshold)
    half = len(offsets) / 2
    suspect: Literal["split", "moved"] | None = None
    if len(outliers) > half:
        suspect = "split"
    elif len(moved) > half:
        suspect = "moved"
    together = moved if suspect == "moved" else frozenset()
    return PeerVerdict(len(offsets), median(ordered), distances, outliers, suspect, together)


def _distance(offset: int, ordered: Sequence[int]) -> float:
    """From an offset to the nearer median of the others; `ordered` holds all of them, sorted."""
    place, others = bisect_left(ordered, offset), len(ordered) - 1
    low, high = (ordered[middle + (middle >= place)] for middle in ((others - 1) // 2, others // 2))
    return max(low - offset, offset - high, 0)


def _moved_together(offsets: Mapping[str, int], threshold: int) -> frozenset[str]:
    best: frozenset[str] = frozenset()
    for sign in (1, -1):
        beyond = {name: offset for name, offset in offsets.items() if sign * offset > threshold}
        if len(beyond) < 2:
            continue
        middle = median(beyond.values())
        agree = frozenset(n for n, offset in beyond.items() if abs(offset - middle) <= OUTLIER_FRACTION * threshold)
        best = max(best, agree, key=len)
    return best
