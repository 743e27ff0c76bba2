"""The way of a batch, on one screen.

    fetch ─► decode ─► recall ─► judge ─► record (one transaction) ─► announce ─► acknowledge
             └──────── intake, per topic ────────┘ └───── recorder, over all topics ──────┘

The intake of each topic turns a fetched batch into plans while the recorder is still writing what came before;
the recorder takes all that is queued into its next transaction. So at low rates a record is written at once,
and at high rates transactions grow by themselves. The queue between the two is bounded, and waiting in it is
the back pressure on the fetch.
"""

from collections.abc import AsyncIterable, Callable
from time import time
from typing import Any

import structlog

from streams.decode import decode
from streams.flows import AnyFlow
from streams.plan import Plan, Record, dead
from streams.recorder import Batch, Recorder
from streams.standards.ruleset import Ruleset

log = structlog.get_logger(__name__)


async def run(
    events: AsyncIterable[Any],
    flow: AnyFlow,
    recorder: Recorder,
    rules: Callable[[], Ruleset],
    max_record_bytes: int,
) -> None:
    """Judge every batch of one topic and hand it to the recorder, in order, until the stream ends."""
    generation = None
    async for event in events:
        if event.message.generation_id != generation:  # partitions moved: others may have written since
            generation = event.message.generation_id
            flow.forget()
        records: list[Record] = event.value
        decoded = decode(records, flow.model, max_record_bytes)
        await recorder.retrying(
            lambda: flow.recall([(r, e) for r, e in decoded if not isinstance(e, Plan)])  # noqa: B023
        )
        now_us = int(time() * 1_000_000)
        plans = [
            made if isinstance(made, Plan) else judge(flow, record, made, rules(), now_us) for record, made in decoded
        ]
        await recorder.put(Batch(event, flow, plans))


def judge(flow: AnyFlow, record: Record, event: Any, rules: Ruleset, now_us: int) -> Plan:
    """One record's plan; a bug of ours costs its record, which is dead-lettered, and not the stream."""
    try:
        return flow.judge(record, event, rules, now_us)
    except Exception as error:
        log.exception("internal_error", topic=record.topic, partition=record.partition, offset=record.offset)
        return dead(record, "internal_error", "judge", f"{type(error).__name__}: {error}")
