"""The way of a batch, on one screen.

    fetch ─► decode ─► recall ─► judge ─► record (one transaction) ─► announce ─► acknowledge
             └──────── intake, per topic ────────┘ └───── recorder, over all topics ──────┘

The intake of a topic takes all batches that have been fetched by now, judges them with one look-up, and hands
them to the recorder while that is still writing what came before; the recorder takes all that is queued into its
next transaction. So at low rates a record is written at once, and at high rates groups and transactions grow by
themselves. Every queue is bounded, and waiting in one is the back pressure on the fetch.
"""

import asyncio
from collections.abc import AsyncIterable, Callable
from functools import partial
from time import perf_counter, time
from typing import Any

import structlog

from streams.decode import decode
from streams.flows import AnyFlow
from streams.plan import Plan, Record, dead
from streams.recorder import Batch, Recorder
from streams.standards.ruleset import Ruleset

log = structlog.get_logger(__name__)

_FETCHED_BATCHES = 4
_GROUP_BYTES = 1_000_000
"""A record of many files becomes many rows: this bounds what a group and its transaction hold in memory."""
_TURN_SECONDS = 0.005
"""After so much work the event loop gets its turn: heartbeats, the fetch and the recorder share it."""


async def run(
    events: AsyncIterable[Any],
    flow: AnyFlow,
    recorder: Recorder,
    rules: Callable[[], Ruleset],
    *,
    max_record_bytes: int,
    group_records: int,
) -> None:
    """Judge every batch of one topic and hand it to the recorder, in order, until the stream ends."""
    fetched: asyncio.Queue[Any] = asyncio.Queue(_FETCHED_BATCHES)
    generation = None
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_fetch(events, fetched))
        while group := await _take(fetched, group_records):
            if group[-1].message.generation_id != generation:  # partitions moved: others may have written since
                generation = group[-1].message.generation_id
                flow.forget()
            decoded = []
            turn_at = perf_counter() + _TURN_SECONDS
            for event in group:
                batch: list[tuple[Record, Any]] = []
                for record in event.value:
                    batch.append((record, decode(record, flow.model, max_record_bytes)))
                    if perf_counter() > turn_at:
                        turn_at = await _turn()
                decoded.append(batch)
            known = [(record, made) for batch in decoded for record, made in batch if not isinstance(made, Plan)]
            await recorder.retrying(partial(flow.recall, known))
            now_us = int(time() * 1_000_000)
            live = rules()
            batches = []
            for event, batch in zip(group, decoded, strict=True):
                plans = []
                for record, made in batch:
                    plans.append(made if isinstance(made, Plan) else judge(flow, record, made, live, now_us))
                    if perf_counter() > turn_at:
                        turn_at = await _turn()
                batches.append(Batch(event, flow, plans))
            await recorder.put(batches)


async def _turn() -> float:
    """Let what else waits in the event loop go on; returns when it is to be asked again."""
    await asyncio.sleep(0)
    return perf_counter() + _TURN_SECONDS


async def _fetch(events: AsyncIterable[Any], fetched: "asyncio.Queue[Any]") -> None:
    async for event in events:
        await fetched.put(event)
    await fetched.put(None)


async def _take(fetched: "asyncio.Queue[Any]", most_records: int) -> list[Any]:
    """All batches that wait, up to so many records or about a megabyte; empty at the stream's end."""
    group: list[Any] = []
    records = size = 0
    while not group or (not fetched.empty() and records < most_records and size < _GROUP_BYTES):
        event = await fetched.get()
        if event is None:
            fetched.put_nowait(None)
            break
        group.append(event)
        records += len(event.value)
        size += sum([len(record.value or b"") for record in event.value])
    return group


def judge(flow: AnyFlow, record: Record, event: Any, rules: Ruleset, now_us: int) -> Plan:
    """One record's plan; a bug of ours costs its record, which is dead-lettered, and not the stream."""
    try:
        return flow.judge(record, event, rules, now_us)
    except Exception as error:
        log.exception("internal_error", topic=record.topic, partition=record.partition, offset=record.offset)
        return dead(record, "internal_error", "judge", f"{type(error).__name__}: {error}")
