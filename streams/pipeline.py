"""The way of a batch, on one screen.

    fetch ─► decode ─► recall ─► judge ─► record (one transaction) ─► announce ─► acknowledge
             └──────── judging, per topic ───────┘ └───── recorder, over all topics ──────┘

The intake of a topic takes all batches that have been fetched by now, judges them with one look-up, and hands
them to the recorder while that is still writing what came before; the recorder takes all that is queued into its
next transaction. So at low rates a record is written at once, and at high rates groups and transactions grow by
themselves. Every queue is bounded, and waiting in one is the back pressure on the fetch.
"""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

from streams.judging import Judging
from streams.plan import Plan
from streams.recorder import Batch, Recorder

_FETCHED_BATCHES = 4
_JUDGED_AT_ONCE = 2
"""Groups of a topic: the past of one is looked up while another is judged. A third only makes the loop's turns longer,
in which the answers of the database and of Kafka wait."""
_OVERLAPPED_RECORDS = 1000
"""Smaller groups are judged one after another: two at once share the core, and both come later."""
_TURNS_BETWEEN_BATCHES = 2
"""A fetch brings a batch for each partition that has records. Faust hands them over a turn of the loop apart (one more
is for safety); a group that did not wait for it would become a transaction for each partition."""
_GROUP_BYTES = 1_000_000
"""A record of many files becomes many rows: this bounds what a group and its transaction hold in memory."""


async def run(events: AsyncIterable[Any], judging: Judging, recorder: Recorder, group_records: int) -> None:
    """Judge every batch of one topic and hand it to the recorder, in order, until the stream ends."""
    fetched: asyncio.Queue[Any] = asyncio.Queue(_FETCHED_BATCHES)
    asked: asyncio.Queue[tuple[list[Any], asyncio.Task[list[list[Plan]]]] | None] = asyncio.Queue()
    at_once = asyncio.Semaphore(_JUDGED_AT_ONCE)
    generation = None
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_fetch(events, fetched))
        tasks.create_task(_hand_over(asked, at_once, judging, recorder))
        while group := await _take(fetched, group_records):
            await at_once.acquire()
            if group[-1].message.generation_id != generation:  # partitions moved: others may have written since
                generation = group[-1].message.generation_id
                judging.forget()
            judged = tasks.create_task(judging.plans([event.value for event in group]))
            asked.put_nowait((group, judged))
            if sum(len(event.value) for event in group) < _OVERLAPPED_RECORDS:
                await asyncio.wait([judged])
        asked.put_nowait(None)


async def _hand_over(
    asked: "asyncio.Queue[Any]", at_once: asyncio.Semaphore, judging: Judging, recorder: Recorder
) -> None:
    while (question := await asked.get()) is not None:
        group, judged = question
        batches = zip(group, await judged, strict=True)
        at_once.release()
        await recorder.put([Batch(event, judging, plans) for event, plans in batches])


async def _fetch(events: AsyncIterable[Any], fetched: "asyncio.Queue[Any]") -> None:
    async for event in events:
        await fetched.put(event)
    await fetched.put(None)


async def _take(fetched: "asyncio.Queue[Any]", most_records: int) -> list[Any]:
    """All batches that have been fetched, up to so many records or about a megabyte; empty at the stream's end."""
    group: list[Any] = []
    records = size = 0
    while not group or (records < most_records and size < _GROUP_BYTES and await _another_waits(fetched)):
        event = await fetched.get()
        if event is None:
            fetched.put_nowait(None)
            break
        group.append(event)
        records += len(event.value)
        size += sum([len(record.value or b"") for record in event.value])
    return group


async def _another_waits(fetched: "asyncio.Queue[Any]") -> bool:
    for _ in range(_TURNS_BETWEEN_BATCHES):
        if not fetched.empty():
            return True
        await asyncio.sleep(0)
    return not fetched.empty()
