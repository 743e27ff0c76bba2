"""Which paths the database may hold records of: a Bloom filter of their keys.

Most paths of a first scan, or of a build's new artefacts, are new, and to ask the database about each costs a quarter
of what can be stored in a second. The filter says "certainly not" of all but one in two hundred of them, without a
query, at 13 bits a path.
"""

from collections.abc import Awaitable, Callable, Iterable
from struct import Struct

_LEAST_BITS_A_PATH = 10
_probes = Struct("<4I").unpack
"""The keys are parts of SHA-256 sums: four pieces of one are as good as four hashes."""


class KnownPaths:
    """Says nothing (every path may be known) until it holds all keys of the database, and when they are too many.

    What the database is about to hold is added when it is judged. What others write is not seen: a host's records come
    from one partition (its key), and whoever is assigned a partition begins anew.
    """

    def __init__(self, capacity: int) -> None:
        """`capacity` paths, with 16-byte keys, at the most; with 0 it never says anything."""
        bits = 1 << max(3, (capacity * _LEAST_BITS_A_PATH - 1).bit_length())
        self._bits = bytearray(bits // 8)
        self._mask = bits - 1
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
            self.add(keys)
            self._complete = len(keys) < count
            self._after = keys[-1] if keys else self._after

    def begin_anew(self) -> None:
        """Others may have written since: load all keys again. Those that are known stay known."""
        self._beginnings += 1
        self._complete = False
        self._after = b""

    def add(self, keys: Iterable[bytes]) -> None:
        """The database holds records of these paths, or will."""
        if self._is_full:
            return
        bits, mask = self._bits, self._mask
        for key in keys:
            new = False
            for probe in _probes(key):
                at, bit = (probe & mask) >> 3, 1 << (probe & 7)
                if not bits[at] & bit:
                    bits[at] |= bit
                    new = True
            self._added += new

    def may_be_known(self, keys: list[bytes]) -> list[bytes]:
        """Those of the keys that the database may hold; of all others it has no record."""
        if not self._complete or self._is_full:
            return keys
        bits, mask = self._bits, self._mask
        found = []
        for key in keys:
            a, b, c, d = _probes(key)
            if (
                bits[(a & mask) >> 3] >> (a & 7) & 1
                and bits[(b & mask) >> 3] >> (b & 7) & 1
                and bits[(c & mask) >> 3] >> (c & 7) & 1
                and bits[(d & mask) >> 3] >> (d & 7) & 1
            ):
                found.append(key)
        return found
