"""The newest record of each path, in the order of the captures, and what is known of the clocks of their hosts.

A path that the database may hold is looked up once a batch and then remembered within a bound; that most new paths are
new is told by a filter. What memory says is what the database will say once all plans are stored: a late capture
neither becomes the newest nor is held against a newer one, and of two captures of one moment the first one counts.
"""

import asyncio
from collections.abc import Sequence
from itertools import chain
from time import monotonic
from typing import NamedTuple

from schemas.events import FilesystemTimestamps
from streams.flows.known_paths import KnownPaths
from streams.flows.memory import Memory
from streams.identity import path_key
from streams.judges.host_clock import UNKNOWN_CLOCK, HostClock
from streams.judges.timestamps import FileState
from streams.plan import Record
from streams.store.recall import Recall
from streams.times import microseconds

_AHEAD_US = 3_600_000_000
"""A capture dated more than this after its arrival is stored and judged, but is no baseline: it would make
every later capture look late. Its rows have a key of their own, so that no look-up finds them either."""

_CLOCKS_FRESH_SECONDS = 1.0
_CLOCKS = 10_000
_CLOCKS_AT_ONCE = 100
"""While so few hosts are known, all of them are looked up in one query and not each when its turn comes, which at 500
events a second would be a query a batch."""
_LEAST_LOADED = 500
"""Path keys that are loaded along with a batch, until all are known: some 3 ms."""
_NEVER = (float("-inf"), UNKNOWN_CLOCK)
_MOST_LOOKED_BACK = 200
"""Paths of a batch whose older mtimes are looked up: a restore of a whole tree must not hold up the topic."""


class Foreseen(NamedTuple):
    """The keys of a batch, and what the database said of those that were not in memory."""

    keys_of: list[list[bytes]]
    """Of each event's files."""
    keys: list[bytes]
    found: dict[bytes, FileState]
    clocks: dict[str, HostClock]
    """Of the hosts whose clocks were not looked up lately."""
    forgettings: int
    """Of the memory, before it was asked."""


class FileHistory:
    """What the database knows of the paths and hosts of a batch, fetched in one round trip."""

    def __init__(self, recall: Recall, remembered_paths: int, unwritten_batches: int, known_paths: int) -> None:
        self._recall = recall
        self._known = KnownPaths(known_paths)
        self._newest: Memory[bytes, FileState] = Memory(remembered_paths, unwritten_batches)
        self._clocks: dict[str, tuple[float, HostClock]] = {}
        self._keys: dict[int, tuple[FilesystemTimestamps, list[bytes]]] = {}
        """By the identity of the batch's events."""

    async def foresee(self, events: Sequence[FilesystemTimestamps]) -> Foreseen:
        """What the database says now of these events' paths that memory does not know now, and of their hosts."""
        keys_of = [[path_key(event.host, file.file_path) for file in event.files] for event in events]
        forgettings, keys = self._newest.forgettings, self._newest.missing(chain.from_iterable(keys_of))
        hosts = self._stale_clocks(events)
        found, clocks, _ = await asyncio.gather(
            self._recall.newest_files(self._known.note(keys)),
            self._recall.host_clocks(hosts),
            self._known.load(self._recall.path_keys_after, max(_LEAST_LOADED, len(keys))),
        )
        known_clocks = {host: clocks.get(host, UNKNOWN_CLOCK) for host in hosts}
        return Foreseen(keys_of, keys, found, known_clocks, forgettings)

    async def recall(self, events: Sequence[FilesystemTimestamps], foreseen: Foreseen | None = None) -> None:
        """Look up what memory lacks of these events' paths and hosts.

        A path that was judged since it was foreseen has its newest record in memory, and perhaps only there.
        """
        self._newest.trim()
        if len(self._clocks) > _CLOCKS:
            self._clocks.clear()
        known = foreseen or await self.foresee(events)
        self._newest.fill(known.keys, known.found.get)
        if known.forgettings != self._newest.forgettings and (
            forgotten := self._newest.missing(chain.from_iterable(known.keys_of))
        ):
            self._newest.fill(forgotten, (await self._recall.newest_files(forgotten)).get)
        now = monotonic()
        self._clocks |= {host: (now, clock) for host, clock in known.clocks.items()}
        self._keys = {id(event): (event, keys) for event, keys in zip(events, known.keys_of, strict=True)}
        await self._look_further_back(events, known.keys_of)

    def _stale_clocks(self, events: Sequence[FilesystemTimestamps]) -> list[str]:
        """Hosts whose clocks are to be looked up: of these events, and along with them those that are next."""
        now = monotonic()
        hosts = dict.fromkeys(event.host for event in events)
        stale = [host for host in hosts if self._looked_up(host) < now - _CLOCKS_FRESH_SECONDS]
        if stale and len(self._clocks) <= _CLOCKS_AT_ONCE:
            soon = [host for host in self._clocks if self._looked_up(host) < now - _CLOCKS_FRESH_SECONDS / 2]
            stale = list(dict.fromkeys(stale + soon))
        return stale

    def _looked_up(self, host: str) -> float:
        return self._clocks.get(host, _NEVER)[0]

    async def _look_further_back(
        self, events: Sequence[FilesystemTimestamps], keys_of: Sequence[Sequence[bytes]]
    ) -> None:
        """For the few files whose mtime goes back: whether their path had that mtime before."""
        newest_of, wanted = self._newest.get, dict[tuple[bytes, int], None]()
        gone_back = [
            (event, file.mtime_ns, key, newest)
            for event, keys in zip(events, keys_of, strict=True)
            for file, key in zip(event.files, keys, strict=True)
            if (newest := newest_of(key)) is not None and file.mtime_ns < newest.mtime_ns
        ]
        for event, mtime_ns, key, newest in gone_back:
            if mtime_ns in newest.earlier_mtimes_ns or len(wanted) >= _MOST_LOOKED_BACK:
                continue
            if microseconds(event.captured_at) > newest.captured_at_us:
                wanted[key, mtime_ns] = None
        if wanted:
            for key, mtime_ns in await self._recall.had_mtimes(list(wanted)):
                newest = self._newest.get(key)
                if newest is not None:
                    self._newest.put(key, newest.had_mtime(mtime_ns))

    def newest(self, key: bytes) -> FileState | None:
        """The newest record of a path, which may be newer than the capture that is being judged."""
        return self._newest.get(key)

    def clock(self, host: str) -> HostClock:
        """What is known of a host's clock."""
        return self._clocks[host][1] if host in self._clocks else UNKNOWN_CLOCK

    def pass_on(
        self, record: Record, event: FilesystemTimestamps, captured_at_us: int
    ) -> tuple[list[bytes], list[FileState | None]]:
        """The key of each file's row, and the newest record of its path, which may be newer than this capture.

        Then the capture's records take their places. Baselines move forward, never back: a late or repeated capture
        leaves them. Each path of a capture is looked at before any is replaced, so that one that is there twice is held
        against the past both times.
        """
        is_ahead = _is_ahead(record, captured_at_us)
        made = self._keys.pop(id(event), None)  # with the look-up, if there was one
        keys = path_keys(record, event, captured_at_us) if made is None or made[0] is not event or is_ahead else made[1]
        newest_of = self._newest.get
        previous = [newest_of(key) for key in keys]
        if not is_ahead:
            partition, offset = record.partition, record.offset
            for key, file in zip(keys, event.files, strict=True):
                before = newest_of(key)
                if before is None or before.captured_at_us < captured_at_us:
                    self._newest.put(key, FileState.after(before, file, captured_at_us, partition, offset))
        return keys, previous

    def forget(self) -> None:
        """Drop everything; the database has it."""
        self._newest.expire()
        self._known.begin_anew()


def path_keys(record: Record, event: FilesystemTimestamps, captured_at_us: int) -> list[bytes]:
    """The key of each file's row."""
    before = "\0ahead\0" if _is_ahead(record, captured_at_us) else ""
    return [path_key(event.host, before + file.file_path) for file in event.files]


def _is_ahead(record: Record, captured_at_us: int) -> bool:
    return captured_at_us > record.timestamp * 1000 + _AHEAD_US
