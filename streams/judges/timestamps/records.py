"""What the rules look at: a capture, one file of it, and the previous record of the same path."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from schemas.events import FileTimes
from streams.judges.host_clock import UNKNOWN_CLOCK, HostClock
from streams.judges.timestamps.precision import grain_ns
from streams.times import microseconds

if TYPE_CHECKING:
    from streams.judges.timestamps.siblings import Siblings

SECOND, MINUTE, HOUR, DAY = 10**9, 60 * 10**9, 3600 * 10**9, 86_400 * 10**9
JIFFY_NS = 10_000_000
"""Two changes within one tick of the kernel's coarse clock carry one stamp (before Linux 6.13)."""
CAPTURE_SPAN_NS = 500_000_000
"""A file is looked at up to so long before the `captured_at` that it shares with the others of its event."""
KEPT_MTIMES = 8

_SENSITIVE = re.compile(
    r"^/(tmp|var/tmp|dev/shm|var/lib|mnt/esxi|var/www|srv/www|usr/share/nginx|var/spool/cron|etc/cron[^/]*"
    r"|(etc|lib|usr/lib|run)/systemd/(system|user))(/|$)"
    r"|/(htdocs|public_html|wwwroot|\.ssh|\.config/systemd/user)/"
)
"""Where intruders leave things: what DET0591 names, web roots, cron, systemd units, keys."""


class FileState(NamedTuple):
    """The newest record of one path of one host, as far as the rules need it. A plain tuple: one for every file."""

    captured_at_us: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    inode: int | None = None
    device: int | None = None
    birthtime_ns: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    git_commit_sha: str | None = None
    git_committed_at: datetime | None = None
    partition: int | None = None
    offset: int | None = None
    earlier_mtimes_ns: tuple[int, ...] = ()
    """Mtimes that this path had before this record, the newest first."""

    @classmethod
    def after(
        cls, previous: "FileState | None", file: FileTimes, captured_at_us: int, partition: int, offset: int
    ) -> "FileState":
        """The state that a file's newer record leaves."""
        earlier = () if previous is None else previous.earlier_mtimes_ns
        if previous is not None and previous.mtime_ns != file.mtime_ns:
            earlier = (previous.mtime_ns, *earlier)[:KEPT_MTIMES]
        # All fields in their order, past the function that sorts arguments by name: there is one for every file.
        return tuple.__new__(cls, (
            captured_at_us, file.atime_ns, file.mtime_ns, file.ctime_ns, file.inode, file.device, file.birthtime_ns,
            file.size_bytes, file.sha256, file.git_commit_sha, file.git_committed_at, partition, offset, earlier,
        ))  # fmt: skip

    def had_mtime(self, mtime_ns: int) -> "FileState":
        """The same, knowing one more mtime of the past."""
        return self._replace(earlier_mtimes_ns=(mtime_ns, *self.earlier_mtimes_ns)[:KEPT_MTIMES])


class Neighbour(NamedTuple):
    """A file of the host that is not in the capture, as its newest record shows it."""

    file_path: str
    state: FileState


_NO_NEIGHBOURS: Mapping[int, Sequence[Neighbour]] = {}
_NOTHING_LEARNT: Mapping[int | None, int] = {}


class Capture(NamedTuple):
    """What all files of one event share. A plain tuple: one for every event."""

    host: str
    captured_at_us: int
    platform: str | None = None
    filesystem_type: str | None = None
    clock: HostClock = UNKNOWN_CLOCK
    appended_ns: int | None = None
    """When the broker appended the record, if that is what its timestamp says."""
    learned_ns: Mapping[int | None, int] = _NOTHING_LEARNT
    """The grain that the volume of each device was seen to keep; devices that nobody knows yet are absent."""
    topic: str | None = None
    """Where this record and those before it stand."""
    neighbours: Mapping[int, Sequence[Neighbour]] = _NO_NEIGHBOURS
    """By mtime_ns, files of this host that are not in the capture and have the mtime of one that is new or changed."""

    @property
    def captured_ns(self) -> int:
        """The moment of the capture."""
        return self.captured_at_us * 1000


class Case:
    """One file before the rules: its times in the letters of the reference, and what they may be compared with.

    m, c, a, b: mtime, ctime, atime, birthtime or None; cap: the capture; g: the commit's time or None; p: the
    previous record, None unless it was captured earlier than this one (`newest` in any case); e: precision;
    U: uncertainty + precision.
    """

    __slots__ = (
        "U", "a", "b", "c", "cap", "capture", "e", "file", "g", "index", "m", "newest", "p", "precision", "siblings",
        "u",
    )  # fmt: skip

    def __init__(
        self, index: int, file: FileTimes, previous: FileState | None, capture: Capture, siblings: "Siblings"
    ) -> None:
        self.index, self.file, self.capture, self.siblings = index, file, capture, siblings
        self.m, self.c, self.a, self.b = file.mtime_ns, file.ctime_ns, file.atime_ns, file.birthtime_ns
        self.cap = capture.captured_ns
        self.newest = previous
        self.g = None if file.git_committed_at is None else microseconds(file.git_committed_at) * 1000
        self.p = previous if previous is not None and previous.captured_at_us < capture.captured_at_us else None
        self.precision = max(capture.learned_ns.get(file.device, 1), grain_ns(self.c))
        self.e = self.precision if self.p is None else max(self.precision, grain_ns(self.p.ctime_ns))
        self.u = capture.clock.uncertainty_ns(self.cap)
        self.U = self.u + self.precision

    @property
    def p_cap(self) -> int:
        """When the previous record was captured; only where there is one."""
        assert self.p is not None
        return self.p.captured_at_us * 1000

    @property
    def is_sensitive(self) -> bool:
        """Whether the path is where intruders leave things."""
        return _SENSITIVE.search(self.file.file_path) is not None

    @property
    def is_unchanged(self) -> bool:
        """Whether the newest record showed these very times, so that what they tell has been told."""
        newest = self.newest
        return newest is not None and (self.m, self.c) == (newest.mtime_ns, newest.ctime_ns)

    @property
    def stamps_are_fine(self) -> bool:
        """Whether zeros in mtime mean something: this volume keeps fractions, and ctime has one."""
        return self.precision <= 1000 and self.c % SECOND != 0

    @property
    def content_changed(self) -> bool:
        """Whether size or hash are known to differ from the previous record's."""
        return self.p is not None and differs(self.file, self.p)


def differs(one: "FileTimes | FileState", other: "FileTimes | FileState") -> bool:
    """Whether two records are known to be of different content."""
    if one.sha256 is not None and other.sha256 is not None:
        return one.sha256 != other.sha256
    return None not in (one.size_bytes, other.size_bytes) and one.size_bytes != other.size_bytes


def is_same_hash(one: "FileTimes | FileState", other: "FileTimes | FileState") -> bool:
    """Whether both records tell one hash."""
    return one.sha256 is not None and one.sha256 == other.sha256


def is_known_to_be_equal(one: "FileTimes | FileState", other: "FileTimes | FileState") -> bool:
    """Whether both records tell something of the content, and nothing of it differs."""
    told = is_same_hash(one, other) or (one.size_bytes is not None and one.size_bytes == other.size_bytes)
    return told and not differs(one, other)


Files = Sequence[FileTimes]
States = Sequence[FileState | None]
