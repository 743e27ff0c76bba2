"""Named SQL statements, read from the .sql files beside this module.

A file holds blocks that begin with `-- name: something`; `statement("clocks", "newest")` is the text of the
block `newest` in `clocks.sql`. Parameters are always `%s`.
"""

import re
from functools import cache
from importlib.resources import files

_BLOCK = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def _blocks(file: str) -> dict[str, str]:
    text = (files(__package__) / f"{file}.sql").read_text(encoding="utf-8")
    parts = _BLOCK.split(text)[1:]
    return {name: body.strip().rstrip(";") for name, body in zip(parts[::2], parts[1::2], strict=True)}


@cache
def statement(file: str, name: str) -> str:
    """The SQL of block `name` in `<file>.sql`."""
    return _blocks(file)[name]
