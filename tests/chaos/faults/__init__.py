"""The faults, one function each: it breaks something under load and returns what became of the records.

A function takes the servers, a directory and the form (`Form`), and is listed in `catalog.py` under its name.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.servers import Servers
from tests.chaos.table import Result


@dataclass(frozen=True)
class Form:
    """How much of it."""

    kills: int = 200
    away_seconds: float = 60
    rounds: int = 5
    """How often what takes seconds is repeated."""
    lanes: int = 4
    """Groups of workers that are killed side by side."""
    impatient: bool = False
    """Whether announcements of dead workers are made old, so that nobody waits for them to become so."""
    seed: int = 1


QUICK = Form(kills=12, away_seconds=5, rounds=2)
SUITE = Form(kills=10, away_seconds=2, rounds=1, lanes=3, impatient=True)

Fault = Callable[[Servers, Path, Form], Awaitable[Result]]
