"""Work on one record that may be laid down between two slices of it, so that a large one holds up nothing else."""

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")
Slices = Generator[None, None, Result]
"""Yields where others may have their turn, and returns what came of it."""


def at_one_go(work: Slices[Result]) -> Result:
    """The result, without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
