"""Batches of records that would burst the memory, or that nobody can read: each is one dead letter and no crash.

A producer may compress a gigabyte of zeros into a megabyte, which every broker takes: its limit counts compressed
bytes. aiokafka decompresses a batch whole and without a limit, and what it cannot parse it raises in the fetch, so
that either would stop every worker of the group, again after each restart. Here decompression ends at a limit, and a
batch that exceeds it or that cannot be parsed becomes an `UnreadableBatch`.
"""

import zlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import cramjam
from aiokafka.consumer import fetcher
from aiokafka.record import default_records

from streams.plan import UnreadableBatch

_ENOUGH_BYTES = 4_000_000
"""Decompressed bytes of one fetched partition after which the rest of its batches is fetched again, later: a fetch of
a megabyte may hold a hundred batches that each stay under the limit."""

_LEAST_ROOM_BYTES, _USUAL_RATIO = 65_536, 16
"""Honest events shrink to a tenth: to clear room up to the limit for every small batch would cost a millisecond."""

_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16
_PartitionRecords = fetcher.PartitionRecords
_DECODERS = ("gzip_decode", "snappy_decode", "lz4_decode", "zstd_decode")

try:
    from aiokafka.record._crecords import default_records as compiled_records
except ImportError:  # a platform without aiokafka's compiled parts
    compiled_records = None


class BatchTooLargeError(Exception):
    """A batch decompresses to more than the limit."""


class Decompression:
    """Decoders in place of aiokafka's, which stop at `most_bytes`; `decoded_bytes` counts what they returned."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.decoded_bytes = 0

    def decoders(self) -> dict[str, Callable[[Any], bytes]]:
        """By the names that aiokafka gives them."""
        made = (self._gzip, self._snappy, self._into(cramjam.lz4), self._into(cramjam.zstd))
        return dict(zip(_DECODERS, map(self._counted, made), strict=True))

    def _counted(self, decode: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
        def decode_and_count(payload: Any) -> bytes:
            decoded = decode(payload)
            self.decoded_bytes += len(decoded)
            return decoded

        return decode_and_count

    def _gzip(self, payload: Any) -> bytes:
        out, rest = [], bytes(payload)
        room = self.most_bytes
        while rest:  # gzip files may stand one behind the other
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            out.append(member.decompress(rest, room + 1))
            room -= len(out[-1])
            if room < 0:
                raise BatchTooLargeError
            if not member.eof:
                raise zlib.error("incomplete gzip stream")
            rest = member.unused_data
        return b"".join(out)

    def _snappy(self, payload: Any) -> bytes:
        view = memoryview(payload)
        if bytes(view[: len(_XERIAL)]) != _XERIAL:
            return self._snappy_block(view, self.most_bytes)
        out, room, at = [], self.most_bytes, _XERIAL_HEADER_BYTES
        while at < len(view):
            size = int.from_bytes(view[at : at + 4], "big")
            out.append(self._snappy_block(view[at + 4 : at + 4 + size], room))
            room -= len(out[-1])
            at += 4 + size
        return b"".join(out)

    def _snappy_block(self, block: memoryview, room: int) -> bytes:
        if cramjam.snappy.decompress_raw_len(block) > room:
            raise BatchTooLargeError
        return bytes(cramjam.snappy.decompress_raw(block))

    def _into(self, codec: Any) -> Callable[[Any], bytes]:
        def decode(payload: Any) -> bytes:
            usual = _LEAST_ROOM_BYTES + _USUAL_RATIO * len(payload)
            for room_bytes in (min(usual, self.most_bytes), self.most_bytes):
                room = bytearray(room_bytes)
                try:
                    return bytes(memoryview(room)[: codec.decompress_into(payload, room)])
                except cramjam.DecompressionError as error:
                    if "write" not in str(error):
                        raise
            raise BatchTooLargeError

        return decode


class _Batches:
    """Stands where aiokafka has the batches of one fetched partition, and hands each over as readable."""

    def __init__(self, records: Any, decompression: Decompression) -> None:
        self._records = records
        self._decompression = decompression
        self._until_bytes = decompression.decoded_bytes + _ENOUGH_BYTES

    def has_next(self) -> bool:
        return self._decompression.decoded_bytes < self._until_bytes and self._records.has_next()

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        return batch if batch.is_control_batch else _Readable(batch, self._decompression.most_bytes)


class _Readable:
    """A batch whose records are either all read or stood for by one `UnreadableBatch`."""

    def __init__(self, batch: Any, most_bytes: int) -> None:
        self._batch = batch
        self._most_bytes = most_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except BatchTooLargeError:
            why = f"decompresses to more than {self._most_bytes} bytes: send smaller batches"
        except Exception as error:  # noqa: BLE001  # whatever a parser says of bytes that a stranger wrote
            why = f"cannot be read ({type(error).__name__})"
        batch = self._batch
        last = batch.next_offset - 1
        of = f"batch: of offsets {batch.base_offset} to {last}"
        return iter([UnreadableBatch("", 0, last, batch.max_timestamp, batch.timestamp_type, f"{of}: {why}")])


def install(most_bytes: int) -> None:
    """Make every consumer of this process read batches so; those that were fetched already stay as they are."""
    decompression = Decompression(most_bytes)
    modules: list[ModuleType] = [default_records]
    if compiled_records is not None:
        modules.append(compiled_records)
    for module in modules:
        for name, decode in decompression.decoders().items():
            setattr(module, name, decode)

    class BoundedPartitionRecords(_PartitionRecords):  # type: ignore[misc,valid-type]
        def __init__(self, tp: Any, records: Any, *rest: Any) -> None:
            super().__init__(tp, _Batches(records, decompression), *rest)

        def _consumer_record(self, tp: Any, record: Any) -> Any:
            if isinstance(record, UnreadableBatch):
                return record.found_in(tp.topic, tp.partition)
            return super()._consumer_record(tp, record)

    fetcher.PartitionRecords = BoundedPartitionRecords
