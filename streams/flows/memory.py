"""A bounded memory of newest states, so that the database is asked about a key only once."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
State = TypeVar("State")


class Memory(Generic[Key, State]):
    """Keys to states; None is remembered too ("the database has none"). The least recently written go first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._states: dict[Key, State | None] = {}
        self._expired = False

    def __len__(self) -> int:
        return len(self._states)

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """The keys that memory says nothing about, each once, in order."""
        return [key for key in dict.fromkeys(keys) if key not in self._states]

    def get(self, key: Key) -> State | None:
        """The state; None if there is none or it is not known."""
        return self._states.get(key)

    def put(self, key: Key, state: State | None) -> None:
        """Remember a state as the newest."""
        self._states.pop(key, None)
        self._states[key] = state

    def expire(self) -> None:
        """Forget everything at the next `trim`: a batch that has recalled what it needs is judged by it first."""
        self._expired = True

    def trim(self) -> None:
        """Forget the least recent beyond the capacity, or all after `expire`. Between batches only."""
        if self._expired:
            self._states.clear()
            self._expired = False
        excess = len(self._states) - self._capacity
        if excess > 0:
            for key in list(self._states)[:excess]:
                del self._states[key]
