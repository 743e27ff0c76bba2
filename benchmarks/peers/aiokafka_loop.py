"""A loop written by hand: getmany, judge, executemany in one transaction, commit the offsets."""

import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks.peers import async_database
from benchmarks.peers.database import load_job
from benchmarks.peers.settings import load_peer_settings
from benchmarks.peers.stopping import stop_requested

_BATCH_RECORDS = 2000


async def main() -> None:
    settings = load_peer_settings()
    job = load_job(settings)
    connection = await async_database.connect(settings)
    consumer = AIOKafkaConsumer(
        settings.topic,
        bootstrap_servers=settings.bootstrap,
        group_id=settings.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        stop = stop_requested()
        while not stop.is_set():
            fetched = await consumer.getmany(timeout_ms=200, max_records=_BATCH_RECORDS)
            if not fetched:
                continue
            records = [(r.value, r.partition, r.offset) for batch in fetched.values() for r in batch]
            await async_database.write(connection, *job.rows_of(records))
            await consumer.commit()
    finally:
        await consumer.stop()
        connection.close()


if __name__ == "__main__":
    uvloop.run(main())
