"""The other files of one capture: what only shows in several at once. Built once an event, most of it when asked.

H18  burst       20 paths or more get one mtime, with more than one ctime among them: an archive, a deploy
H12  mimicked    a neighbour whose times a file carries, in this capture or stored before
G1   swapped     half of the known files of a directory, three at least, go back together
     twin        a file of the same mtime and content: what a copy leaves
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from posixpath import dirname
from typing import NamedTuple

from schemas.events import FileTimes
from streams.judges.timestamps.precision import grain_ns
from streams.judges.timestamps.records import MINUTE, SECOND, Files, FileState, Neighbour, States, differs

BURST_PATHS = 20
REFERENCE_FOLDERS = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/lib", "/usr/lib", "/etc"})
"""Whose files are taken as a model by those who want to look like the system."""
_LOOKED_AT = 50


class Mimicked(NamedTuple):
    """Whose times a file carries."""

    file_path: str
    times: FileTimes | FileState
    both: bool
    """Its atime too, and not only its mtime."""


class Siblings:
    """The files of one capture with their previous records, in the order of the event."""

    def __init__(
        self,
        files: Files,
        previous: States,
        captured_at_us: int,
        elsewhere: Mapping[int, Sequence[Neighbour]] | None = None,
    ) -> None:
        """`elsewhere`: files that are not in the capture, by mtime_ns."""
        self._files, self._previous, self._captured_at_us = files, previous, captured_at_us
        self._elsewhere = elsewhere or {}
        mtimes = [file.mtime_ns for file in files]
        self.shared: frozenset[int] = frozenset()
        """Mtimes that more than one file has."""
        if len(set(mtimes)) < len(mtimes):
            self._counts = Counter(mtimes)
            self.shared = frozenset(mtime for mtime, count in self._counts.items() if count > 1)

    def is_new(self, index: int) -> bool:
        """Whether nothing at all is known of a file's path, not even by a record that is newer than this capture."""
        return self._previous[index] is None

    @cached_property
    def bursts(self) -> dict[int, list[int]]:
        """The mtimes that 20 paths or more got, with the indexes of those that got them."""
        bursts = {}
        for mtime in self.shared:
            if self._counts[mtime] >= BURST_PATHS:
                members = [index for index in self._by_mtime[mtime] if self._got(index)]
                paths = {self._files[index].file_path for index in members}
                if len(paths) >= BURST_PATHS and len({self._files[index].ctime_ns for index in members}) > 1:
                    bursts[mtime] = members
        return bursts

    def _got(self, index: int) -> bool:
        before = self._previous[index]
        return before is None or before.mtime_ns != self._files[index].mtime_ns

    def is_in_burst(self, index: int) -> bool:
        """Whether the file got its mtime with many others."""
        mtime = self._files[index].mtime_ns
        return mtime in self.shared and mtime in self.bursts and self._got(index)

    @cached_property
    def _by_mtime(self) -> dict[int, list[int]]:
        groups: dict[int, list[int]] = defaultdict(list)
        for index, file in enumerate(self._files):
            if file.mtime_ns in self.shared:
                groups[file.mtime_ns].append(index)
        return groups

    @cached_property
    def _earliest_changed(self) -> dict[int, list[int]]:
        """Files that share an mtime with a fraction, no later than their ctime; those with the earliest ctime first."""
        files = self._files
        return {
            mtime: sorted(
                [index for index in group if files[index].ctime_ns >= mtime], key=lambda index: files[index].ctime_ns
            )[:_LOOKED_AT]
            for mtime, group in self._by_mtime.items()
            if mtime % SECOND
        }

    def mimicked(self, index: int) -> "Mimicked | None":
        """A neighbour that had this file's mtime more than a minute of ctime before it, at best its atime too."""
        file, best = self._files[index], None
        if file.mtime_ns not in self.shared and file.mtime_ns not in self._elsewhere:
            return None
        folder = dirname(file.file_path)
        for path, other in self._with_mtime(file.mtime_ns):
            if file.ctime_ns - other.ctime_ns <= MINUTE:
                break
            near = dirname(path)
            if path == file.file_path or _is_one_inode(file, other):
                continue
            if near == folder or near in REFERENCE_FOLDERS:
                if other.atime_ns == file.atime_ns:
                    return Mimicked(path, other, both=True)
                best = best or Mimicked(path, other, both=False)
        return best

    def _with_mtime(self, mtime_ns: int) -> list["tuple[str, FileTimes | FileState]"]:
        """Who has this mtime, here and elsewhere; those with the earliest ctime first."""
        here = [self._files[index] for index in self._earliest_changed.get(mtime_ns, ())] if self.shared else []
        found: list[tuple[str, FileTimes | FileState]] = [(one.file_path, one) for one in here]
        found += [(path, state) for path, state in self._elsewhere.get(mtime_ns, ()) if state.ctime_ns >= mtime_ns]
        return sorted(found, key=lambda one: one[1].ctime_ns)

    def twin(self, index: int, *, as_of_ns: int | None = None) -> FileTimes | None:
        """Another file with this one's mtime and size, or hash; `as_of_ns`: one that has not changed since then."""
        file = self._files[index]
        if file.mtime_ns not in self.shared:
            return None
        for other in map(self._files.__getitem__, self._by_mtime[file.mtime_ns][:_LOOKED_AT]):
            if other.file_path == file.file_path or _is_one_inode(file, other) or differs(file, other):
                continue
            if as_of_ns is not None and other.ctime_ns > as_of_ns:
                continue
            hashed = file.sha256 is not None and other.sha256 is not None
            if hashed or (file.size_bytes and other.size_bytes):
                return other
        return None

    @cached_property
    def _swapped(self) -> set[str]:
        known: Counter[str] = Counter()
        back: Counter[str] = Counter()
        for file, before in zip(self._files, self._previous, strict=True):
            if before is None or before.captured_at_us >= self._captured_at_us:
                continue
            folder = dirname(file.file_path)
            known[folder] += 1
            grain = max(grain_ns(file.ctime_ns), grain_ns(before.ctime_ns))
            back[folder] += file.ctime_ns < before.ctime_ns - grain
        return {folder for folder, count in back.items() if count >= 3 and 2 * count >= known[folder]}

    def is_swapped(self, file_path: str) -> bool:
        """Whether the files of this one's directory go back together."""
        return dirname(file_path) in self._swapped


def _is_one_inode(one: "FileTimes | FileState", other: "FileTimes | FileState") -> bool:
    return one.inode is not None and (one.inode, one.device) == (other.inode, other.device)
