"""Data on a terminal: whatever a producer wrote, it must not move the cursor, colour the text or forge a line."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_LEAST_COLUMNS = 180
"""Narrower, the columns of a wide table would be squeezed to nothing: a pipe counts as 80 columns."""


def console(**options: Any) -> Console:
    """A console that leaves data as it is: rich would make a picture of `:bomb:` in a path."""
    return Console(emoji=False, **options)


def print_table(table: Table) -> None:
    """Print a table that has many columns, over the edge of a narrow terminal rather than unreadably."""
    console(width=max(console().width, _LEAST_COLUMNS)).print(table)


def plain(value: object) -> str:
    """A value as one line of printable characters."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def cell(value: object) -> Text:
    """The same for a table of rich, which would read `[red]` in a string as a colour."""
    return Text(plain(value))


def inline(value: object) -> str:
    """The same, to stand in a line of rich's markup, but not right before a `[`: a backslash would hide that."""
    # With the space rich does not double a backslash at the end, which it would then show twice.
    return escape(plain(value) + " ")[:-1]


def json_text(text: str) -> str:
    """JSON, over one or several lines, that holds the same and no character that acts on a terminal."""
    if text.isascii():
        return text  # what is not printable there is escaped already
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def document(value: Any) -> str:
    """A JSON value over several lines, letters as they are read; raises ValueError, RecursionError as json does."""
    return "\n".join(plain(line) for line in json.dumps(value, indent=2, ensure_ascii=False).split("\n"))
