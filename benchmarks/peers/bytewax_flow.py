"""Bytewax: Kafka source, judge, a sink that writes what it is handed in one transaction.

Bytewax keeps offsets in a store of its own, on the disk of one machine. Here they go to the consumer group, after
the write, and the source begins at what is committed there: that way every peer can be stopped and asked alike.
"""

import signal
import threading
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.inputs import StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from confluent_kafka import OFFSET_STORED, Consumer, TopicPartition

from benchmarks.peers.database import connect, load_job, write
from benchmarks.peers.settings import PeerSettings, load_peer_settings

_BATCH_RECORDS = 2000


class StoppableSource(KafkaSource):
    """Ends when `stop` is set, for Bytewax does not answer SIGTERM; the flow then ends as with finite input."""

    stop = threading.Event()

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "UntilStopped":
        return UntilStopped(super().build_part(step_id, for_part, resume_state), self.stop)


class UntilStopped(StatefulSourcePartition[Any, Any]):
    def __init__(self, partition: StatefulSourcePartition[Any, Any], stop: threading.Event) -> None:
        self._partition = partition
        self._stop = stop

    def next_batch(self) -> Any:
        if self._stop.is_set():
            raise StopIteration
        return self._partition.next_batch()

    def snapshot(self) -> Any:
        return self._partition.snapshot()

    def close(self) -> None:
        self._partition.close()


class DatabaseSink(DynamicSink[KafkaSourceMessage]):
    def __init__(self, settings: PeerSettings) -> None:
        self._settings = settings

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "Writer":
        return Writer(self._settings)


class Writer(StatelessSinkPartition[KafkaSourceMessage]):
    def __init__(self, settings: PeerSettings) -> None:
        self._topic = settings.topic
        self._job = load_job(settings)
        self._connection = connect(settings)
        self._group = Consumer(
            {"bootstrap.servers": settings.bootstrap, "group.id": settings.group, "enable.auto.commit": False}
        )

    def write_batch(self, items: list[Any]) -> None:
        write(self._connection, *self._job.rows_of((item.value, item.partition, item.offset) for item in items))
        after = {item.partition: item.offset + 1 for item in items}
        offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in after.items()]
        self._group.commit(offsets=offsets, asynchronous=True)

    def close(self) -> None:
        self._group.close()
        self._connection.close()


def main() -> None:
    settings = load_peer_settings()
    source = StoppableSource(
        settings.brokers,
        [settings.topic],
        starting_offset=OFFSET_STORED,
        batch_size=_BATCH_RECORDS,
        add_config={"group.id": settings.group, "auto.offset.reset": "earliest"},
    )
    flow = Dataflow("timestamps")
    op.output("database", op.input("kafka", flow, source), DatabaseSink(settings))
    signal.signal(signal.SIGTERM, lambda *_: source.stop.set())
    run_main(flow)


if __name__ == "__main__":
    main()
