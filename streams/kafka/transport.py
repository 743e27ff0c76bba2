"""The batch transport: one fetched batch of a partition is one event of a Faust stream.

Stock Faust pays some 120 microseconds of asyncio for every message and acknowledges an event whose agent
raised. Here a message carries the whole list of records that one fetch brought for one partition, its offset
is that of its last record, and nothing is committed that was not acknowledged. The private names of Faust
that this module overrides or calls are listed in README.md, with the contract test that guards each.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from math import sqrt
from time import monotonic
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams.crash_points import reach
from streams.kafka.in_loop import InLoopConsumer
from streams.kafka.lease import Lease
from streams.kafka.offsets import committable
from streams.stopping import KAFKA_SECONDS, ends_within

log = logging.getLogger(__name__)

_LINGER_BYTES = 262_144
"""A fetch with so much in it does not linger."""
_EVEN_LINGERS = 2
"""A batch that is on its way for so many times the setting lets the next fetch linger for as long."""
_MOST_LINGERS = 8
"""A fetch lingers for so many times the setting at the most."""
_IDLE_FETCH_MILLISECONDS = 500


class PartitionBatchScheduler:
    """Hands over the records of each partition as one item (setting `ConsumerScheduler`)."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, list[Any]]]:
        """One (partition, records) pair for each partition that has any."""
        return ((tp, batch) for tp, batch in records.items() if batch)


class RawBatchSchema(faust.Schema):  # type: ignore[misc]
    """Lets the list of records through undecoded: our agents decode, and judge what cannot be decoded."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        """A batch has no key of its own."""
        return

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """The records of the batch, as fetched."""
        return message.value


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, counting in batches."""

    drain_seconds: float = 20.0
    """How long a revocation or a stop waits for running batches; set by `transport_for`."""

    lease: Lease
    """Our membership in the group; set by `transport_for`."""

    linger_milliseconds: int = 10
    """How long the broker may wait for more records while records flow, at the least; set by `transport_for`."""

    _took_milliseconds: float = 0.0
    """The last batch, from fetched to acknowledged."""

    def _new_consumer_thread(self) -> InLoopConsumer:
        return InLoopConsumer(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109  # as in Faust
        """Fetch; while records flow, let the broker gather some for a while, and else return at the first.

        Every fetch costs a worker some milliseconds of its core, however few records it brings. So the next one
        gathers the longer, the longer the last batch was on its way: little on a fast or idle machine, and more where
        the processor or the database is what everybody waits for.
        """
        records = await super()._getmany(active_partitions, timeout)
        fetcher = self._thread._ensure_consumer()._fetcher
        if records and self.linger_milliseconds:
            fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = _LINGER_BYTES, self._linger()
        else:
            fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = 1, _IDLE_FETCH_MILLISECONDS
        return records

    def _linger(self) -> int:
        # Not in proportion: what gathers for longer is on its way for longer, and each would let the other grow.
        least = self.linger_milliseconds
        gathers = sqrt(_EVEN_LINGERS * least * self._took_milliseconds)
        return round(min(max(least, gathers), _MOST_LINGERS * least))

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and hand over, until told to stop.

        Faust's own loop makes two tasks for each message, to give it up when the flow is suspended meanwhile. Here it
        waits for the flow; by then the message is of an earlier generation, and the stream passes it over.
        """
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await asyncio.sleep(0)
                async for tp, message in self.getmany(timeout=1.0):
                    read = self._read_offset[tp]
                    if read is not None and message.offset < read:
                        self._begin_anew(tp, message.value[0].offset)
                    await self.callback(message)
                    self._read_offset[tp] = message.offset
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    def _begin_anew(self, tp: TP, offset: int) -> None:
        """The committed offset was out of range and aiokafka went to the earliest: what we know of offsets is void.

        Faust would pass over all records up to the old offset, and commit none of theirs.
        """
        log.error("%s ends before the offset that was committed: it is read again from offset %d", tp, offset)
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        self._committed_offset[tp] = None

    def _to_message(self, tp: TP, records: Any) -> ConsumerMessage:
        last = records[-1]
        return ConsumerMessage(
            last.topic,
            last.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            [],
            None,
            records,
            None,
            0,
            0,
            tp,
            time_in=monotonic(),
            # A message without a generation is skipped silently for ever.
            generation_id=self.app.consumer_generation_id,
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: a batch spans its own holes, and counting them as acknowledged would commit past it."""

    def _new_offset(self, tp: TP) -> int | None:
        acknowledged = self._acked[tp]
        oldest = min((message.offset for message in self._live_unacked() if message.tp == tp), default=None)
        offset = committable(acknowledged, oldest)
        if offset is not None:
            acknowledged[:] = [last for last in acknowledged if last >= offset]
            self._acked_index[tp] = set(acknowledged)
            reach("before_offset_commit")
        return offset

    def _live_unacked(self) -> list[Any]:
        """Batches that started in the current generation and are not acknowledged."""
        generation = self.app.consumer_generation_id
        return [m for m in self._unacked_messages if not m.acked and m.generation_id == generation]

    def ack(self, message: Any) -> bool:
        """Acknowledge a batch; one of an earlier generation was given to somebody else and counts no more."""
        if message.generation_id != self.app.consumer_generation_id:
            message.acked = True
            self._unacked_messages.discard(message)
            return False
        self._took_milliseconds = (monotonic() - message.time_in) * 1000
        return bool(super().ack(message))

    def committed_or_none(self, tp: TP) -> int | None:
        """The next offset that a restart would read, as far as this worker knows."""
        offset = self._committed_offset[tp]
        return None if offset is None else int(offset)

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing: the fetch loop waits in the full queue, which is the back pressure.

        Faust would take the partition out of the fetch set, and then sleep a second once none is left.
        """

    async def force_commit(self, *arguments: Any, **named: Any) -> bool:
        """Commit, and know whether anything was."""
        did_commit = bool(await super().force_commit(*arguments, **named))
        if did_commit:
            reach("after_offset_commit")
        return did_commit

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """The lease begins before the first batch comes."""
        self.lease.begins(self._thread._ensure_consumer()._coordinator)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what is done before Faust forgets it (faust `on_partitions_revoked` drops `_acked` first)."""
        await self._finish_or_abandon()
        await super().on_partitions_revoked(revoked)

    async def wait_empty(self) -> None:
        """Let running batches finish, within the deadline; then commit what is acknowledged.

        A stop asks twice, the second time for the consumer alone, when nothing can have been added.
        """
        if not self._stopped.is_set():
            await self._finish_or_abandon()

    async def _finish_or_abandon(self) -> None:
        # Batches that are queued and not started must not start now: they would only delay the hand-over.
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        deadline = monotonic() + self.drain_seconds
        while not (self.should_stop or self.lease.lost) and (running := self._live_unacked()):
            if monotonic() > deadline:
                log.warning(
                    "abandoned %d batches after %s s: they will be read again",
                    len(running),
                    self.drain_seconds,
                )
                break
            await self._wait_for_ack(timeout=1)
        # aiokafka tries for as long as the brokers are away.
        seconds = max(deadline - monotonic(), KAFKA_SECONDS)
        lost = "offsets are not committed, kafka does not answer: what is stored will be recognised"
        await ends_within(seconds, self.commit(), lost)


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's Kafka transport with the consumer above."""

    Consumer = BatchConsumer


def transport_for(app: Any, drain_seconds: float, linger_milliseconds: int, lease: Lease) -> BatchTransport:
    """The batch transport of an app, to be assigned to `app.transport`."""

    class TunedConsumer(BatchConsumer):
        pass

    TunedConsumer.drain_seconds = drain_seconds
    TunedConsumer.linger_milliseconds = linger_milliseconds
    TunedConsumer.lease = lease
    transport = BatchTransport(app.conf.broker_consumer, app)
    transport.Consumer = TunedConsumer
    return transport
