"""The three Faust agents: one a topic, each running the pipeline over its batches."""

from collections.abc import AsyncIterable, Mapping
from typing import Any

import faust

from streams import pipeline
from streams.judging import Judging
from streams.kafka.transport import RawBatchSchema
from streams.recorder import Recorder
from streams.settings import Settings


def add_agents(
    app: faust.App,
    settings: Settings,
    judging: Mapping[str, Judging],
    recorder: Recorder,
) -> None:
    """Give the app an agent for each topic, which `judging` names without the prefix.

    `noack` and one worker an agent: an event is acknowledged by the recorder, in order, and never by an
    exception. An agent that raises stops the process (CrashingSupervisor), and Kubernetes starts it again.
    """
    for name, judges in judging.items():
        topic = app.topic(settings.topic(name), schema=RawBatchSchema())
        app.agent(topic, name=f"cockpit.{name}", concurrency=1)(_body(judges, recorder, settings.transaction_records))


def _body(judging: Judging, recorder: Recorder, group_records: int) -> Any:
    async def agent(stream: Any) -> None:
        events: AsyncIterable[Any] = stream.noack().events()
        await pipeline.run(events, judging, recorder, group_records)

    return agent
