"""The MAC times of files, exactly as `lstat` gives them, in events of bounded size."""

import hashlib
import os
import re
import stat as modes
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from schemas import FilesystemTimestamps, FileTimes
from schemas.events import MAX_FILES
from streams.errors import UserError
from streams.producers import build
from streams.producers.birthtime import birthtime_ns
from streams.producers.git_history import GitHistory

EVENT_BYTES = 400_000
"""Of JSON in one event, well below what a worker takes (COCKPIT_MAX_RECORD_BYTES)."""

_EVENT_SPAN = timedelta(seconds=0.5)
"""Between the first and the last file of an event: its one captured_at must be true for all of them. A file
that changes between its stat and captured_at looks backdated at the next capture."""

_MOUNTINFO = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")
_PLATFORMS = {"win32": "windows"}


@dataclass(slots=True)
class Omissions:
    """What a capture had to leave out: how often for each reason, and one example of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, path: str) -> None:
        """Count one."""
        self.counts[reason] += 1
        self.examples.setdefault(reason, path)


def canonical_path(path: Path) -> str:
    """The one absolute name of a file: links in its folders are resolved, the file itself may be one."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - Path.absolute() keeps `..`, resolve() follows the last link
    folder, name = os.path.split(absolute)
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118 - text all along, Path would cost a walk dear


def capture(
    paths: Sequence[Path],
    *,
    host: str,
    captured_at: datetime | None = None,
    history: GitHistory | None = None,
    with_sha256: bool = False,
    event_bytes: int = EVENT_BYTES,
    omissions: Omissions | None = None,
) -> Iterator[FilesystemTimestamps]:
    """Walk files and trees without following links, and give the times of all regular files.

    Args:
        paths: files and folders; each is walked once, however often it is named.
        host: the events' host.
        captured_at: for all events; without it, each event has the moment of its last stat.
        history: adds the last commit of each tracked file.
        with_sha256: adds the content's hash; it reads after the stat, and without a trace where the file is ours.
        event_bytes: of JSON in one event, at the most.
        omissions: is told what could not be captured.

    Raises:
        UserError: a path does not exist, is a link, or the contract refuses the host.
    """
    roots = _roots(paths)  # here and not in the generator: a wrong path is said before anything is published
    missing = omissions if omissions is not None else Omissions()
    stream = _Events(host, captured_at, history, with_sha256, event_bytes, missing)
    return stream.of(roots)


class _Events:
    """The event that is being filled, and what fills it."""

    def __init__(
        self,
        host: str,
        captured_at: datetime | None,
        history: GitHistory | None,
        with_sha256: bool,
        event_bytes: int,
        omissions: Omissions,
    ) -> None:
        self._host = host
        self._fixed = captured_at
        self._history = history
        self._with_sha256 = with_sha256
        self._limit = event_bytes
        self._omissions = omissions
        self._mounts = _read_mounts()
        self._files: list[FileTimes] = []
        self._bytes = 0
        self._kind: str | None = None
        self._first = self._last = datetime.now(UTC)

    def of(self, roots: Sequence[str]) -> Iterator[FilesystemTimestamps]:
        for root in roots:
            for path in _walk(root, self._omissions):
                taken = self._take(path)
                if taken is None:
                    continue
                at, file = taken
                kind, size = filesystem_type(path, self._mounts), len(file.model_dump_json(exclude_none=True).encode())
                if self._files and not self._fits(kind, size + 1, at):
                    yield self._close()
                if not self._files:
                    self._kind, self._first = kind, at
                self._files.append(file)
                self._bytes += size + 1
                self._last = at
        if self._files:
            yield self._close()

    def _fits(self, kind: str | None, size: int, at: datetime) -> bool:
        return (
            kind == self._kind
            and len(self._files) < MAX_FILES
            and self._bytes + size + _envelope_bytes(self._host) <= self._limit
            and (self._fixed is not None or abs(at - self._first) <= _EVENT_SPAN)
        )

    def _close(self) -> FilesystemTimestamps:
        files, self._files, self._bytes = self._files, [], 0
        return build(
            FilesystemTimestamps,
            event_id=str(uuid4()),
            host=self._host,
            captured_at=self._fixed or self._last,
            platform=_PLATFORMS.get(sys.platform, sys.platform),
            filesystem_type=self._kind,
            files=files,
        )

    def _take(self, path: str) -> tuple[datetime, FileTimes] | None:
        try:
            path.encode()
        except UnicodeEncodeError:
            self._omissions.add("name is not UTF-8, which JSON cannot carry", path)
            return None
        try:
            stat = os.lstat(path)
        except OSError as error:
            self._omissions.add(_reason(error), path)
            return None
        at = datetime.now(UTC)
        if not modes.S_ISREG(stat.st_mode):
            return None
        commit = self._history.last_commit(path) if self._history else None
        try:
            return at, FileTimes(
                file_path=path,
                atime_ns=stat.st_atime_ns,
                mtime_ns=stat.st_mtime_ns,
                ctime_ns=stat.st_ctime_ns,
                git_commit_sha=commit.sha if commit else None,
                git_committed_at=commit.committed_at if commit else None,
                birthtime_ns=birthtime_ns(path, stat),
                size_bytes=stat.st_size,
                inode=stat.st_ino,
                device=stat.st_dev,
                sha256=self._sha256(path, stat) if self._with_sha256 else None,
            )
        except ValidationError as error:
            self._omissions.add(f"{error.errors()[0]['loc'][0]} is beyond what the contract holds", path)
            return None

    def _sha256(self, path: str, before: os.stat_result) -> str | None:
        """The hash of exactly the content that the times belong to, or None."""
        try:
            with open(_open_unnoticed(path), "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                after = os.fstat(file.fileno())
        except OSError as error:
            self._omissions.add(f"hash left out: {_reason(error)}", path)
            return None
        if _identity(before) != _identity(after):
            self._omissions.add("hash left out: changed while it was read", path)
            return None
        return digest


def _envelope_bytes(host: str) -> int:
    return 300 + 6 * len(host)


def _identity(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _open_unnoticed(path: str) -> int:
    """A descriptor for reading that leaves atime alone where the system lets us (our own files, or root)."""
    # Non-blocking and without links: the path may have become a pipe or a link since its stat.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:
        return os.open(path, flags)


def _reason(error: OSError) -> str:
    return "vanished" if isinstance(error, FileNotFoundError) else f"unreadable ({error.strerror or error})"


def _roots(paths: Sequence[Path]) -> list[str]:
    """The canonical names, each once, without those that lie inside another."""
    roots: list[str] = []
    for path in paths:
        root = canonical_path(path)
        try:
            mode = os.lstat(root).st_mode
        except OSError as error:
            raise UserError(f"{path}: cannot be captured: {error.strerror or error}") from None
        if modes.S_ISLNK(mode):
            raise UserError(f"{path}: is a symbolic link, and links are not followed: name what it points to")
        roots.append(root)
    wanted = set(roots)
    return [root for root in dict.fromkeys(roots) if not any(str(parent) in wanted for parent in Path(root).parents)]


def _walk(root: str, omissions: Omissions) -> Iterator[str]:
    """The paths of all files below a root, folder by folder in the order of their names."""
    if not modes.S_ISDIR(os.lstat(root).st_mode):
        yield root
        return
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
            folders = [entry.path for entry in listed if entry.is_dir(follow_symlinks=False)]
            files = [entry.path for entry in listed if entry.is_file(follow_symlinks=False)]
        except OSError as error:
            omissions.add(_reason(error), folder)
            continue
        pending += reversed(folders)
        yield from files


def parse_mountinfo(text: str) -> dict[str, str]:
    """File system types by mount point; of several mounts on one point the last covers the others."""
    mounts = {}
    for line in text.splitlines():
        fields = line.split(" ")
        if "-" in fields[6:]:
            kind = fields[fields.index("-", 6) + 1]
            mounts[_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])] = kind
    return mounts


def filesystem_type(path: str, mounts: Mapping[str, str]) -> str | None:
    """The type of the file system whose mount point is the longest prefix of an absolute path."""
    while path not in mounts:
        parent = os.path.dirname(path)  # noqa: PTH120 - text all along
        if parent == path:
            return None
        path = parent
    return mounts[path]


def _read_mounts() -> dict[str, str]:
    try:
        return parse_mountinfo(os.fsdecode(_MOUNTINFO.read_bytes()))
    except OSError:
        return {}
