"""Every private name of Faust that streams/kafka uses: it is there, and it still means what we take it to mean."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator
from importlib.metadata import version
from time import monotonic
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.transport.consumer import Consumer, ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.threads import QueueServiceThread, ServiceThread

from streams.kafka import in_loop
from streams.kafka.in_loop import InLoopConsumer
from streams.kafka.lease import Lease
from streams.kafka.transport import BatchConsumer, PartitionBatchScheduler, RawBatchSchema, transport_for
from tests.unit.records import FakeRecord

TOPIC = "t"
ONE = TP(TOPIC, 0)
GENERATION = 3


@pytest.fixture
async def app(tmp_path: Any) -> faust.App:
    app = faust.App(
        "contract",
        broker="kafka://127.0.0.1:1",
        datadir=tmp_path,
        ConsumerScheduler=PartitionBatchScheduler,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
    )
    app.finalize()
    app.transport = transport_for(app, drain_seconds=0.2, linger_milliseconds=5, lease=Lease(6))
    app.consumer_generation_id = GENERATION
    app.topics.acks_enabled_for = lambda topic: True
    return app


def batch(first: int, last: int) -> list[FakeRecord]:
    records = [FakeRecord(topic=TOPIC, partition=0, offset=offset) for offset in range(first, last + 1)]
    for record in records:
        record.timestamp_type = 0  # type: ignore[attr-defined]
    return records


def begun(consumer: BatchConsumer, first: int, last: int) -> ConsumerMessage:
    """A batch that an agent has begun to work on."""
    message = consumer._to_message(ONE, batch(first, last))
    consumer._unacked_messages.add(message)
    return message


def test_the_pin_is_the_version_these_tests_were_written_for() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka") == "0.14.0"


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (driver.Consumer, "_to_message", ["self", "tp", "record"]),
        (Consumer, "_new_offset", ["self", "tp"]),
        (Consumer, "_add_gap", ["self", "tp", "offset_from", "offset_to"]),
        (Consumer, "ack", ["self", "message"]),
        (Consumer, "on_buffer_full", ["self", "tp"]),
        (Consumer, "on_partitions_revoked", ["self", "revoked"]),
        (Consumer, "on_partitions_assigned", ["self", "assigned", "generation_id"]),
        (Consumer, "force_commit", ["self", "topics", "start_new_transaction"]),
        (Consumer, "wait_empty", ["self"]),
        (Consumer, "_wait_for_ack", ["self", "timeout"]),
        (Consumer, "commit", ["self", "topics", "start_new_transaction"]),
        (ThreadDelegateConsumer, "_new_consumer_thread", ["self"]),
        (ThreadDelegateConsumer, "_getmany", ["self", "active_partitions", "timeout"]),
        (Consumer, "_drain_messages", ["self", "fetcher"]),
        (Consumer, "getmany", ["self", "timeout"]),
        (driver.AIOKafkaConsumerThread, "_ensure_consumer", ["self"]),
        (ServiceThread, "_serve", ["self"]),
        (ServiceThread, "stop", ["self"]),
        (ServiceThread, "_gather_remaining_tasks", ["self"]),
        (QueueServiceThread, "call_thread", ["self", "fun", "args", "kwargs"]),
        (ThreadDelegateConsumer, "highwater", ["self", "tp"]),
        (ThreadDelegateConsumer, "assignment", ["self"]),
    ],
)
def test_each_overridden_or_called_name_has_the_expected_signature(
    owner: type, name: str, parameters: list[str]
) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


def test_the_book_keeping_attributes_are_there(app: faust.App) -> None:
    consumer = app.consumer
    assert isinstance(consumer, BatchConsumer)
    assert consumer._acked[ONE] == []
    assert consumer._acked_index[ONE] == set()
    assert not consumer._unacked_messages
    assert consumer._committed_offset[ONE] is None
    assert consumer.drain_seconds == 0.2


def test_a_worker_of_a_service_thread_is_started_and_stopped_by_these_names_alone() -> None:
    """`InLoop` stands in for it."""
    source = inspect.getsource(ServiceThread)
    assert set(re.findall(r"self\._thread\.(\w+)", source)) == {"start", "stop"}


async def test_the_consumer_shares_the_loop_of_the_agents(app: faust.App) -> None:
    thread = app.consumer._thread
    assert isinstance(thread, InLoopConsumer)
    assert thread.thread_loop is thread.parent_loop
    assert await thread.call_thread(max, 1, 2) == 2
    assert await thread.call_thread(asyncio.sleep, 0, "slept") == "slept"


@pytest.mark.parametrize("waits_in", ["start", "stop"])
async def test_a_consumer_that_waits_for_its_brokers_is_left_alone_by_a_stop(
    app: faust.App, monkeypatch: pytest.MonkeyPatch, waits_in: str
) -> None:
    monkeypatch.setattr(in_loop, "KAFKA_SECONDS", 0.1)
    waits, cancelled = asyncio.Event(), asyncio.Event()

    async def brokers() -> None:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def nothing() -> None:
        pass

    thread = app.consumer._thread
    client = SimpleNamespace(start=nothing, stop=nothing)
    setattr(client, waits_in, brokers)
    monkeypatch.setattr(thread, "_create_consumer", lambda loop: client)
    starting = asyncio.create_task(thread.start())
    if waits_in == "start":
        await waits.wait()
    else:
        await starting
    await thread.stop()
    await cancelled.wait()
    starting.cancel()


@pytest.mark.parametrize("linger_milliseconds", [0, 7])
async def test_a_fetch_lingers_only_while_records_flow(
    app: faust.App, monkeypatch: pytest.MonkeyPatch, linger_milliseconds: int
) -> None:
    consumer = app.consumer
    consumer.linger_milliseconds = linger_milliseconds
    client = AIOKafkaClient()
    fetched: list[Any] = [{}, {ONE: batch(0, 1)}, {}]

    async def getmany(*_: Any) -> Any:
        return fetched.pop(0)

    monkeypatch.setattr(consumer._thread, "getmany", getmany)
    monkeypatch.setattr(consumer._thread, "_ensure_consumer", lambda: SimpleNamespace(_fetcher=fetcher))
    fetcher = Fetcher(client, SubscriptionState(), fetch_min_bytes=1, fetch_max_wait_ms=500)
    seen = []
    while fetched:
        await consumer._getmany(None, 1.0)
        seen.append((fetcher._fetch_min_bytes > 1, fetcher._fetch_max_wait_ms))
    await fetcher.close()
    await client.close()
    assert seen == [(False, 500), (linger_milliseconds > 0, linger_milliseconds or 500), (False, 500)]


@pytest.mark.parametrize(("took_milliseconds", "expected"), [(0, 5), (7, 8), (10, 10), (90, 30), (9_000, 40)])
async def test_a_fetch_lingers_the_longer_the_longer_the_last_batch_was_on_its_way_within_limits(
    app: faust.App, monkeypatch: pytest.MonkeyPatch, took_milliseconds: float, expected: int
) -> None:
    consumer = app.consumer
    message = begun(consumer, 0, 1)
    message.time_in = monotonic() - took_milliseconds / 1000
    consumer.ack(message)
    fetcher = SimpleNamespace(_fetch_min_bytes=1, _fetch_max_wait_ms=500)

    async def getmany(*_: Any) -> Any:
        return {ONE: batch(2, 3)}

    monkeypatch.setattr(consumer._thread, "getmany", getmany)
    monkeypatch.setattr(consumer._thread, "_ensure_consumer", lambda: SimpleNamespace(_fetcher=fetcher))
    await consumer._getmany(None, 1.0)
    assert expected <= fetcher._fetch_max_wait_ms < expected + 3


async def test_what_was_fetched_is_handed_over_in_order(app: faust.App, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer, fetcher, handed = app.consumer, SimpleNamespace(_stopped=asyncio.Event()), []
    fetched = [begun(consumer, 0, 4), begun(consumer, 5, 9)]

    async def getmany(timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109
        for message in fetched:
            yield ONE, message
        fetcher._stopped.set()

    async def callback(message: ConsumerMessage) -> None:
        handed.append(message.offset)

    monkeypatch.setattr(consumer, "getmany", getmany)
    consumer.callback = callback
    await consumer._drain_messages(fetcher)
    assert handed == [4, 9]
    assert consumer._read_offset[ONE] == 9


async def test_a_partition_that_ends_before_its_committed_offset_is_read_and_committed_anew(
    app: faust.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer, fetcher, handed = app.consumer, SimpleNamespace(_stopped=asyncio.Event()), []
    consumer._read_offset[ONE] = consumer._committed_offset[ONE] = 1_000
    consumer._acked[ONE] = [998]

    async def getmany(timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109
        yield ONE, begun(consumer, 0, 4)
        fetcher._stopped.set()

    async def callback(message: ConsumerMessage) -> None:
        handed.append(message)

    monkeypatch.setattr(consumer, "getmany", getmany)
    consumer.callback = callback
    await consumer._drain_messages(fetcher)
    assert [message.offset for message in handed] == [4]
    consumer.ack(handed[0])
    assert consumer._filter_committable_offsets([ONE]) == {ONE: 5}


async def test_the_coordinator_beats_by_this_name_and_its_generation_tells_membership() -> None:
    source = inspect.getsource(GroupCoordinator)
    assert "await self._do_heartbeat()" in source
    assert list(inspect.signature(GroupCoordinator._do_heartbeat).parameters) == ["self"]
    assert "self.generation = OffsetCommitRequest.DEFAULT_GENERATION_ID" in inspect.getsource(
        GroupCoordinator.reset_generation
    )


def test_a_commit_tells_whether_it_committed() -> None:
    assert "return did_commit" in inspect.getsource(Consumer.force_commit)


async def test_a_stopping_app_ends_the_hand_over_without_an_error(
    app: faust.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getmany(timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109
        raise driver.ConsumerStoppedError
        yield

    monkeypatch.setattr(app.consumer, "getmany", getmany)
    fetcher = SimpleNamespace(_stopped=asyncio.Event())
    with pytest.raises(driver.ConsumerStoppedError):
        await app.consumer._drain_messages(fetcher)
    app._stopped.set()
    await app.consumer._drain_messages(fetcher)


def test_the_scheduler_setting_hands_over_whole_partitions(app: faust.App) -> None:
    assert app.conf.ConsumerScheduler is PartitionBatchScheduler
    records = {ONE: batch(0, 2), TP(TOPIC, 1): []}
    assert list(app.consumer.scheduler.iterate(records)) == [(ONE, records[ONE])]


async def test_a_batch_is_one_message_at_the_offset_of_its_last_record(app: faust.App) -> None:
    records = batch(5, 9)
    message = app.consumer._to_message(ONE, records)
    assert (message.offset, message.value, message.generation_id) == (9, records, GENERATION)
    schema = RawBatchSchema()
    assert schema.loads_value(app, message) is records
    assert schema.loads_key(app, message) is None


async def test_commits_follow_the_oldest_unacknowledged_batch(app: faust.App) -> None:
    consumer = app.consumer
    first, second, third = begun(consumer, 0, 9), begun(consumer, 10, 19), begun(consumer, 25, 39)
    assert consumer.ack(second)
    assert consumer._new_offset(ONE) is None
    assert consumer.ack(first)
    assert consumer._new_offset(ONE) == 20
    assert consumer._new_offset(ONE) is None
    assert consumer.ack(third)
    assert consumer._new_offset(ONE) == 40  # the hole from 20 to 24 belongs to the later batch


async def test_a_batch_of_one_record_at_offset_zero_is_committed(app: faust.App) -> None:
    message = begun(app.consumer, 0, 0)
    app.consumer.ack(message)
    assert app.consumer._new_offset(ONE) == 1


async def test_holes_are_not_booked_as_acknowledged(app: faust.App) -> None:
    await app.consumer._add_gap(ONE, 10, 20)
    assert len(app.consumer._gap[ONE]) == 0


async def test_a_batch_of_an_earlier_generation_is_never_committed(app: faust.App) -> None:
    consumer = app.consumer
    stale = begun(consumer, 0, 9)
    app.consumer_generation_id = GENERATION + 1
    assert not consumer.ack(stale)
    assert consumer._new_offset(ONE) is None
    assert stale not in consumer._unacked_messages


async def test_a_stale_unacknowledged_batch_does_not_hold_up_the_new_generation(app: faust.App) -> None:
    consumer = app.consumer
    begun_before = begun(consumer, 0, 9)
    app.consumer_generation_id = GENERATION + 1
    again = begun(consumer, 0, 9)
    consumer.ack(again)
    assert consumer._new_offset(ONE) == 10
    assert not begun_before.acked


async def test_a_full_buffer_does_not_take_the_partition_out_of_the_fetch(app: faust.App) -> None:
    app.consumer._active_partitions = {ONE}
    app.consumer.on_buffer_full(ONE)
    assert app.consumer._active_partitions == {ONE}


async def test_waiting_for_running_batches_ends_at_the_deadline(app: faust.App, monkeypatch: Any) -> None:
    commits = []

    async def commit(*_: Any, **__: Any) -> bool:
        commits.append(app.consumer._new_offset(ONE))
        return True

    monkeypatch.setattr(app.consumer, "commit", commit)
    done, running = begun(app.consumer, 0, 9), begun(app.consumer, 10, 19)
    app.consumer.ack(done)
    await app.consumer.wait_empty()  # returns although `running` never ends
    assert commits == [10]
    assert not running.acked
    app.consumer._stopped.set()
    await app.consumer.wait_empty()  # Faust asks again when it stops the consumer
    assert commits == [10]


async def test_queued_batches_are_dropped_by_a_revocation(app: faust.App) -> None:
    queue = app.FlowControlQueue(maxsize=2, clear_on_resume=True)
    app.flow_control.resume()
    await queue.put("batch")
    app.flow_control.suspend()
    app.flow_control.clear()
    assert queue.empty()


async def test_manual_acknowledgement_goes_through_consumer_ack(app: faust.App) -> None:
    message = begun(app.consumer, 0, 9)
    message.refcount = 1
    event = app.create_event(None, message.value, {}, message)
    message.consumer = None
    message.tracked = True
    message.on_final_ack(app.consumer)
    assert message.acked
    assert event.message is message
