"""sentry-arroyo: judge, gather into batches, write them in a thread, commit the offsets of what is written."""

import signal
from collections.abc import Mapping
from typing import Any

from arroyo.backends.kafka import KafkaConsumer, KafkaPayload
from arroyo.backends.kafka.configuration import build_kafka_consumer_configuration
from arroyo.commit import ONCE_PER_SECOND
from arroyo.processing import StreamProcessor
from arroyo.processing.strategies import CommitOffsets, ProcessingStrategy, ProcessingStrategyFactory, RunTask
from arroyo.processing.strategies.batching import BatchStep, ValuesBatch
from arroyo.processing.strategies.run_task_in_threads import RunTaskInThreads
from arroyo.types import BrokerValue, Commit, Message, Partition, Topic

from benchmarks.peers.database import connect, load_job, write
from benchmarks.peers.job import Row
from benchmarks.peers.settings import PeerSettings, load_peer_settings

_BATCH_RECORDS = 2000
_BATCH_SECONDS = 0.1

Rows = tuple[list[Row], list[Row]]


class Strategy(ProcessingStrategyFactory[KafkaPayload]):
    def __init__(self, settings: PeerSettings) -> None:
        self._job = load_job(settings)
        self._connection = connect(settings)

    def create_with_partitions(
        self, commit: Commit, partitions: Mapping[Partition, int]
    ) -> ProcessingStrategy[KafkaPayload]:
        # One thread, which keeps the order: the next batch is judged while it waits for the database.
        writing = RunTaskInThreads(self._write, concurrency=1, max_pending_futures=1, next_step=CommitOffsets(commit))
        return RunTask(self._judge, BatchStep(_BATCH_RECORDS, _BATCH_SECONDS, writing))

    def _judge(self, message: Message[KafkaPayload]) -> Rows:
        value = message.value
        assert isinstance(value, BrokerValue)
        return self._job.rows(value.payload.value, value.partition.index, value.offset)

    def _write(self, message: Message[ValuesBatch[Rows]]) -> None:
        batch = [value.payload for value in message.payload]
        files = [row for of_files, _ in batch for row in of_files]
        violations = [row for _, of_violations in batch for row in of_violations]
        write(self._connection, files, violations)


def main() -> None:
    settings = load_peer_settings()
    configuration = build_kafka_consumer_configuration(
        {}, settings.group, auto_offset_reset="earliest", bootstrap_servers=settings.brokers, enable_auto_commit=False
    )
    processor: StreamProcessor[Any] = StreamProcessor(
        consumer=KafkaConsumer(configuration),
        topic=Topic(settings.topic),
        processor_factory=Strategy(settings),
        commit_policy=ONCE_PER_SECOND,
    )
    signal.signal(signal.SIGTERM, lambda *_: processor.signal_shutdown())
    processor.run()


if __name__ == "__main__":
    main()
