"""Batches as a broker hands them over, made by aiokafka's own builder: honest ones, bombs, and broken ones."""

import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record import default_records
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from schemas.events import ClockReading
from streams.decode import decode
from streams.kafka import bounded_records
from streams.plan import Plan, UnreadableBatch

LIMIT = 1_000_000
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
COMPRESSED = [name for name in CODECS if name != "none"]
Read = Callable[..., list[Any]]


@pytest.fixture
def read() -> Iterator[Read]:
    """Reads a fetched partition's bytes as the worker's consumer does."""
    modules = [default_records, bounded_records.compiled_records]
    before = [(module, name, getattr(module, name)) for module in modules for name in bounded_records._DECODERS]
    bounded_records.install(LIMIT)

    def read(fetched: bytes, offset: int = 0) -> list[Any]:
        place = TopicPartition("t", 3)
        records = fetcher.PartitionRecords(place, MemoryRecords(fetched), [], offset, None, None, False, 0)
        read.records = records  # type: ignore[attr-defined]
        return list(records)

    yield read
    fetcher.PartitionRecords = bounded_records._PartitionRecords
    for module, name, value in before:
        setattr(module, name, value)


def batch(codec: str, values: list[bytes], first: int = 0) -> bytes:
    """A batch whose first record is at an offset."""
    builder = default_records.DefaultRecordBatchBuilder(2, CODECS[codec], False, -1, -1, -1, 1 << 30)
    for number, value in enumerate(values):
        builder.append(number, 1_700_000_000_000 + number, b"key", value, [("h\xe9", b"x"), ("empty", None)])
    made = bytearray(builder.build())
    made[:8] = struct.pack(">q", first)
    return bytes(made)


@pytest.mark.parametrize("codec", CODECS)
def test_honest_batches_are_read_as_ever(read: Read, codec: str) -> None:
    values = [b"%d" % number * 100 for number in range(50)]
    records = read(batch(codec, values, first=7) + batch(codec, values, first=57))
    assert [record.value for record in records] == values * 2
    assert [record.offset for record in records] == list(range(7, 107))
    assert {(record.topic, record.partition, record.key) for record in records} == {("t", 3, b"key")}
    assert records[0].headers == (("h\xe9", b"x"), ("empty", None))


@pytest.mark.parametrize("codec", COMPRESSED)
def test_a_bomb_is_one_dead_letter_and_the_next_batch_is_read(read: Read, codec: str) -> None:
    bomb = batch(codec, [b"\0" * 600_000, b"\0" * 600_000], first=10)
    assert len(bomb) < 100_000
    before, unread, after = read(batch(codec, [b"a"], first=9) + bomb + batch(codec, [b"b"], first=12))
    assert (before.value, after.value, after.offset) == (b"a", b"b", 12)
    assert isinstance(unread, UnreadableBatch)
    assert (unread.topic, unread.partition, unread.offset) == ("t", 3, 11)
    assert unread.timestamp == 1_700_000_000_001
    plan = decode(unread, ClockReading, 1000)
    assert isinstance(plan, Plan)
    assert plan.dead_letter is not None
    assert (plan.dead_letter.reason, plan.dead_letter.stage) == ("unreadable_batch", "fetch")
    assert plan.dead_letter.message == (
        "batch: of offsets 10 to 11: decompresses to more than 1000000 bytes: send smaller batches"
    )


@pytest.mark.parametrize("codec", COMPRESSED)
@pytest.mark.parametrize(("size", "is_read"), [(LIMIT - 50, True), (LIMIT, False)])
def test_the_limit_is_where_it_is_said_to_be(read: Read, codec: str, size: int, is_read: bool) -> None:
    (record,) = read(batch(codec, [b"x" * size]))
    assert isinstance(record, UnreadableBatch) is not is_read


@pytest.mark.parametrize("codec", COMPRESSED)
def test_what_only_looks_compressed_is_one_dead_letter(read: Read, codec: str) -> None:
    broken = bytearray(batch(codec, [b"x" * 1000, b"y" * 1000]))
    broken[70:] = b"\xa5" * (len(broken) - 70)
    (unread,) = read(bytes(broken))
    assert isinstance(unread, UnreadableBatch)
    assert "cannot be read (" in unread.why
    assert unread.offset == 1


def test_a_header_that_is_not_utf8_is_one_dead_letter(read: Read) -> None:
    good = batch("none", [b"a"])
    odd = good.replace("h\xe9".encode(), b"h\xff\xfe")
    assert odd != good
    unread, next_one = read(odd + batch("none", [b"b"], first=1))
    assert "cannot be read (" in unread.why
    assert next_one.value == b"b"


def test_a_fetch_full_of_large_batches_is_handed_over_in_parts(read: Read) -> None:
    fetched = b"".join(batch("zstd", [b"\0" * 900_000], first=number) for number in range(20))
    assert len(fetched) < 10_000
    records = read(fetched)
    assert [record.offset for record in records] == list(range(5))
    assert read.records.next_fetch_offset == 5  # type: ignore[attr-defined]  # from where the consumer fetches again
