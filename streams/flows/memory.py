"""A bounded memory of newest states, so that the database is asked about a key only once."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from itertools import islice
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
State = TypeVar("State")


class Memory(Generic[Key, State]):
    """Keys to states; None is remembered too ("the database has none"). The least recently written go first.

    What was put since the last `unwritten_batches` trims stays in any case: it may not be in the database yet.
    """

    def __init__(self, capacity: int, unwritten_batches: int = 0) -> None:
        self._capacity = capacity
        self._states: dict[Key, State | None] = {}
        self.get: Callable[[Key], State | None] = self._states.get
        """The state; None if there is none or it is not known. The dictionary's own: each file asks twice."""
        self.forgettings = 0
        """How often something was forgotten."""
        self._expired = False
        self._puts = 0
        self._recent_puts: deque[int] = deque(maxlen=unwritten_batches)

    def __len__(self) -> int:
        return len(self._states)

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """The keys that memory says nothing about, each once, in order."""
        return [key for key in dict.fromkeys(keys) if key not in self._states]

    def put(self, key: Key, state: State | None) -> None:
        """Remember a state as the newest."""
        states = self._states
        if key in states:
            del states[key]
        states[key] = state
        self._puts += 1

    def fill(self, keys: Iterable[Key], state_of: Callable[[Key], State | None]) -> None:
        """Remember the states of those keys that memory says nothing about."""
        states = self._states
        news = {key: state_of(key) for key in keys if key not in states}
        states |= news
        self._puts += len(news)

    def expire(self) -> None:
        """Forget everything at the next `trim`: a batch that has recalled what it needs is judged by it first."""
        self._expired = True

    def trim(self) -> None:
        """Forget the least recent beyond the capacity, or all after `expire`. Between batches only."""
        if self._expired:
            self._states.clear()
            self._expired = False
            self.forgettings += 1
        if self._puts:  # else the same batch tries again: it must not push out what was put before it
            self._recent_puts.append(self._puts)
            self._puts = 0
        excess = len(self._states) - max(self._capacity, sum(self._recent_puts))
        if excess > 0:
            self.forgettings += 1
            for key in list(islice(self._states, excess)):
                del self._states[key]
