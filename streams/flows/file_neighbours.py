"""Whose times a file may carry that is not in the same capture: H12 looks for them in what is stored.

Few files are asked for: new or changed ones whose mtime has a fraction and is a minute older than their ctime, which
no write leaves. What other workers, or this one a moment ago, have judged and not yet stored is not seen.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from posixpath import dirname

from schemas.events import FilesystemTimestamps, FileTimes
from streams.identity import path_key
from streams.judges.timestamps import FileState, Neighbour
from streams.judges.timestamps.siblings import REFERENCE_FOLDERS
from streams.store.recall import Recall

_SECOND_NS, _MINUTE_NS = 10**9, 60 * 10**9
_MOST_LOOKED_FOR = 200
"""Mtimes of a batch: a tree copied with its times must not hold up the topic."""

Times = tuple[str, int]
"""A host and an mtime_ns."""
Neighbours = Mapping[Times, Sequence[Neighbour]]


async def neighbours_of(
    recall: Recall, events: Iterable[FilesystemTimestamps], newest: Callable[[bytes], FileState | None]
) -> Neighbours:
    """The stored files that still have the mtime of one that is new here, or changed, in its folder or a system one."""
    folders: dict[Times, set[str]] = {}
    for event in events:
        for file in event.files:
            if not _may_mimic(file) or len(folders) >= _MOST_LOOKED_FOR:
                continue
            before = newest(path_key(event.host, file.file_path))
            if before is None or (before.mtime_ns, before.ctime_ns) != (file.mtime_ns, file.ctime_ns):
                folders.setdefault((event.host, file.mtime_ns), set()).add(dirname(file.file_path))
    if not folders or not (seen := await recall.paths_with_mtimes(list(folders))):
        return {}
    captured: dict[str, set[str]] = defaultdict(set)
    for event in events:
        captured[event.host].update(file.file_path for file in event.files)
    stored = [
        (times, key, path)
        for times, key, path in seen
        if path not in captured[times[0]] and (dirname(path) in folders[times] or dirname(path) in REFERENCE_FOLDERS)
    ]
    states = await recall.newest_files([key for _, key, _ in stored])
    found: dict[Times, list[Neighbour]] = defaultdict(list)
    for times, key, path in stored:
        state = states.get(key)
        if state is not None and state.mtime_ns == times[1]:
            found[times].append(Neighbour(path, state))
    return found


def of_host(neighbours: Neighbours, host: str) -> dict[int, Sequence[Neighbour]]:
    """Those of one host, by their mtime_ns."""
    return {mtime_ns: found for (whose, mtime_ns), found in neighbours.items() if whose == host}


def _may_mimic(file: FileTimes) -> bool:
    # Without an inode a file that was renamed looks like a neighbour of its own.
    return file.ctime_ns - file.mtime_ns > _MINUTE_NS and file.mtime_ns % _SECOND_NS != 0 and file.inode is not None
