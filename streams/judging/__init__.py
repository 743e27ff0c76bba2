"""Where a topic's records are judged: in the worker's own process, or in one beside it.

    here.py    in this process, in turns with all else that waits in the event loop
    apart.py   the worker's side of the processes that judge beside it
    child.py   such a process
    wire.py    what the two say to each other

Decoding and judging is three quarters of what a record costs a worker, and Python runs on one core: apart, the fetch,
the transactions and the announcements have a core of their own. Each process has its own connections, standards and
memory of paths; a partition always goes to the same one, which so knows all that came before.
"""

from collections.abc import Sequence
from typing import Protocol

from streams.plan import Plan, Record


class Judging(Protocol):
    """Makes plans of the records of one topic."""

    async def plans(self, batches: Sequence[Sequence[Record]]) -> list[list[Plan]]:
        """A plan for each record of each batch, in order; a batch is of one partition.

        Waits however long the database, which holds the past, is away.
        """
        ...

    def forget(self) -> None:
        """Before the next batches: drop what is remembered, for somebody else may have written since."""
        ...


__all__ = ["Judging"]
