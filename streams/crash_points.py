"""Named moments at which a worker dies on request, to see that nothing is lost there: `COCKPIT_CRASH_POINT`.

Death is SIGKILL, as by the kernel's out-of-memory killer: nothing is flushed, rolled back or said.
"""

import os
import signal

POINTS = (
    "after_decode",
    "in_transaction",
    "after_commit",
    "after_announce",
    "before_offset_commit",
    "after_offset_commit",
)
"""In the order of a batch's way. `in_transaction`: the server has begun, and whether it commits is not known."""

_armed = ""
_passes = 0


def arm(wish: str) -> None:
    """Die at `NAME`, or with `NAME:3` after it was passed three times; an empty wish disarms."""
    global _armed, _passes
    _armed, _, passes = wish.partition(":")
    _passes = int(passes or 0)


def reach(name: str) -> None:
    """Where the code is now; one comparison while nothing is armed."""
    if name == _armed:
        _die()


def _die() -> None:
    global _passes
    if _passes == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    _passes -= 1
