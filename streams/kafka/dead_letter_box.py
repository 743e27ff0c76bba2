"""Reading dead letters: what lies in the dead-letter topics, and where it came from."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.errors import RetriableError, UserError
from streams.kafka.dead_letters import SUFFIX
from streams.kafka.security import client_options
from streams.kafka.topics import INPUTS, list_topics
from streams.settings import Settings

REPLAYS = "dlq.replays"
_STUB = "dlq.value_sha256"
_POLL_MS = 500
_FETCH_BYTES = 8_000_000
_SILENCE_SECONDS = 30.0
_COUNT_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter, as it lies in its topic; anybody who may write there may have forged its headers."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def at(self) -> str:
        """Where it lies: topic partition:offset."""
        return f"{self.topic} {self.partition}:{self.offset}"

    def said(self, header: str) -> str:
        """One of our headers as text; empty where it is missing."""
        return (dict(self.headers).get(header) or b"").decode("utf-8", "replace")

    def counted(self, header: str) -> int | None:
        """One of our headers as a number; None where it is missing or none."""
        text = self.said(header)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _COUNT_DIGITS else None

    @property
    def reason(self) -> str:
        """The stable code."""
        return self.said("dlq.reason")

    @property
    def source_topic(self) -> str:
        """The topic of the record, by its full name."""
        return self.said("__dlq.errors.topic")

    @property
    def source_partition(self) -> int | None:
        """The partition that the record was read from."""
        return self.counted("__dlq.errors.partition")

    @property
    def source_offset(self) -> int | None:
        """The offset that the record was read from."""
        return self.counted("__dlq.errors.offset")

    @property
    def replays(self) -> int:
        """How often the record was sent back before."""
        return self.counted(REPLAYS) or 0

    @property
    def is_stub(self) -> bool:
        """Whether only a word of the record is here: it was too large to be kept, or its whole batch to be read."""
        return not self.value and (_STUB in dict(self.headers) or self.reason == "unreadable_batch")


def dead_letter_topics(settings: Settings, given: str) -> list[str]:
    """The dead-letter topics of one input, named with or without prefix and suffix, or of all."""
    if not given:
        return [settings.topic(name + SUFFIX) for name in INPUTS]
    bare = given.removeprefix(settings.topic_prefix).removesuffix(SUFFIX)
    if bare not in INPUTS:
        raise UserError(f"TOPIC {given!a}: is none of ours; choose one of {', '.join(INPUTS)}")
    return [settings.topic(bare + SUFFIX)]


async def read_letters(settings: Settings, topics: list[str]) -> AsyncGenerator[Letter, None]:
    """Every letter that is in these topics now, oldest first in each partition; what comes later is left out.

    Whoever may leave before the end closes it (`contextlib.aclosing`), or the consumer ends with the loop.

    Raises:
        UserError: a topic is missing.
        RetriableError: no broker answers, or they fell silent.
    """
    partitions = await _partitions(settings, topics)
    async with _consumer(settings) as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        waiting = {partition for partition in partitions if ends[partition] > 0}
        heard = monotonic()
        while waiting:
            answer = await consumer.getmany(*waiting, timeout_ms=_POLL_MS)
            for partition, records in answer.items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield _letter(record)
            # By position, for the last offset before the end may hold no record.
            done = {partition for partition in waiting if await consumer.position(partition) >= ends[partition]}
            waiting -= done
            if answer or done:
                heard = monotonic()
            elif monotonic() - heard > _SILENCE_SECONDS:
                raise _silent(settings)


async def read_letter(settings: Settings, topic: str, partition: int, offset: int) -> Letter:
    """The letter at one place; raises UserError when there is none, otherwise as `read_letters` does."""
    place = TopicPartition(topic, partition)
    if place in await _partitions(settings, [topic]):
        async with _consumer(settings) as consumer:
            consumer.assign([place])
            begins, ends = await consumer.beginning_offsets([place]), await consumer.end_offsets([place])
            if begins[place] <= offset < ends[place]:
                await consumer.position(place)  # a seek before the first position is known would be undone by it
                consumer.seek(place, offset)
                answer = await consumer.getmany(place, timeout_ms=int(_SILENCE_SECONDS * 1000), max_records=1)
                if not answer:
                    raise _silent(settings)
                (record,) = answer[place]
                if record.offset == offset:
                    return _letter(record)
    raise UserError(f"{topic} {partition}:{offset}: holds no dead letter; `cockpit dlq list` shows what there is")


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    # Without a group: looking moves no offset that anybody commits.
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
        raise UserError(f"topic {missing[0]}: does not exist, or this user may not see it: run `cockpit topics create`")
    return [TopicPartition(topic, number) for topic in topics for number in range(known[topic])]


def _silent(settings: Settings) -> RetriableError:
    return RetriableError(
        f"COCKPIT_KAFKA_BOOTSTRAP: the brokers at {settings.kafka_bootstrap} sent nothing for"
        f" {_SILENCE_SECONDS:g} s: see whether they run, and try again"
    )


def _letter(record: Any) -> Letter:
    headers = tuple(record.headers)
    return Letter(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers)
