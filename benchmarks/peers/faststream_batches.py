"""FastStream with a batch subscriber; offsets are committed when the handler has returned."""

import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from benchmarks.peers import async_database
from benchmarks.peers.database import load_job
from benchmarks.peers.settings import load_peer_settings

_BATCH_RECORDS = 2000

Records = list[tuple[bytes, int, int]]


async def _records(message: KafkaMessage) -> Records:
    """The batch's (value, partition, offset); FastStream's own decoder looks at every header first."""
    return [(record.value, record.partition, record.offset) for record in message.raw_message]


async def main() -> None:
    settings = load_peer_settings()
    job = load_job(settings)
    connection = await async_database.connect(settings)
    # Without apply_types each body would be validated once more, against the handler's annotations.
    broker = KafkaBroker(settings.brokers, apply_types=False)

    @broker.subscriber(
        settings.topic,
        group_id=settings.group,
        auto_offset_reset="earliest",
        batch=True,
        max_records=_BATCH_RECORDS,
        batch_timeout_ms=100,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=_records,
    )
    async def handle(records: Records) -> None:
        await async_database.write(connection, *job.rows_of(records))

    await FastStream(broker).run()
    connection.close()


if __name__ == "__main__":
    uvloop.run(main())
