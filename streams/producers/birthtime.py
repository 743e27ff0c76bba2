"""When a file was born. With it a new file in a freed inode is not taken for the old one.

Python tells it where `stat` does; Linux has it in `statx` only, which Python does not offer before 3.15.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Callable

_AT_FDCWD, _AT_SYMLINK_NOFOLLOW = -100, 0x100
_STATX_INO, _STATX_BTIME = 0x100, 0x800
_STATX_BYTES = 256
_MASK, _INODE, _BIRTH = struct.Struct("=I"), struct.Struct("=32xQ"), struct.Struct("=80xqI")
"""Where linux/stat.h has stx_mask, stx_ino and stx_btime."""


def _load_statx() -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    try:
        statx = ctypes.CDLL(None, use_errno=True).statx
    except (OSError, AttributeError):  # a libc without it
        return None
    statx.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)
    statx.restype = ctypes.c_int
    return statx


_statx = _load_statx()


def birthtime_ns(path: str, stat: os.stat_result) -> int | None:
    """The birth of the file that `stat` is of; None where the system or the file system does not tell it."""
    known: int | None = getattr(stat, "st_birthtime_ns", None)  # not st_birthtime: a float loses nanoseconds
    if known is not None or _statx is None:
        return known
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    wanted = _STATX_INO | _STATX_BTIME
    if _statx(_AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, wanted, buffer) != 0:
        return None
    if _MASK.unpack_from(buffer)[0] & wanted != wanted or _INODE.unpack_from(buffer)[0] != stat.st_ino:
        return None
    seconds, nanoseconds = _BIRTH.unpack_from(buffer)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
