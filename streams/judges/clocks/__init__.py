"""Whether a clock can be trusted. Pure: no look at a clock, no I/O; the numbers and the time come in as arguments.

    limits.py      the numbers, per protocol             state.py       what is remembered of a clock
    facts.py       one reading beside its past           statistics.py  line and scatter of the last eight
    rules.py       the rules of a reading                episodes.py    how an alert begins, is held, and ends
    judgement.py   one reading judged by all of them     silence.py     a clock that says nothing
    peers.py       clocks against each other             alerts.py      what an alert says

A reading's own status:

    error          the clock says itself that it is not synchronised (leap status, or NTP stratum 0 or 16 and more)
    drifting       |offset| > threshold; of a browser |offset| - rtt/2 > threshold
    synchronized   otherwise
"""

from streams.judges.clocks.episodes import Transition
from streams.judges.clocks.judgement import Arrival, Judgement, judge_reading
from streams.judges.clocks.limits import DEFAULT_LIMITS, Limits, ProtocolLimits
from streams.judges.clocks.state import STATUSES, ClockState, Episode, Kind, Status

__all__ = [
    "DEFAULT_LIMITS",
    "STATUSES",
    "Arrival",
    "ClockState",
    "Episode",
    "Judgement",
    "Kind",
    "Limits",
    "ProtocolLimits",
    "Status",
    "Transition",
    "judge_reading",
]
