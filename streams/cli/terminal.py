"""Data on a terminal: whatever a producer wrote, it must not move the cursor, colour the text or forge a line."""

import json
from typing import Any

from rich.markup import escape


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
