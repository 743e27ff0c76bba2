"""How much of the machine was used by programs that have no part in a run: what makes its numbers worth less."""

import os
import resource
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

_TICKS = os.sysconf("SC_CLK_TCK")
LOUD_PERCENT = 10.0
"""From here on a run is said to be disturbed; interrupts of our own network traffic count as foreign too."""


class Disturbance:
    """Begins with its construction; counts the harness, its children, and the processes that are named."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._started = monotonic()
        self._before = _machine_seconds() - self._ours()

    def percent(self) -> float:
        """The time of others since then, as a share of all cores; a hypervisor's guests are others too."""
        others = _machine_seconds() - self._ours() - self._before
        cores = os.cpu_count() or 1
        return round(max(0.0, others) / (monotonic() - self._started) / cores * 100, 1)

    def _ours(self) -> float:
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages) + sum(map(_process_seconds, self._pids))


def _machine_seconds() -> float:
    """Seconds of all cores together that were not idle."""
    user, nice, system, _, _, *interrupts_and_stolen = map(int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + sum(interrupts_and_stolen)) / _TICKS


def _process_seconds(pid: int) -> float:
    return processor_seconds(Path(f"/proc/{pid}/stat").read_text())


def processor_seconds(stat: str) -> float:
    """What a process or a thread has taken of the processors, by its `stat` in /proc."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
