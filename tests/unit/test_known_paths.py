"""The filter of known paths: never "certainly not" of a path that the database holds, nearly always of the others."""

from bisect import bisect_right
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.flows.known_paths import KnownPaths

KEYS = st.sets(st.binary(min_size=16, max_size=16), max_size=60)


def some_keys(count: int, seed: int = 1) -> list[bytes]:
    random = Random(seed)
    return [random.randbytes(16) for _ in range(count)]


class Table:
    """The path keys of a table, in order; says how often it was asked."""

    def __init__(self, keys: list[bytes]) -> None:
        self.keys = sorted(keys)
        self.questions = 0

    async def keys_after(self, key: bytes, count: int) -> list[bytes]:
        self.questions += 1
        first = bisect_right(self.keys, key)
        return self.keys[first : first + count]


async def load_all(known: KnownPaths, table: Table, count: int) -> None:
    for _ in range(len(table.keys) // count + 1):
        await known.load(table.keys_after, count)


@given(stored=KEYS, judged=KEYS, others=KEYS, count=st.integers(1, 70))
async def test_what_is_stored_or_about_to_be_is_never_called_new(
    stored: set[bytes], judged: set[bytes], others: set[bytes], count: int
) -> None:
    known, table = KnownPaths(1000), Table(list(stored))
    known.note(list(judged))
    await load_all(known, table, count)
    asked = list(stored | judged | others)
    assert stored | judged <= set(known.note(asked))


async def test_most_new_paths_are_told_without_a_query_at_its_capacity() -> None:
    mistaken = 0
    for seed in range(2, 22):  # of 20,000 new ones together
        known, table = KnownPaths(20_000), Table(some_keys(19_000))
        new = some_keys(1000, seed)
        assert known.note(new[:10]) == new[:10]  # nothing is loaded
        await load_all(known, table, 1000)
        mistaken += len(known.note(new[10:]))
        assert known.note(new) == new  # their records are on the way to the database
    assert mistaken < 300  # 1.5 %, where 0.9 % are to be expected
    asked = table.questions
    await known.load(table.keys_after, 1000)
    assert table.questions == asked


async def test_an_empty_table_is_known_at_once() -> None:
    known = KnownPaths(10)
    await known.load(Table([]).keys_after, 500)
    assert known.note(some_keys(3)) == []


@pytest.mark.parametrize("capacity", [0, 50])
async def test_too_many_paths_are_all_looked_up_and_no_longer_loaded(capacity: int) -> None:
    known, table, new = KnownPaths(capacity), Table(some_keys(200)), some_keys(5, seed=2)
    await load_all(known, table, 20)
    assert known.note(new) == new
    assert table.questions == -(-capacity // 20)


async def test_what_another_worker_wrote_is_loaded_when_partitions_moved() -> None:
    known, table = KnownPaths(1000), Table(some_keys(30))
    await load_all(known, table, 100)
    theirs = some_keys(5, seed=2)
    table.keys = sorted(table.keys + theirs)
    known.begin_anew()
    assert known.note(theirs[:1]) == theirs[:1]
    await load_all(known, table, 10)
    assert known.note(theirs) == theirs
    assert len(known.note(some_keys(1000, seed=3))) < 100


async def test_a_load_that_began_before_partitions_moved_counts_for_nothing() -> None:
    known, table = KnownPaths(1000), Table([])
    theirs = some_keys(5)

    async def moved_meanwhile(key: bytes, count: int) -> list[bytes]:
        keys = await table.keys_after(key, count)
        known.begin_anew()
        return keys

    await known.load(moved_meanwhile, 10)
    table.keys = sorted(theirs)
    assert known.note(theirs[:1]) == theirs[:1]
    await known.load(table.keys_after, 10)
    assert known.note([*theirs, *some_keys(5, seed=2)]) == theirs


async def test_a_load_that_failed_is_tried_again() -> None:
    async def away(_: bytes, __: int) -> list[bytes]:
        raise ConnectionError

    known, table = KnownPaths(1000), Table(some_keys(5))
    with pytest.raises(ConnectionError):
        await known.load(away, 10)
    await known.load(table.keys_after, 10)
    assert known.note([*table.keys, *some_keys(5, seed=2)]) == table.keys
