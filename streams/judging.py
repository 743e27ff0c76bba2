"""Decodes and judges groups of records, and lets what else waits have its turn, also within a large record."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from time import perf_counter, time
from typing import Any

from streams.crash_points import reach
from streams.decode import decode
from streams.flows import AnyFlow
from streams.flows.one_by_one import sliced
from streams.plan import Plan, Record
from streams.slices import Slices
from streams.standards.ruleset import Ruleset

_TURN_SECONDS = 0.0025
"""After so much work the event loop gets its turn: heartbeats, the fetch and the recorder share it."""
_PART_EVENTS, _PART_BYTES = 50, 25_000
"""Judged together, which costs less than one by one: of ordinary records 2 ms, of those that break everything 20 ms."""
_LARGE_BYTES = 4096
"""A record of more may hold so many files or documents that others must have their turn before it is judged.

One file or document that breaks every standard takes some 0.3 ms, and 4 KB hold at most some 20 of them."""

Decoded = list[tuple[Record, Any]]
Retrying = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""Calls something that asks the database, and calls it again while that is away."""


def at_once(operation: Callable[[], Awaitable[Any]]) -> Awaitable[Any]:
    """No second attempt: RetriableError is the caller's."""
    return operation()


class Judging:
    """One flow, by the rules that are live when a group is judged."""

    def __init__(
        self, flow: AnyFlow, rules: Callable[[], Ruleset], max_record_bytes: int, retrying: Retrying = at_once
    ) -> None:
        """`retrying` calls the look-up of the past again until the database answers, or not at all."""
        self._flow = flow
        self._retrying = retrying
        self._rules = rules
        self._max_record_bytes = max_record_bytes
        self._last = asyncio.Event()
        self._last.set()

    async def plans(self, batches: Sequence[Sequence[Record]]) -> list[list[Plan]]:
        """Decode all, look up the past of all at once, judge all.

        May be called again before it has returned: then one call's look-up goes on while another judges, and they
        judge in the order of the calls.
        """
        earlier, judged = self._last, asyncio.Event()
        self._last = judged
        try:
            decoded, known = await self._decoded(batches)
            reach("after_decode")
            foreseen = await self._retrying(partial(self._flow.foresee, known))
            await earlier.wait()
            await self._retrying(partial(self._flow.recall, known, foreseen))
            made = iter(await self._judged(known))
            return [[event if isinstance(event, Plan) else next(made) for _, event in batch] for batch in decoded]
        finally:
            judged.set()

    async def _decoded(self, batches: Sequence[Sequence[Record]]) -> tuple[list[Decoded], Decoded]:
        """Each record with its event, or with the plan that dead-letters it; and those with an event."""
        flow, turn_at = self._flow, perf_counter() + _TURN_SECONDS
        decoded = []
        for records in batches:
            batch: Decoded = []
            for record in records:
                batch.append((record, decode(record, flow.model, self._max_record_bytes)))
                if perf_counter() > turn_at:
                    turn_at = await _turn()
            decoded.append(batch)
        return decoded, [pair for batch in decoded for pair in batch if not isinstance(pair[1], Plan)]

    async def _judged(self, events: Decoded) -> list[Plan]:
        flow, turn_at = self._flow, perf_counter() + _TURN_SECONDS
        now_us = int(time() * 1_000_000)
        rules = self._rules()
        plans: list[Plan] = []
        for part in _parts(events):  # of all partitions: at low rates each of them has a record or two
            if _is_large(part[0][0]):
                slices = sliced(part[0][0], flow.judge_in_slices(*part[0], rules, now_us))
                plan, turn_at = await _in_turns(slices, turn_at)
                plans.append(plan)
            else:
                plans += flow.judge_all(part, rules, now_us)
            if perf_counter() > turn_at:
                turn_at = await _turn()
        return plans

    def forget(self) -> None:
        """The flow looks everything up again."""
        self._flow.forget()


def _parts(events: Decoded) -> Iterator[Decoded]:
    """Some events at a time: few enough for a turn, and enough to be judged together; a large one by itself."""
    part: Decoded = []
    size = 0
    for pair in events:
        if _is_large(pair[0]):
            if part:
                yield part
            yield [pair]
            part, size = [], 0
            continue
        part.append(pair)
        size += len(pair[0].value or b"")
        if len(part) >= _PART_EVENTS or size >= _PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _is_large(record: Record) -> bool:
    return len(record.value or b"") > _LARGE_BYTES


async def _in_turns(slices: Slices[Plan], turn_at: float) -> tuple[Plan, float]:
    """One large record's plan, and when the loop's next turn is due."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return end.value, turn_at
        if perf_counter() > turn_at:
            turn_at = await _turn()


async def _turn() -> float:
    """Let what else waits in the event loop go on; returns when it is to be asked again."""
    await asyncio.sleep(0)
    return perf_counter() + _TURN_SECONDS


def judge(flow: AnyFlow, record: Record, event: Any, rules: Ruleset, now_us: int) -> Plan:
    """One record's plan."""
    return flow.judge_all([(record, event)], rules, now_us)[0]
