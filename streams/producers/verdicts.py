"""Waits for the answer to a submission."""

import asyncio
from contextlib import ExitStack

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from schemas import Verdict
from streams.errors import UserError
from streams.kafka.security import client_log_silenced, client_options
from streams.producers.publish import kafka_errors_told, partitions_of
from streams.settings import Settings

VERDICTS = "verdicts.v1"


class VerdictWatch:
    """Everything that comes to the topic of verdicts from now on: enter it before you publish.

    Without a consumer group, so that nothing stays behind in the cluster.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.topic(VERDICTS)
        self._consumer: AIOKafkaConsumer | None = None
        self._contexts = ExitStack()

    async def __aenter__(self) -> "VerdictWatch":
        self._contexts.enter_context(client_log_silenced())
        try:
            with kafka_errors_told(self._topic):
                await self._start(await partitions_of(self._settings, VERDICTS))
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _start(self, partitions: int) -> None:
        self._consumer = AIOKafkaConsumer(**client_options(self._settings), enable_auto_commit=False)
        await self._consumer.start()
        assigned = [TopicPartition(self._topic, number) for number in range(partitions)]
        self._consumer.assign(assigned)
        for partition, end in (await self._consumer.end_offsets(assigned)).items():
            self._consumer.seek(partition, end)

    async def _stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()
        self._contexts.close()

    async def verdict_of(self, submission_id: str, timeout_seconds: float) -> Verdict:
        """The next verdict of a submission; raises UserError when none comes in time."""
        assert self._consumer is not None, "enter first"
        key = submission_id.encode()
        try:
            with kafka_errors_told(self._topic):
                async with asyncio.timeout(timeout_seconds):
                    async for record in self._consumer:
                        if record.key == key and record.value is not None:
                            return Verdict.model_validate_json(record.value)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise UserError(f"topic {self._topic}: the verdict breaks its contract in {where or 'its JSON'}") from None
        except TimeoutError:
            pass
        raise UserError(
            f"submission {submission_id}: no verdict within {timeout_seconds:g} s: is a worker running"
            " (`cockpit worker`)? Waiting longer is --timeout-seconds"
        )
