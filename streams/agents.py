"""The three Faust agents: one a topic, each running the pipeline over its batches."""

from collections.abc import AsyncIterable, Callable
from typing import Any

import faust

from streams import pipeline
from streams.flows import AnyFlow
from streams.kafka.transport import RawBatchSchema
from streams.recorder import Recorder
from streams.settings import Settings
from streams.standards.ruleset import Ruleset


def add_agents(
    app: faust.App,
    settings: Settings,
    flows: list[AnyFlow],
    recorder: Recorder,
    rules: Callable[[], Ruleset],
) -> None:
    """Give the app an agent for each flow.

    `noack` and one worker an agent: an event is acknowledged by the recorder, in order, and never by an
    exception. An agent that raises stops the process (CrashingSupervisor), and Kubernetes starts it again.
    """
    for flow in flows:
        topic = app.topic(settings.topic(flow.topic), schema=RawBatchSchema())
        app.agent(topic, name=f"cockpit.{flow.topic}", concurrency=1)(_body(settings, flow, recorder, rules))


def _body(settings: Settings, flow: AnyFlow, recorder: Recorder, rules: Callable[[], Ruleset]) -> Any:
    async def agent(stream: Any) -> None:
        events: AsyncIterable[Any] = stream.noack().events()
        await pipeline.run(
            events,
            flow,
            recorder,
            rules,
            max_record_bytes=settings.max_record_bytes,
            group_records=settings.transaction_records,
        )

    return agent
