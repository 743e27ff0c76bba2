"""SQL row literals, one function a table, in the column order of `statements/record.sql`.

Formatting a literal costs a quarter of handing the driver a tuple to format, and there is one for every row.
Strings are escaped as the driver does it; the session's sql_mode (see `database.py`) keeps backslash escapes on,
which that relies on. Numbers come from strict models and are formatted as numbers.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import orjson

from schemas.events import ClockReading, FilesystemTimestamps, FileTimes
from streams.times import clamped_timestamp_text, microseconds, timestamp_text

_TO_ESCAPE = re.compile("[\0\n\r\x1a'\\\\]")
"""What the driver escapes, but for the quotation mark, which every JSON text has and which means nothing between
apostrophes. Asking costs a fifth of escaping, and few strings have any of it."""
_ESCAPES = (
    ("\\", "\\\\"),  # first, or it would escape the others' backslashes
    ("'", "\\'"),
    ("\n", "\\n"),
    ("\r", "\\r"),
    ("\0", "\\0"),
    ("\x1a", "\\Z"),
)


def _escaped(value: str) -> str:
    """As the driver's function does it, in an eighth of its time for documents of megabytes."""
    for character, escape in _ESCAPES:
        if character in value:
            value = value.replace(character, escape)
    return value


def text(value: str | None) -> str:
    """A quoted string or NULL."""
    if value is None:
        return "NULL"
    return f"'{_escaped(value)}'" if _TO_ESCAPE.search(value) else f"'{value}'"


def text_of(parts: Iterable[str]) -> Iterator[str]:
    """The parts of a string's literal, one for each part of the string: of megabytes, some kilobytes at a time."""
    yield "'"
    for part in parts:
        yield _escaped(part)
    yield "'"


repeated_text = lru_cache(maxsize=4096)(text)
"""`text` for values that come again and again: hosts, platforms, names of standards."""


def number(value: float | None) -> str:
    """A number or NULL."""
    return "NULL" if value is None else repr(value)


def instant(value_us: int | None) -> str:
    """A TIMESTAMP(6) literal from microseconds since the epoch, or NULL."""
    return "NULL" if value_us is None else f"'{timestamp_text(value_us)}'"


def json(value: Any) -> str:
    """A JSON document as a quoted string."""
    return text(orjson.dumps(value).decode())


def binary(value: bytes) -> str:
    """A hexadecimal literal, which holds any bytes."""
    return f"X'{value.hex()}'"


def _hexadecimal(value: str | None) -> str:
    """A quoted string of digits, which the model has made sure of: nothing in it is to be escaped."""
    return "NULL" if value is None else f"'{value}'"


def file_row(
    row_id: str,
    file: FileTimes,
    key: bytes,
    event: FilesystemTimestamps,
    shared: str,
) -> str:
    """A row of filesystem_timestamps; `shared` is `file_shared(...)` of the event, formatted once for its files."""
    atime_ns, mtime_ns, ctime_ns = file.atime_ns, file.mtime_ns, file.ctime_ns
    committed, birthtime_ns, size_bytes = file.git_committed_at, file.birthtime_ns, file.size_bytes
    inode, device = file.inode, file.device
    return (
        f"('{row_id}',{text(file.file_path)},X'{key.hex()}',"
        f"'{clamped_timestamp_text(atime_ns)}','{clamped_timestamp_text(mtime_ns)}',"
        f"'{clamped_timestamp_text(ctime_ns)}',{atime_ns},{mtime_ns},{ctime_ns},"
        f"{_hexadecimal(file.git_commit_sha)},"
        f"{'NULL' if committed is None else instant(microseconds(committed))},"
        f"{'NULL' if birthtime_ns is None else birthtime_ns},{'NULL' if size_bytes is None else size_bytes},"
        f"{'NULL' if inode is None else inode},{'NULL' if device is None else device},"
        f"{_hexadecimal(file.sha256)},{shared})"
    )


def file_shared(event: FilesystemTimestamps, captured_at_us: int, partition: int, offset: int) -> str:
    """The columns that all files of an event share."""
    return (
        f"{repeated_text(event.host)},{instant(captured_at_us)},"
        f"{repeated_text(event.platform)},{repeated_text(event.filesystem_type)},"
        f"'{event.event_id}',{partition},{offset}"
    )


def clock_row(row_id: str, reading: ClockReading, read_at_us: int, status: str, partition: int, offset: int) -> str:
    """The first columns of a row of clock_sync_status, still open; `clock_judged` closes it."""
    return (
        f"('{row_id}',{text(reading.component_name)},'{reading.protocol}',{number(reading.stratum)},"
        f"{reading.offset_microseconds},{instant(read_at_us)},'{status}',{number(reading.rtt_microseconds)},"
        f"{number(reading.root_delay_microseconds)},{number(reading.root_dispersion_microseconds)},"
        f"{text(reading.leap_status)},{text(reading.reference_id)},'{reading.event_id}',{partition},{offset}"
    )


def clock_judged(bound: float, certainty: str, step_at_us: int | None, step_microseconds: int | None) -> str:
    """What the judge adds to a row of clock_sync_status."""
    return f",{number(bound)},'{certainty}',{instant(step_at_us)},{number(step_microseconds)})"


def row(*literals: str) -> str:
    """A row of any other table, from literals made by the functions above."""
    return f"({','.join(literals)})"
