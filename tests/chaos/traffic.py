"""What is sent: honest and tampered captures, clocks, submissions, repetitions and garbage, in a fixed mixture.

Every message is written from the contract alone. What must become of it is `oracle.py`'s matter, which reads the
messages and knows nothing of how they were made.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from tests.e2e import events
from tests.e2e.events import Message

FILES, CLOCKS, SUBMISSIONS = events.TOPICS
SECOND = 10**9
_START = datetime(2026, 11, 20, 10, tzinfo=UTC)


class Traffic:
    """An endless sequence of messages, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._messages = self._endless()

    def take(self, number: int) -> list[Message]:
        return [next(self._messages) for _ in range(number)]

    def _endless(self) -> Iterator[Message]:
        for number in count():
            at = (_START + timedelta(milliseconds=20 * number)).isoformat()
            host = f"host-{number % 7}"
            files = [f"/srv/repo/src/file_{number}_{part}.py" for part in range(1 + number % 3)]
            tampered = {"mtime_ns": events.BASE_NS + 60 * SECOND} if number % 25 == 0 else {}
            capture = events.message(FILES, host, events.capture(self._random, host, files, at, **tampered))
            yield capture
            if number % 20 == 7:  # the same path an hour later: mtime tells of a write of which ctime knows nothing
                later = (_START + timedelta(milliseconds=20 * number, hours=1)).isoformat()
                changed = events.capture(self._random, host, files[:1], later, mtime_ns=events.BASE_NS - 5 * SECOND)
                yield events.message(FILES, host, changed)
            if number % 30 == 11:
                yield capture  # a producer that tries again
            if number % 10 == 3:
                yield self._reading(number // 10, at)
            if number % 15 == 4:
                yield from self._submissions(number)
            if number % 60 == 13:
                yield FILES, host.encode(), self._random.choice([b"{", b"[]", b"\xff\xfe\x00", None, b'{"host": 5}'])

    def _reading(self, number: int, at: str) -> Message:
        """Of four clocks the last is fast, from its first reading to its last."""
        component = f"clock-{number % 4}"
        offset = 25_000 if number % 4 == 3 else 100
        return events.message(CLOCKS, component, events.reading(self._random, component, offset, at))

    def _submissions(self, number: int) -> Iterator[Message]:
        """Every second one breaks a standard; every fourth is followed by another content under its id."""
        name = f"submission-{number}"
        version = {"version": "one"} if number % 2 else {}
        yield events.message(SUBMISSIONS, name, events.submission(self._random, name, **version))
        if number % 4 == 0:
            yield events.message(SUBMISSIONS, name, events.submission(self._random, name, version="2.0.0"))
