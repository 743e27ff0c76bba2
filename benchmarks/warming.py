"""Runs that count for nothing, until the broker's virtual machine has compiled what they make it do.

A broker of some minutes spends up to half a core on its compiler whenever a way through it is new, and whoever is
measured meanwhile pays for it. One in production has been running for weeks.
"""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

from benchmarks.disturbance import processor_seconds
from benchmarks.stack import Progress

_COMPILERS = ("C1 CompilerThre", "C2 CompilerThre")
"""HotSpot's threads, as the kernel cuts off their names."""
_SETTLED_PERCENT = 5.0
"""Of a core, over a run."""


def until_compiled(java_pid: int, run: Callable[[int], None], most_runs: int, progress: Progress) -> None:
    """Call `run` with 0, 1, … until the compiler has next to nothing to do during one of them."""
    for number in range(most_runs):
        before, started = _compiler_seconds(java_pid), monotonic()
        run(number)
        compiling = sum(seconds - before.get(thread, 0.0) for thread, seconds in _compiler_seconds(java_pid).items())
        percent = compiling / (monotonic() - started) * 100
        progress(f"warming up the servers: run {number + 1}, Kafka's compiler takes {percent:.0f} % of a core")
        if percent < _SETTLED_PERCENT:
            break


def _compiler_seconds(pid: int) -> dict[str, float]:
    """Seconds that each of the compiler's threads has taken, by its number; threads come and go."""
    seconds = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            name, stat = (thread / "comm").read_text().strip(), (thread / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it has ended since
            continue
        if name in _COMPILERS:
            seconds[thread.name] = processor_seconds(stat)
    return seconds
