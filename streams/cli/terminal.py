"""Data on a terminal: whatever a producer wrote, it must not move the cursor, colour the text or forge a line."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_LEAST_COLUMNS = 150
"""Narrower, the columns of a wide table would be squeezed to nothing: a pipe counts as 80 columns."""


def print_table(table: Table) -> None:
    """Print a table that has many columns, over the edge of a narrow terminal rather than unreadably."""
    console = Console()
    console.width = max(console.width, _LEAST_COLUMNS)
    console.print(table)


def plain(value: object) -> str:
    """A value as one line of printable characters."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def cell(value: object) -> str:
    """The same, for rich, which would read `[red]` as a colour."""
    return escape(plain(value))


def document(value: Any) -> str:
    """A JSON value over several lines, letters as they are read; raises ValueError, RecursionError as json does."""
    return "\n".join(plain(line) for line in json.dumps(value, indent=2, ensure_ascii=False).split("\n"))
