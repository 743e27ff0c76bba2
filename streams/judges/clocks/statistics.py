"""Line, scatter and interval of a clock's last readings, and how numbers are shown. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt
from statistics import median

from streams.judges.clocks.state import Point

_LEAST_READINGS_OF_A_LINE = 3


@dataclass(frozen=True, slots=True)
class Line:
    """The straight line through a window of readings, by least squares."""

    rate_ppm: float
    """Its slope: microseconds a second are parts in a million."""
    scatter_microseconds: float
    """Standard deviation of the offsets about the line."""
    span_seconds: float
    significance: float
    """The slope over its standard error."""


def line_through(points: Sequence[Point]) -> Line | None:
    """The line, or None while there are too few readings or all were taken at one moment."""
    count = len(points)
    if count < _LEAST_READINGS_OF_A_LINE:
        return None
    seconds = [(point.at_us - points[0].at_us) / 1e6 for point in points]
    offsets = [float(point.offset_microseconds) for point in points]
    mean_t, mean_y = sum(seconds) / count, sum(offsets) / count
    spread = sum((t - mean_t) ** 2 for t in seconds)
    if spread == 0:
        return None
    slope = sum((t - mean_t) * (y - mean_y) for t, y in zip(seconds, offsets, strict=True)) / spread
    residue = sum((y - mean_y - slope * (t - mean_t)) ** 2 for t, y in zip(seconds, offsets, strict=True))
    error = sqrt(residue / (count - 2) / spread)
    significance = abs(slope) / error if error > 0 else inf if slope else 0.0
    return Line(slope, sqrt(residue / (count - 2)), max(seconds) - min(seconds), significance)


def scatter_microseconds(points: Sequence[Point]) -> float | None:
    """Sample standard deviation of the offsets, less what a steady drift explains; None for fewer than two."""
    if len(points) < 2:
        return None
    offsets = [point.offset_microseconds for point in points]
    mean = sum(offsets) / len(offsets)
    plain = sqrt(sum((offset - mean) ** 2 for offset in offsets) / (len(offsets) - 1))
    line = line_through(points)
    return plain if line is None else min(plain, line.scatter_microseconds)


def plain(value: float) -> str:
    """A number as a person compares it: to the thousandth, all digits, no exponent."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def usual_interval_seconds(points: Sequence[Point]) -> float | None:
    """Median time between arrivals; None before the second."""
    gaps = [(later.arrived_us - earlier.arrived_us) / 1e6 for earlier, later in pairwise(points)]
    return median(gaps) if gaps else None
