"""Data on a terminal: whatever a producer wrote, it must not move the cursor, colour the text or forge a line."""

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
