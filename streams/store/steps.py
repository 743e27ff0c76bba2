"""The statements of a transaction, cut to what one packet may hold. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

_STATEMENT_CHARACTERS = 1_000_000
"""A multi-row INSERT is cut here; there is one literal for every row, and to count bytes would cost more."""
_CALL_BYTES = 4_000_000
"""So is the text of a call, unless one statement alone is longer; what a server must allow is in `server_limits.py`."""


class Step(NamedTuple):
    """One statement; `table` and `rows` where it inserts into a table of records."""

    sql: str
    table: str = ""
    rows: int = 0


def chunks(literals: Iterable[str]) -> Iterator[list[str]]:
    """The row literals in order, as many at a time as one INSERT may hold."""
    chunk: list[str] = []
    size = 0
    for literal in literals:
        if chunk and size + len(literal) > _STATEMENT_CHARACTERS:
            yield chunk
            chunk, size = [], 0
        chunk.append(literal)
        size += len(literal)
    if chunk:
        yield chunk


def calls(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The steps in order, as many at a time as one packet may hold."""
    call: list[Step] = []
    size = 0
    for step in steps:
        length = _size(step.sql)
        if call and size + length > _CALL_BYTES:
            yield call
            call, size = [], 0
        call.append(step)
        size += length
    yield call


def _size(sql: str) -> int:
    """In bytes, as the server counts; a text knows whether it is ASCII."""
    return len(sql) if sql.isascii() else len(sql.encode())
