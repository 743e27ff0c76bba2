"""Records made by chance from the structure of the events: what the fuzzers and the model feed the product with.

All chance comes from the `Random` that is handed in: one with a seed gives the same record again, hypothesis' own
shrinks what it finds, and that of `ByteRandom` lets a coverage-guided fuzzer choose.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.bad_input.case import TOPICS, good
from tests.bad_input.corpus import corpus
from tests.bad_input.hostile import PATHS
from tests.bad_input.values import NAMES, NANOSECONDS, TIMES, UUIDS

_EVENTS = 60
"""So few different events that many come again, with a part of them changed."""
_LONGEST = 600_000
"""A little over what is taken."""
_CHARACTERS = (
    "\0\x01\t\n\r\x1a\x1b'\"\\%_/<>{}[]:;,.$ -aZ09é\x7f\x85\u0301\u200d\u2028\u202e\ufeff\uffff\U0001f680\ud800"
)
_NUMBERS = (0, 1, -1, 255, 256, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**40)
_FLOATS = (0.5, -0.0, 1e15, 1.1e15, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"))
_WORDS = tuple(
    value for variants in (NAMES, TIMES, NANOSECONDS, UUIDS) for _, value, _, _ in variants if isinstance(value, str)
) + tuple(PATHS.values())
_TIMES_NS = (1_763_632_000_123_456_789, 1_763_632_000_000_000_000, 1_795_169_532_123_456_789, 0, -1)
_BYTES = (
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\0",
    b'"',
    b"\\u",
    b"}",
    b"[",
    b"1e999",
    b"NaN",
    b"\xef\xbb\xbf",
    b"\n",
)


class ByteRandom(Random):
    """Takes its chance from bytes, and zeros when they are used up."""

    def __init__(self, source: bytes) -> None:
        super().__init__(0)
        self._source = source
        self._place = 0

    def getrandbits(self, k: int) -> int:
        size = (k + 7) // 8
        taken = self._source[self._place : self._place + size]
        self._place += size
        return int.from_bytes(taken.ljust(size, b"\0"), "big") >> (8 * size - k)

    def random(self) -> float:
        return self.getrandbits(16) / 65536


def generate(random: Random) -> tuple[str, bytes | None]:
    """A topic and the value of one record: an honest event, one with some parts changed, or none at all."""
    topic = random.choice(TOPICS)
    if random.random() < 0.03:
        case = random.choice(corpus())
        if case.value is None or len(case.value) < 20_000:
            return case.topic, _spoilt(random, case.value)
    event: Any = good(topic, random.randrange(_EVENTS))
    if random.random() < 0.1:
        items = event.get("files") or event.get("documents")
        if items:
            items *= random.choice((2, 3, 20))
    for _ in range(random.choice((0, 1, 1, 2, 3, 6))):
        event = _changed(random, event)
    value = _encoded(random, event)
    return topic, _spoilt(random, value) if random.random() < 0.25 else value


def _encoded(random: Random, event: Any) -> bytes:
    style = random.randrange(4)
    text = json.dumps(
        event,
        ensure_ascii=style == 0,
        indent=1 if style == 1 else None,
        separators=(",", ":") if style == 2 else None,
    )
    return text.encode("utf-8", "surrogatepass")


def _changed(random: Random, event: Any) -> Any:
    """The event with one of its parts, at any depth, replaced, removed, repeated or added."""
    place: Any = event
    while True:  # a walk from the root, which ends at each level with some chance
        if isinstance(place, dict) and place:
            key = random.choice(list(place))
        elif isinstance(place, list) and place:
            key = random.randrange(len(place))
        else:
            return _odd(random)
        below = place[key]
        if not isinstance(below, dict | list) or not below or random.random() < 0.15:
            break
        place = below
    what = random.randrange(10)
    if what == 0:
        del place[key]
    elif what == 1 and isinstance(place, dict):
        place[random.choice(_WORDS)] = _odd(random)
    elif what == 2 and isinstance(place, list):
        place.append(_odd(random))
    elif what == 3:
        place[key] = [below] if random.random() < 0.5 else {"": below}
    else:
        place[key] = _like(random, below)
    return event


def _like(random: Random, value: Any) -> Any:
    """A value of the same kind that is a little different, or one of any kind."""
    if random.random() < 0.3:
        return _odd(random)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        if random.random() < 0.5:
            return random.choice(_TIMES_NS) + random.choice((-1, 0, 1, 1_000_000_000))
        return random.choice((value + 1, value - 1, -value, value * 1000, str(value), float(value), *_NUMBERS))
    if isinstance(value, str):
        return _spelt(random, value)
    return _odd(random)


def _spelt(random: Random, text: str) -> str:
    what = random.randrange(6)
    at = random.randrange(len(text) + 1)
    if what == 0:
        return text[:at] + random.choice(_CHARACTERS) + text[at:]
    if what == 1:
        return text[:at] + text[at + 1 :]
    if what == 2:
        return (text * random.choice((2, 20, 400)))[:_LONGEST]
    if what == 3:
        return text.upper()
    if what == 4:
        return text[:at] + random.choice(_WORDS)
    return random.choice(_WORDS)


_ODD: tuple[Callable[[Random], Any], ...] = (
    lambda _: None,
    lambda random: random.random() < 0.5,
    lambda random: random.choice(_NUMBERS),
    lambda random: random.choice(_FLOATS),
    lambda random: random.choice(_WORDS),
    lambda random: "".join(random.choice(_CHARACTERS) for _ in range(random.randrange(12))),
    lambda random: [_odd(random) for _ in range(random.randrange(3))],
    lambda random: {random.choice(_WORDS): _odd(random) for _ in range(random.randrange(3))},
    lambda random: _nested(random.choice((4, 5, 6, 30, 190, 260))),
)


def _odd(random: Random) -> Any:
    return random.choice(_ODD)(random)


def _nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def _spoilt(random: Random, value: bytes | None) -> bytes | None:
    """The bytes with some of them changed, whatever they mean."""
    if value is None or random.random() < 0.02:
        return None
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(value) + 1)
        what = random.randrange(6)
        if what == 0:
            value = value[:at] + bytes([random.getrandbits(8)]) + value[at + 1 :]
        elif what == 1:
            value = value[:at] + random.choice(_BYTES) + value[at:]
        elif what == 2:
            value = value[:at] + value[at + random.randrange(1, 9) :]
        elif what == 3:
            value = value[:at]
        elif what == 4:
            value = value[:at] + value[at // 2 :]
        elif value:
            value = value[at:] + value[:at]
    return value
