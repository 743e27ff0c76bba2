"""How fine the stamps of a volume are: a second, ten milliseconds, one, a microsecond or a nanosecond.

A file system may keep whole seconds, and a collector may cut off what it cannot hold. Neither says so in the event,
so it is learnt: when the last fifty ctimes of a volume are all multiples of a grain, that is its grain. A single
record is never taken to be finer than the zeros at the end of its ctime, which only widens the margin.
"""

from collections.abc import Sequence

from schemas.events import FileTimes

GRAINS_NS = (1_000_000_000, 10_000_000, 1_000_000, 1_000)
"""From coarse to fine; each is a multiple of the next."""
LEARNT_FROM = 50

Volume = tuple[str, str | None, int | None]
"""Host, type of file system, device."""


def grain_ns(time_ns: int) -> int:
    """The coarsest grain that a time is a multiple of; 1 for most."""
    if time_ns % 1_000:
        return 1
    return next(grain for grain in GRAINS_NS if time_ns % grain == 0)


class VolumePrecision:
    """The grain of each volume, from the ctimes that came last; of too many volumes the first known are forgotten."""

    def __init__(self, volumes: int = 10_000) -> None:
        self._bound = volumes
        self._runs: dict[Volume, tuple[int, ...]] = {}

    def learn(self, host: str, filesystem_type: str | None, files: Sequence[FileTimes]) -> dict[int | None, int]:
        """Take in the ctimes of a capture; returns the grain of those of its devices of which enough is known.

        Of a volume with fine stamps nothing is kept: it is as if it had never been seen.
        """
        learnt: dict[int | None, int] = {}
        if len(files) == 1 and files[0].ctime_ns % 1_000:
            if self._runs:
                self._runs.pop((host, filesystem_type, files[0].device), None)
            return learnt
        ctimes_ns: dict[int | None, list[int]] = {}
        for file in files:
            ctimes_ns.setdefault(file.device, []).append(file.ctime_ns)
        for device, newest_ns in ctimes_ns.items():
            volume = (host, filesystem_type, device)
            runs = continued(self._runs.get(volume, _NOTHING), newest_ns)
            if runs == _NOTHING:
                self._runs.pop(volume, None)
                continue
            self._runs[volume] = runs
            known = [grain for grain, run in zip(GRAINS_NS, runs, strict=True) if run >= LEARNT_FROM]
            if known:
                learnt[device] = known[0]
        while len(self._runs) > self._bound:
            del self._runs[next(iter(self._runs))]
        return learnt


_NOTHING = (0,) * len(GRAINS_NS)


def continued(runs: Sequence[int], ctimes_ns: Sequence[int]) -> tuple[int, ...]:
    """How many of the last ctimes in a row are multiples of each grain, `ctimes_ns` being the newest of them.

    Looks from the newest back, no further than to one that is finer than all grains; nearly always that is the first.
    """
    counts = [0] * len(GRAINS_NS)
    unbroken = 0  # grains from this one on have held for all ctimes so far
    for ctime_ns in reversed(ctimes_ns):
        grain = grain_ns(ctime_ns)
        while unbroken < len(GRAINS_NS) and grain < GRAINS_NS[unbroken]:
            unbroken += 1
        if unbroken == len(GRAINS_NS) or counts[unbroken] >= LEARNT_FROM:
            break
        for index in range(unbroken, len(GRAINS_NS)):
            counts[index] += 1
    return tuple(
        min(LEARNT_FROM, count + (run if index >= unbroken else 0))
        for index, (count, run) in enumerate(zip(counts, runs, strict=True))
    )
