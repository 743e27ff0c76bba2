"""Reading dead letters, and sending them back to where they came from."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.errors import UserError
from streams.kafka.announcer import Announcer
from streams.kafka.dead_letters import OWN_HEADERS, SUFFIX
from streams.kafka.outgoing import Outgoing
from streams.kafka.security import client_options
from streams.kafka.topics import INPUTS, list_topics
from streams.settings import Settings

REPLAYS = "dlq.replays"
MOST_REPLAYS = 5
_STUB = "dlq.value_sha256"
_POLL_MS = 500
_FETCH_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter, as it lies in its topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def said(self, header: str) -> str:
        """One of our headers as text; empty where it is missing."""
        return dict(self.headers).get(header, b"").decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        """The stable code."""
        return self.said("dlq.reason")

    @property
    def source(self) -> str:
        """Topic partition:offset of the record."""
        where = [self.said(f"__dlq.errors.{part}") for part in ("topic", "partition", "offset")]
        return f"{where[0]} {where[1]}:{where[2]}"

    @property
    def replays(self) -> int:
        """How often the record was sent back before."""
        count = self.said(REPLAYS)
        return int(count) if count.isdigit() else 0


def dead_letter_topics(settings: Settings, given: str) -> list[str]:
    """The dead-letter topics of one input, named with or without prefix and suffix, or of all."""
    if not given:
        return [settings.topic(name + SUFFIX) for name in INPUTS]
    bare = given.removeprefix(settings.topic_prefix).removesuffix(SUFFIX)
    if bare not in INPUTS:
        raise UserError(f"TOPIC {given!a}: is none of ours; choose one of {', '.join(INPUTS)}")
    return [settings.topic(bare + SUFFIX)]


async def read_letters(settings: Settings, topics: list[str]) -> AsyncGenerator[Letter, None]:
    """Every letter that is in these topics now, partition by partition, oldest first."""
    async with _consumer(settings) as consumer:
        partitions = await _partitions(settings, topics)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        waiting = {partition for partition in partitions if ends[partition] > 0}
        while waiting:
            answer = await consumer.getmany(timeout_ms=_POLL_MS)
            for records in answer.values():
                for record in records:
                    if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                        yield _letter(record)
            for partition in list(waiting):
                if await consumer.position(partition) >= ends[partition]:
                    waiting.discard(partition)


async def read_letter(settings: Settings, topic: str, partition: int, offset: int) -> Letter:
    """The letter at one place; raises UserError when there is none."""
    async with aclosing(read_letters(settings, [topic])) as letters:
        async for letter in letters:
            if (letter.partition, letter.offset) == (partition, offset):
                return letter
    raise UserError(f"{topic} {partition}:{offset}: holds no dead letter; `cockpit dlq list` shows what there is")


def replayed(letter: Letter, settings: Settings, *, force: bool = False) -> Outgoing:
    """The record as it was, on its way back to its topic; raises UserError when it must not go."""
    where = f"{letter.topic} {letter.partition}:{letter.offset}"
    source = letter.said("__dlq.errors.topic")
    if source not in {settings.topic(name) for name in INPUTS}:
        raise UserError(f"{where}: says it came from {source!a}, which is no input topic of ours")
    if dict(letter.headers).get(_STUB) is not None:
        raise UserError(f"{where}: is a stub: the record was too large to be kept; send it again from its producer")
    if letter.replays >= MOST_REPLAYS and not force:
        raise UserError(f"{where}: was replayed {letter.replays} times already; --force replays it once more")
    kept = tuple((name, value) for name, value in letter.headers if name not in (*OWN_HEADERS, REPLAYS))
    count = ((REPLAYS, str(letter.replays + 1).encode()),)
    partition = letter.said("__dlq.errors.partition")
    return Outgoing(source, letter.key, letter.value, kept + count, int(partition) if partition.isdigit() else None)


@asynccontextmanager
async def sender(settings: Settings) -> AsyncIterator[Announcer]:
    """A producer for replayed records."""
    announcer = Announcer(settings)
    try:
        await announcer.start()
        yield announcer
    finally:
        await announcer.stop()


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    # Without a group: looking moves no offset. "earliest" and not a seek, which would race with the assignment.
    consumer = AIOKafkaConsumer(
        **client_options(settings), auto_offset_reset="earliest", max_partition_fetch_bytes=_FETCH_BYTES
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _partitions(settings: Settings, topics: list[str]) -> list[TopicPartition]:
    known = {state.name: state.partitions for state in await list_topics(settings)}
    if missing := [topic for topic in topics if not known.get(topic)]:
        raise UserError(f"topic {missing[0]}: does not exist: run `cockpit topics create`")
    return [TopicPartition(topic, number) for topic in topics for number in range(known[topic])]


def _letter(record: Any) -> Letter:
    return Letter(record.topic, record.partition, record.offset, record.key, record.value, tuple(record.headers))
