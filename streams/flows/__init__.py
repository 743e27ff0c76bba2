"""One flow a topic: what its events are, what must be known to judge one, and what becomes of it."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from schemas.event import Event as AnyEvent
from streams.plan import Plan, Record
from streams.slices import Slices
from streams.standards.ruleset import Ruleset

Event = TypeVar("Event", bound=AnyEvent)


class Flow(Protocol[Event]):
    """The part of the pipeline that differs from topic to topic."""

    topic: str
    """The input topic, without the prefix."""
    model: type[Event]

    async def foresee(self, events: Sequence[tuple[Record, Event]]) -> Any:
        """Look up what judging these events may need, while events before them are judged: changes no memory."""
        ...

    async def recall(self, events: Sequence[tuple[Record, Event]], foreseen: Any = None) -> None:
        """Make sure that memory has what judging these events needs; one query a batch, or none if it was foreseen."""
        ...

    def judge(self, record: Record, event: Event, rules: Ruleset, now_us: int) -> Plan:
        """Decide what becomes of one event, in the order of the partition. Awaits nothing."""
        ...

    def judge_all(self, events: Sequence[tuple[Record, Event]], rules: Ruleset, now_us: int) -> list[Plan]:
        """The same for each of some events. What `judge` raises is a bug of ours: here it dead-letters its record."""
        ...

    def judge_in_slices(self, record: Record, event: Event, rules: Ruleset, now_us: int) -> Slices[Plan]:
        """`judge`, of a large event, with pauses in which others have their turn; nothing else is judged meanwhile."""
        ...

    def forget(self) -> None:
        """Drop what is remembered: somebody else may have written since, or what we planned was not stored."""
        ...


AnyFlow = Flow[Any]
