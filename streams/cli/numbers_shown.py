"""Numbers of evidence as a person reads them: moments as dates, spans as seconds, beside the number itself."""

from typing import Any

from streams.cli.terminal import plain
from streams.times import from_microseconds

_SPANS = frozenset(
    {
        "allowed_ns",
        "back_ns",
        "ctime_delta_ns",
        "delta_ns",
        "forth_ns",
        "margin_ns",
        "mtime_delta_ns",
        "offset_ns",
        "precision_ns",
        "previous_fraction_ns",
        "step_ns",
        "uncertainty_ns",
    }
)
"""Of the numbers of nanoseconds those that are a length of time; the others are moments."""


def shown(name: str, value: Any) -> str:
    """A value by its name: `mtime_ns` as `1795650362677503123 (2026-11-25T23:46:02.677503123Z)`."""
    if isinstance(value, int) and not isinstance(value, bool):
        if name in _SPANS:
            return f"{value} ({_seconds(value)} s)"
        if name.endswith("_ns"):
            return f"{value}{_moment(value)}"
        if name.endswith("_us"):
            return f"{value}{_moment(value * 1000)}"
    return plain(value)


def _seconds(nanoseconds: int) -> str:
    sign, (whole, rest) = "-" if nanoseconds < 0 else "", divmod(abs(nanoseconds), 1_000_000_000)
    return f"{sign}{whole:,}" + (f".{rest:09}".rstrip("0") if rest else "")


def _moment(nanoseconds: int) -> str:
    """In brackets; nothing for what lies outside of the years that a date can have."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        moment = from_microseconds(seconds * 1_000_000)
    except OverflowError:
        return ""
    return f" ({moment:%Y-%m-%dT%H:%M:%S}.{rest:09}Z)" if moment.year >= 1000 else ""
