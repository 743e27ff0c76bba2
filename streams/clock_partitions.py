"""Which clocks this worker answers for: those of the partitions of clock-sync.v1 that it was assigned."""

from typing import Any, Protocol

from streams.flows.clock import ClockFlow
from streams.settings import Settings

LEADING_PARTITION = 0
"""Whoever has this one judges the peers for all."""


class Partitions(Protocol):
    """What the timer must know of the assignment."""

    def generation(self) -> int:
        """A number that changes whenever partitions move."""
        ...

    def caught_up(self) -> dict[int, bool]:
        """Our partitions of clock-sync.v1, and whether everything in each is stored."""
        ...

    def event(self, generation: int) -> Any:
        """What stands in for a Faust event of that generation in the recorder."""
        ...


class AssignedPartitions:
    """The assignment as Faust's consumer has it."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app = app
        self._topic = settings.topic(ClockFlow.topic)

    def generation(self) -> int:
        """The consumer's generation."""
        return int(self._app.consumer_generation_id)

    def caught_up(self) -> dict[int, bool]:
        """Empty until the app has started, and while nothing is assigned."""
        consumer = self._app.consumer
        found = {}
        for tp in consumer.assignment():
            if tp.topic == self._topic:
                end, read = consumer.highwater(tp), consumer.committed_or_none(tp)
                found[tp.partition] = end == 0 or (end is not None and read is not None and read >= end)
        return found

    def event(self, generation: int) -> "TimerEvent":
        """An event of nobody's record."""
        return TimerEvent(self._app, generation)


class TimerEvent:
    """Lets the recorder see whether the partitions have moved; there is no offset to acknowledge."""

    def __init__(self, app: Any, generation_id: int) -> None:
        self.app = app
        self.generation_id = generation_id

    @property
    def message(self) -> "TimerEvent":
        """Itself: only the generation is read of a message."""
        return self

    def ack(self) -> None:
        """Nothing was consumed."""
