"""What an administrator asks of Kafka and does to it: members of a group, offsets, partitions, deleted records."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete

from streams.settings import Settings
from tests.e2e.events import TOPICS


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def has_members(settings: Settings, number: int) -> bool:
    """Whether the group is settled with so many members."""
    async with _admin(settings) as admin:
        (answer,) = await admin.describe_consumer_groups([settings.kafka_group])
    (_, _, state, _, _, members, *_) = answer.groups[0]
    return state == "Stable" and len(members) == number


async def committed(settings: Settings) -> dict[TopicPartition, int]:
    """The group's offsets."""
    async with _admin(settings) as admin:
        found = await admin.list_consumer_group_offsets(settings.kafka_group)
    return {partition: offset.offset for partition, offset in found.items()}


async def add_partitions(settings: Settings, total: int) -> None:
    """Let the input topics have so many partitions."""
    async with _admin(settings) as admin:
        await admin.create_partitions({settings.topic(topic): NewPartitions(total) for topic in TOPICS})


async def delete_all_records(settings: Settings) -> int:
    """Delete every record of the input topics, as retention does; returns how many offsets that were."""
    ends = await _ends(settings)
    async with _admin(settings) as admin:
        await admin.delete_records({partition: RecordsToDelete(end) for partition, end in ends.items()})
    return sum(ends.values())


async def commit_beyond(settings: Settings, beyond: int) -> None:
    """Move the group, which has no member, to offsets that no record has, as after a loss of the topic's tail."""
    ends = await _ends(settings)
    consumer = _consumer(settings, settings.kafka_group)
    await consumer.start()
    try:
        consumer.assign(list(ends))
        await consumer.commit({partition: end + beyond for partition, end in ends.items()})
    finally:
        await consumer.stop()


async def _ends(settings: Settings) -> dict[TopicPartition, int]:
    consumer = _consumer(settings, None)
    await consumer.start()
    try:
        names: Iterable[str] = [settings.topic(topic) for topic in TOPICS]
        partitions = []
        for name in names:
            await consumer._client._wait_on_metadata(name)
            partitions += [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        return dict(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()


def _consumer(settings: Settings, group: str | None) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, group_id=group, enable_auto_commit=False)
