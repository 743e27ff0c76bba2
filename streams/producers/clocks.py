"""One reading of this machine's clock: from chrony where it runs and is synchronised, else from the kernel.

Both report what is still to be corrected: positive means that the clock must be advanced, so it is slow. Our
`offset_microseconds` is the clock's error, positive when it is fast: the sign turns round.
"""

import ctypes
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from schemas import ClockReading
from schemas.events import LeapStatus
from schemas.fields import TIMESTAMP_MAX, TIMESTAMP_MIN
from streams.errors import UserError
from streams.producers import build

BY_HAND = "give the reading by hand with --offset-microseconds"
_TIMEOUT_SECONDS = 10
_TRACKING_FIELDS = 14
_LEAP: dict[str, LeapStatus] = {
    "Normal": "normal",
    "Insert second": "insert",
    "Delete second": "delete",
    "Not synchronised": "unsynchronised",
}
_MOST_MICROSECONDS = 1e15
"""The contract's bound of a span; nothing that counts as a clock has a larger error."""

_STA_INS, _STA_DEL, _STA_UNSYNC, _STA_NANO = 0x10, 0x20, 0x40, 0x2000
_TIME_ERROR = 5


class Timex(ctypes.Structure):
    """`struct timex` of Linux, up to its padding."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance", "seconds", "fraction", "tick")),
        *((name, ctypes.c_long) for name in ("ppsfreq", "jitter")),
        ("shift", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("stabil", "jitcnt", "calcnt", "errcnt", "stbcnt")),
        ("tai", ctypes.c_int),
        ("padding", ctypes.c_int * 11),
    )


def read_clock(component_name: str) -> ClockReading:
    """Read the clock of this machine; raises UserError where nothing can be asked."""
    line = _chrony_tracking()
    if line is not None:
        reading = parse_tracking(line, component_name)
        if reading.leap_status != "unsynchronised":
            return reading
    return reading_of_timex(component_name, *_adjtimex())


def parse_tracking(line: str, component_name: str) -> ClockReading:
    """The reading in the one line that `chronyc -c tracking` prints; raises UserError when it is none."""
    parts = line.strip().split(",")
    if len(parts) != _TRACKING_FIELDS:
        raise UserError(f"chronyc -c tracking: has {len(parts)} fields and not {_TRACKING_FIELDS}: {BY_HAND}")
    try:
        reference, stratum, synced_at = parts[0], int(parts[2]), _instant(parts[3])
        slow_by, delay, dispersion = (float(parts[index]) * 1e6 for index in (4, 10, 11))
        offset = -round(slow_by)
    except (ValueError, OverflowError) as error:
        raise UserError(f"chronyc -c tracking: {error}: {BY_HAND}") from None
    if parts[13] not in _LEAP:
        raise UserError(f"chronyc -c tracking: leap status {parts[13]!r} is unknown: {BY_HAND}")
    return build(
        ClockReading,
        "chronyc -c tracking",
        event_id=str(uuid4()),
        component_name=component_name,
        protocol="NTP",
        offset_microseconds=offset,
        last_sync_at=synced_at,
        stratum=stratum,
        root_delay_microseconds=_span(delay),
        root_dispersion_microseconds=_span(dispersion),
        leap_status=_LEAP[parts[13]],
        reference_id=reference or None,
    )


def reading_of_timex(component_name: str, state: int, timex: Timex) -> ClockReading:
    """The reading in what `adjtimex` returned and filled in.

    The protocol is NTP, whoever steers the clock: these are the variables of the kernel's NTP discipline, and
    a component that chrony cannot vouch for must stay the same clock, or an alert that begins with one source
    would never end with the other. `maxerror` is what the discipline calls root distance: dispersion and half
    the delay in one, so that no delay is given beside it. When it last was set right the kernel does not know.
    """
    offset = round(timex.offset / 1000) if timex.status & _STA_NANO else timex.offset
    leap: LeapStatus = "normal"
    if state == _TIME_ERROR or timex.status & _STA_UNSYNC:
        leap = "unsynchronised"
    elif timex.status & _STA_INS:
        leap = "insert"
    elif timex.status & _STA_DEL:
        leap = "delete"
    return build(
        ClockReading,
        "adjtimex",
        event_id=str(uuid4()),
        component_name=component_name,
        protocol="NTP",
        offset_microseconds=-offset,
        root_dispersion_microseconds=_span(timex.maxerror),
        leap_status=leap,
    )


def _instant(text: str) -> datetime | None:
    """Seconds since the epoch, to the microsecond; 0 and what a TIMESTAMP cannot hold mean never."""
    seconds, _, fraction = text.partition(".")
    microseconds = int(f"{fraction:0<6}"[:6])
    if not TIMESTAMP_MIN.timestamp() <= int(seconds) <= TIMESTAMP_MAX.timestamp():
        return None
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=microseconds)


def _span(microseconds: float) -> float:
    return min(max(float(microseconds), 0.0), _MOST_MICROSECONDS)


def _chrony_tracking() -> str | None:
    """What chronyc says; None where it is not installed or its daemon does not answer."""
    try:
        done = subprocess.run(
            ["chronyc", "-c", "tracking"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout.strip() else None


def _adjtimex() -> tuple[int, Timex]:
    if not sys.platform.startswith("linux"):
        raise UserError(f"clock: neither chronyc nor Linux's adjtimex is here: {BY_HAND}")
    timex = Timex()  # modes = 0: read only, which needs no privilege
    library: Any = ctypes.CDLL(None, use_errno=True)
    state = library.adjtimex(ctypes.byref(timex))
    if state < 0:
        raise UserError(f"clock: adjtimex is refused: {os.strerror(ctypes.get_errno())}: {BY_HAND}")
    return state, timex
