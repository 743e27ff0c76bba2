"""What a worker is flooded with: who writes it, and what must become of it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from time import time
from typing import Any

import orjson

from benchmarks.load import PARTITIONS, Load, Message, preload, write
from benchmarks.lookups import make_specs
from benchmarks.stack import TOPIC, BenchStack
from streams.settings import Settings, load_settings
from streams.store.database import Database
from streams.store.registry import insert_missing
from tests.bad_input.corpus import corpus

CLOCKS = "clock-sync.v1"
_BOMB_BYTES = {"gzip": 100_000_000, "lz4": 100_000_000, "zstd": 100_000_000, "snappy": 12_000_000}
"""Uncompressed; a batch of the topic's limit could hold ten times as much. Snappy shrinks zeros to a twentieth only."""
_SLOW_PATTERN = "|".join(f"a.{{{size}}}b" for size in range(100, 300, 7))


@dataclass(frozen=True)
class Expected:
    """How a flood must end; `rows` of `table`."""

    records: int
    dead: int = 0
    rows: int = 0
    table: str = "filesystem_timestamps"
    topic: str = TOPIC


@dataclass(frozen=True)
class Flood:
    """`write` fills the topics of a prefix before the worker starts. It gets `True` for a small form."""

    title: str
    write: Callable[[BenchStack, str, bool], Expected]
    settings: tuple[tuple[str, str], ...] = ()


def _now_us() -> int:
    return int(time()) * 1_000_000


def bad_records(stack: BenchStack, prefix: str, small: bool) -> Expected:
    """The dead cases of the corpus that are no longer than an event is, again and again."""
    values = [case.value for case in corpus() if case.topic == TOPIC and case.is_dead and len(case.value or b"") < 2000]
    count = 5_000 if small else 200_000
    now_ms = _now_us() // 1000

    def messages() -> Iterator[Message]:
        for number, value in enumerate(islice(cycle(values), count)):
            yield value, b"bad", number % PARTITIONS, now_ms

    return Expected(write(stack.kafka_bootstrap, prefix + TOPIC, messages()), dead=count)


def spread(stack: BenchStack, prefix: str, small: bool) -> Expected:
    """Honest events of forty hosts: what the others are compared with."""
    count = 2_000 if small else 100_000
    preload(stack.kafka_bootstrap, prefix + TOPIC, Load(_now_us()), count)
    return Expected(count, rows=count)


def one_key(stack: BenchStack, prefix: str, small: bool) -> Expected:
    """The same events, all of them under one key and so in one partition."""
    count = 2_000 if small else 100_000
    load = Load(_now_us())

    def messages() -> Iterator[Message]:
        for number in range(count):
            event = load.event(number)
            yield event.value, b"build-00", 0, event.captured_at_us // 1000

    return Expected(write(stack.kafka_bootstrap, prefix + TOPIC, messages()), rows=count)


def large_events(stack: BenchStack, prefix: str, small: bool) -> Expected:
    """Captures of 1,000 files, with paths so long that each event has the most bytes that are taken."""
    count = 5 if small else 200
    limit = load_settings().max_record_bytes
    load = Load(_now_us(), files_per_event=1000)

    def messages() -> Iterator[Message]:
        for number in range(count):
            event = load.event(number)
            document = orjson.loads(event.value)
            room = (limit - len(event.value)) // len(document["files"])
            for file in document["files"]:
                folder, _, name = file["file_path"].rpartition("/")
                file["file_path"] = f"{folder}/{'d' * (room - 1)}/{name}"
            yield orjson.dumps(document), event.host.encode(), load.partition(number), event.captured_at_us // 1000

    return Expected(write(stack.kafka_bootstrap, prefix + TOPIC, messages()), rows=count * 1000)


def bombs(stack: BenchStack, prefix: str, small: bool) -> Expected:
    """Zeros by every codec, twenty of each, between honest events."""
    honest, of_each = (500, 2) if small else (5_000, 20)
    load, topic = Load(_now_us()), prefix + TOPIC
    preload(stack.kafka_bootstrap, topic, load, honest // 2)
    now_ms = _now_us() // 1000
    for codec, size in _BOMB_BYTES.items():
        zeros = b"\0" * size
        messages = ((zeros, b"bomb", number % PARTITIONS, now_ms) for number in range(of_each))
        options: dict[str, Any] = {
            "compression_type": codec,
            "message_max_bytes": 200_000_000,
            "batch_num_messages": 1,
            "queue_buffering_max_kbytes": 1_000_000,
        }
        write(stack.kafka_bootstrap, topic, messages, **options)
    preload(stack.kafka_bootstrap, topic, load, honest - honest // 2, first=honest // 2)
    dead = of_each * len(_BOMB_BYTES)
    return Expected(honest + dead, dead=dead, rows=honest)


def components(stack: BenchStack, prefix: str, small: bool) -> Expected:
    """One reading of each of so many components: a label of the metrics could be made of every name."""
    count = 1_000 if small else 20_000
    now_us = _now_us()

    def messages() -> Iterator[Message]:
        for number in range(count):
            name = f'component-{number}"}} 1'
            reading = {
                "event_id": f"00000000-0000-4000-8000-{number:012}",
                "component_name": name,
                "protocol": "Server",
                "offset_microseconds": number % 900,
            }
            yield orjson.dumps(reading), name.encode(), number % PARTITIONS, now_us // 1000

    written = write(stack.kafka_bootstrap, prefix + CLOCKS, messages())
    return Expected(written, rows=count, table="clock_sync_status", topic=CLOCKS)


def slow_standard(stack: BenchStack, prefix: str, small: bool) -> Expected:
    """A standard that takes half a second for a long path, put into the table by hand, past every lint."""
    with stack.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO metadata_standards (id, code, version, kind, applies_to, category, field, pattern, match_mode,"
            " severity, status) VALUES (UUID(), 'FS-SLOW-001', 1, 'regex', 'filesystem', 'naming', 'file_path', %s,"
            " 'must_not_match', 'low', 'active')",
            (_SLOW_PATTERN,),
        )
    return spread(stack, prefix, small)


def many_standards(stack: BenchStack, prefix: str, small: bool) -> Expected:
    """10,000 standards beside those of the seed."""
    with stack.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM metadata_standards WHERE code = 'FS-SLOW-001'")
    settings = load_settings(database_url=stack.database_url)
    asyncio.run(_insert(settings, 500 if small else 10_000))
    return spread(stack, prefix, small)


async def _insert(settings: Settings, count: int) -> None:
    async with Database(settings, connections=2) as database:
        await insert_missing(database, make_specs(count))


FLOODS = {
    "spread": Flood("honest events of 40 hosts, for comparison", spread),
    "bad": Flood("100 % bad records at full speed", bad_records),
    "one_key": Flood("one key takes all load", one_key),
    "large": Flood("1,000-file events of 524,288 bytes", large_events),
    "bombs": Flood("compressed bombs between honest events", bombs),
    "bombs_unlimited": Flood("the same with a limit of 1 GB", bombs, (("MAX_BATCH_BYTES", "1000000000"),)),
    "components": Flood("20,000 components of one reading", components),
    "slow_standard": Flood("a standard written to be slow, put in by hand", slow_standard),
    "many_standards": Flood("10,000 standards", many_standards),
}
"""In this order: the last two change the standards, and the servers are thrown away behind them."""
