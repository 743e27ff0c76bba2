"""A topic that somebody deletes under a worker at work, and makes again."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from random import Random

from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka.topics import create_topics, list_topics
from streams.settings import Settings
from streams.store.database import Database
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, all_committed, eventually, send_all

TOPIC = "clock-sync.v1"


async def _publish(settings: Settings, random: Random, *clocks: str) -> None:
    now = datetime.now(UTC).isoformat()
    await send_all(settings, [events.message(TOPIC, clock, events.reading(random, clock, 10, now)) for clock in clocks])


async def _stored(settings: Settings, *clocks: str) -> bool:
    async with Database(settings) as database:
        found = await database.fetch_all("SELECT component_name FROM clock_sync_status")
    return set(clocks) <= {row["component_name"] for row in found}


async def _delete(settings: Settings, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([settings.topic(topic)])
    finally:
        await admin.close()

    async def gone() -> bool:
        return not next(state.partitions for state in await list_topics(settings) if state.name.endswith(topic))

    await eventually(gone, 30, f"{topic} is gone")


async def test_an_input_topic_that_is_made_again_is_read_from_its_beginning(
    deployed: Settings, new_worker: Callable[..., WorkerProcess]
) -> None:
    random, worker = Random(1), new_worker()
    before = [f"before-{number}" for number in range(40)]
    after = [f"after-{number}" for number in range(4)]
    await worker.ready()
    await _publish(deployed, random, *before)
    await eventually(partial(_stored, deployed, *before), 60, "what came before is stored")
    await eventually(partial(all_committed, deployed, [TOPIC]), 60, "and committed")
    await _delete(deployed, TOPIC)
    await create_topics(deployed)
    await _publish(deployed, random, *after)
    await eventually(partial(_stored, deployed, *after), 60, "what came after is stored")
