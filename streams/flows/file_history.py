"""The newest record of each path, in the order of the captures, and what is known of the clocks of their hosts.

A path is looked up once a batch and then remembered within a bound. What memory says is what the database will say
once all plans are stored: a late capture neither becomes the newest nor is held against a newer one, and of two
captures of one moment the first one counts.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic

from schemas.events import FilesystemTimestamps, FileTimes
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
_MOST_LOOKED_BACK = 200
"""Paths of a batch whose older mtimes are looked up: a restore of a whole tree must not hold up the topic."""


class FileHistory:
    """What the database knows of the paths and hosts of a batch, fetched in one round trip."""

    def __init__(self, recall: Recall, remembered_paths: int, unwritten_batches: int) -> None:
        self._recall = recall
        self._newest: Memory[bytes, FileState] = Memory(remembered_paths, unwritten_batches)
        self._clocks: dict[str, tuple[float, HostClock]] = {}

    @staticmethod
    def keys(record: Record, event: FilesystemTimestamps, captured_at_us: int) -> list[bytes]:
        """The key of each file's row."""
        if captured_at_us > record.timestamp * 1000 + _AHEAD_US:
            return [path_key(event.host, f"\0ahead\0{file.file_path}") for file in event.files]
        return [path_key(event.host, file.file_path) for file in event.files]

    async def recall(self, events: Sequence[FilesystemTimestamps]) -> None:
        """Look up what memory lacks of these events' paths and hosts."""
        self._newest.trim()
        if len(self._clocks) > _CLOCKS:
            self._clocks.clear()
        batch = [(path_key(event.host, file.file_path), file, event) for event in events for file in event.files]
        keys = self._newest.missing([key for key, _, _ in batch])
        hosts = self._stale_clocks(events, bool(keys))
        found, clocks = await asyncio.gather(self._recall.newest_files(keys), self._recall.host_clocks(hosts))
        for key in keys:
            self._newest.put(key, found.get(key))
        now = monotonic()
        for host in hosts:
            self._clocks[host] = now, clocks.get(host, UNKNOWN_CLOCK)
        await self._look_further_back(batch)

    def _stale_clocks(self, events: Sequence[FilesystemTimestamps], ask_all: bool) -> list[str]:
        """The hosts whose clocks are asked for: all of them where the database is asked anyway."""
        oldest = monotonic() - _CLOCKS_FRESH_SECONDS
        hosts = dict.fromkeys(event.host for event in events)
        return [host for host in hosts if ask_all or self._clocks.get(host, (0.0, UNKNOWN_CLOCK))[0] < oldest]

    async def _look_further_back(self, batch: Sequence[tuple[bytes, FileTimes, FilesystemTimestamps]]) -> None:
        """For the few files whose mtime goes back: whether their path had that mtime before."""
        wanted: dict[tuple[bytes, int], None] = {}
        for key, file, event in batch:
            newest = self._newest.get(key)
            if newest is None or file.mtime_ns >= newest.mtime_ns or file.mtime_ns in newest.earlier_mtimes_ns:
                continue
            if microseconds(event.captured_at) > newest.captured_at_us and len(wanted) < _MOST_LOOKED_BACK:
                wanted[key, file.mtime_ns] = None
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

    def remember(self, keys: Sequence[bytes], files: Sequence[FileTimes], captured_at_us: int, record: Record) -> None:
        """Move the baselines forward, never back: a late or repeated capture leaves them."""
        if captured_at_us > record.timestamp * 1000 + _AHEAD_US:
            return
        for key, file in zip(keys, files, strict=True):
            previous = self._newest.get(key)
            if previous is None or previous.captured_at_us < captured_at_us:
                state = FileState.after(previous, file, captured_at_us, record.partition, record.offset)
                self._newest.put(key, state)

    def forget(self) -> None:
        """Drop everything; the database has it."""
        self._newest.expire()
