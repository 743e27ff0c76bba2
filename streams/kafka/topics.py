"""The topics we read and write: their names, and how they are created."""

from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streams.errors import UserError
from streams.kafka.dead_letters import SUFFIX
from streams.kafka.refusal import why_unreachable
from streams.kafka.security import client_log_silenced, client_options
from streams.settings import Settings

INPUTS = ("filesystem-timestamps.v1", "clock-sync.v1", "submissions.v1")
OUTPUTS = ("violations.v1", "drift-alerts.v1", "verdicts.v1")

_DAY_MS = 86_400_000
_LARGE_BYTES = 3_145_728
"""Dead letters are as large as their record and its headers; verdicts name every check."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One of our topics as the cluster has it; `partitions` is 0 where it is missing."""

    name: str
    partitions: int


def names(settings: Settings) -> list[str]:
    """The full names of all our topics: inputs, their dead letters, outputs."""
    return [settings.topic(name) for name in (*INPUTS, *(name + SUFFIX for name in INPUTS), *OUTPUTS)]


def configuration(name: str, settings: Settings) -> dict[str, str]:
    """What a topic of ours (full name) is configured with, by Kafka's names."""
    dead_letters = name.endswith(SUFFIX)
    large = dead_letters or name == settings.topic("verdicts.v1")
    return {
        "retention.ms": str((30 if dead_letters else 7) * _DAY_MS),
        "max.message.bytes": str(_LARGE_BYTES if large else settings.topic_max_message_bytes),
    }


async def list_topics(settings: Settings) -> list[TopicState]:
    """Our topics with their partitions; raises RetriableError when no broker answers, UserError when all refuse us."""
    async with _Admin(settings) as admin:
        known = {topic["topic"]: topic for topic in await admin.describe_topics()}
        return [TopicState(name, len(known[name]["partitions"]) if name in known else 0) for name in names(settings)]


async def create_topics(settings: Settings) -> list[str]:
    """Create what is missing and return its names; what is there is left as it is."""
    async with _Admin(settings) as admin:
        existing = set(await admin.list_topics())
        missing = [name for name in names(settings) if name not in existing]
        if not missing:
            return []
        answer = await admin.create_topics(
            [
                NewTopic(
                    name,
                    num_partitions=settings.topic_partitions,
                    replication_factor=settings.topic_replication,
                    topic_configs=configuration(name, settings),
                )
                for name in missing
            ]
        )
        for name, code, *message in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise UserError(f"topic {name}: the cluster refuses to create it: {message[0] if message else error}")
        return missing


class _Admin:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=15_000)

    async def __aenter__(self) -> AIOKafkaAdminClient:
        with client_log_silenced():
            try:
                await self._client.start()
            except KafkaError as error:
                await self._client.close()
                raise await why_unreachable(self._settings, error) from None
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
