"""Which paths the database may hold records of: a Bloom filter of their keys.

Most paths of a first scan, or of a build's new artefacts, are new, and to ask the database about each costs a quarter
of what can be stored in a second. The filter says "certainly not" without a query: at 13 bits a path, which is full, of
all but some two in a hundred.
"""

from collections.abc import Awaitable, Callable
from itertools import combinations, islice
from struct import Struct

_LEAST_BITS_A_PATH = 10
_WORD_BITS = 64
_BITS_OF_A_PATH = 4
_halves = Struct("<QQ").unpack
"""The keys are parts of SHA-256 sums: the halves of one are as good as two hashes."""

_PATTERNS = [
    sum(1 << place for place in places)
    for places in islice(combinations(range(_WORD_BITS), _BITS_OF_A_PATH), 0, 155 * 4096, 155)
]
"""4,096 of the 635,376 ways to choose four bits of a word. A path sets those of one: that is one look at memory, where
four bits anywhere are four, and a third of their cost."""


class KnownPaths:
    """Says nothing (every path may be known) until it holds all keys of the database, and when they are too many.

    What the database is about to hold is known as soon as it is asked about. What others write is not seen: a host's
    records come from one partition (its key), and whoever is assigned a partition begins anew.
    """

    def __init__(self, capacity: int) -> None:
        """`capacity` paths, with 16-byte keys, at the most; with 0 it never says anything."""
        words = 1 << max(0, (max(1, capacity) * _LEAST_BITS_A_PATH // _WORD_BITS).bit_length())
        self._words = memoryview(bytearray(8 * words)).cast("Q")  # zeros that take no memory before they are touched
        self._mask = words - 1
        self._capacity = capacity
        self._added = 0
        self._complete = self._loading = False
        self._after = b""
        self._beginnings = 0

    @property
    def _is_full(self) -> bool:
        return self._added >= self._capacity

    async def load(self, keys_after: Callable[[bytes, int], Awaitable[list[bytes]]], count: int) -> None:
        """Take in the next `count` keys of the database, unless all are known or being loaded.

        `keys_after` returns so many at the most of those that are greater than a key, in order.
        """
        if self._complete or self._loading or self._is_full:
            return
        beginnings, self._loading = self._beginnings, True
        try:
            keys = await keys_after(self._after, count)
        finally:
            self._loading = False
        if beginnings == self._beginnings:
            self._add(keys)
            self._complete = len(keys) < count
            self._after = keys[-1] if keys else self._after

    def begin_anew(self) -> None:
        """Others may have written since: load all keys again. Those that are known stay known."""
        self._beginnings += 1
        self._complete = False
        self._after = b""

    def note(self, keys: list[bytes]) -> list[bytes]:
        """Those of the keys that the database may hold; of the others it has no record, and may from now on."""
        if self._is_full:
            return keys
        known = self._add(keys)
        return known if self._complete else keys

    def _add(self, keys: list[bytes]) -> list[bytes]:
        """Returns those that looked as if they had been added before."""
        words, mask, patterns = self._words, self._mask, _PATTERNS
        known = []
        for key in keys:
            place, bits = _halves(key)
            place &= mask
            bits = patterns[bits & 4095]
            word = words[place]
            if word & bits == bits:
                known.append(key)
            else:
                words[place] = word | bits
        self._added += len(keys) - len(known)
        return known
