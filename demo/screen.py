"""Progress, one line a step: with a spinner on a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.markup import escape

_PLAIN_WIDTH = 120


class Step:
    """A running step; `note` is what it says of itself when it is done."""

    note = ""


class Screen:
    """Where the demo writes: people watch it, and logs keep it."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self.console = console if console.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)

    @contextmanager
    def step(self, text: str) -> Iterator[Step]:
        """Show that something goes on, and how long it took; a failing step stays without its tick."""
        step = Step()
        started = monotonic()
        if self.console.is_terminal:
            with self.console.status(escape(text)):
                yield step
        else:
            yield step
        note = f": {escape(step.note)}" if step.note else ""
        self.console.print(f"[green]✓[/] {escape(text)}{note} [dim]({monotonic() - started:.1f} s)[/]", soft_wrap=True)

    def say(self, text: str) -> None:
        """One line, as it is; brackets in it are no markup."""
        self.console.print(escape(text), soft_wrap=True)
