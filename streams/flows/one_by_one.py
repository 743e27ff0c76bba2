"""A bug of ours costs its record, which is dead-lettered, and not the stream."""

from collections.abc import Callable, Iterable
from typing import Any

import structlog

from streams.plan import Plan, Record, dead
from streams.slices import Slices

log = structlog.get_logger(__name__)


def one_by_one(judge: Callable[..., Plan], events: Iterable[tuple[Record, Any]], *how: Any) -> list[Plan]:
    """`judge(record, event, *how)` of each, in order, or the plan that dead-letters its record."""
    return [_guarded(judge, record, event, how) for record, event in events]


def _guarded(judge: Callable[..., Plan], record: Record, event: Any, how: tuple[Any, ...]) -> Plan:
    try:
        return judge(record, event, *how)
    except Exception as error:
        log.exception("internal_error", **_place(record))
        return _internal_error(record, error)


def sliced(record: Record, slices: Slices[Plan]) -> Slices[Plan]:
    """What comes of the slices of one record, or the plan that dead-letters it."""
    try:
        return (yield from slices)
    except Exception as error:
        log.exception("internal_error", **_place(record))
        return _internal_error(record, error)


def _place(record: Record) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def _internal_error(record: Record, error: Exception) -> Plan:
    return dead(record, "internal_error", "judge", f"{type(error).__name__}: {error}")
