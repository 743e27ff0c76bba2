"""When a rule may speak, and how loud.

G0  ctime is the time of the last change only on local file systems of Unix: elsewhere (Windows, network file
    systems, FAT, FUSE) no rule asks it. Where the file system is not told, rules that ask it say one step less.
G1  A transition proves something only about one and the same inode. Renaming a directory over another, a mount,
    an overlay put another inode under a path without touching a ctime. So with another inode the rules of
    transitions are off, and TS-PATH-REPLACED (info) names those that would have spoken; with an unknown inode they
    say one step less. Where no inode is told, but half of the known files of a directory (three at least) go back
    together, the directory was swapped: TS-DIR-SWAP (info) in their place.
G2  A finding says "this stamp was set explicitly, or a clock or disk was altered", never that somebody meant harm.
"""

from enum import Enum
from typing import TYPE_CHECKING

from schemas.events import FileTimes
from streams.judges.timestamps.found import Found
from streams.judges.timestamps.records import Capture, Case, FileState

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOREIGN_PLATFORMS = frozenset({"windows", "win32", "cygwin"})
_FOREIGN_FILESYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "vfat", "msdos", "fat", "exfat", "ntfs", "9p"}
)


def ctime_is_foreign(capture: Capture) -> bool:
    """G0: whether ctime is a creation time, or comes from a server's clock, or is made up."""
    kind = (capture.filesystem_type or "").lower()
    return (
        (capture.platform or "").lower() in _FOREIGN_PLATFORMS
        or kind in _FOREIGN_FILESYSTEMS
        or kind.startswith("fuse")
    )


def lower_where_filesystem_is_unknown(found: Found, capture: Capture) -> None:
    """G0: nobody told the file system, so it may be one whose ctime means something else."""
    if not capture.filesystem_type:
        found.lower(1, "filesystem_unknown")


class Identity(Enum):
    """Whether two records of a path are of one inode."""

    SAME = "same"
    UNKNOWN = "unknown"
    REPLACED = "replaced"


def identity(file: FileTimes, previous: FileState) -> Identity:
    """G1: by device, inode and, where both records have it, the time of birth."""
    for now, before in (
        (file.inode, previous.inode),
        (file.device, previous.device),
        (file.birthtime_ns, previous.birthtime_ns),
    ):
        if now is not None and before is not None and now != before:
            return Identity.REPLACED
    if None in (file.inode, previous.inode, file.device, previous.device):
        return Identity.UNKNOWN
    return Identity.SAME


def pass_identity(case: Case, transitions: "Sequence[Found]") -> list[Found]:
    """G1: what remains of the transitions that were found."""
    if case.p is None or not transitions:
        return []
    same = identity(case.file, case.p)
    if same is Identity.REPLACED:
        return [_instead("TS-PATH-REPLACED", "another inode is at this path", case, transitions)]
    if same is Identity.UNKNOWN and case.siblings.is_swapped(case.file.file_path) and _goes_back(case):
        return [_instead("TS-DIR-SWAP", "the files of this directory go back together", case, transitions)]
    for found in transitions:
        if same is Identity.UNKNOWN:
            found.lower(1, "inode_unknown")
    return list(transitions)


def _goes_back(case: Case) -> bool:
    assert case.p is not None
    return case.c < case.p.ctime_ns - case.e


def _instead(code: str, condition: str, case: Case, transitions: "Sequence[Found]") -> Found:
    assert case.p is not None
    known = case.p.inode, case.p.device, case.p.birthtime_ns
    return Found(
        "G1",
        code,
        "inode",
        str(case.file.inode),
        f"inode {case.p.inode}, as before",
        f"{condition}: inode {case.p.inode} -> {case.file.inode}, device {case.p.device} -> {case.file.device},"
        f" birthtime_ns {case.p.birthtime_ns} -> {case.b}",
        explained_by="path_replaced" if code == "TS-PATH-REPLACED" else "dir_swap",
        hint="write and rename by editors, mv, tar, rsync, package upgrades, a renamed directory, another mount",
        numbers={
            "instead_of": [found.code for found in transitions],
            "conditions_instead_of": [found.condition for found in transitions],
            "identity": dict(zip(("inode", "device", "birthtime_ns"), known, strict=True)),
        },
    )
