"""A pause between a Kafka client's questions for metadata.

While a partition's leader is not known, aiokafka's producer and its fetcher ask anew as soon as they were answered that
it is not. Where nobody answers, because something takes each connection and closes it at once, as a load balancer
does whose brokers are away, that was 500 connections a second, a whole core, and two lines of log for each.
"""

import asyncio
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from aiokafka.client import AIOKafkaClient

ANSWERED_SECONDS = 0.05
"""From an answer to the next question: starts and new topics ask several times."""
FIRST_SECONDS, LONGEST_SECONDS = 0.1, 1.0
"""From a question that nobody answered to the next: doubled each time."""

_metadata_update = AIOKafkaClient._metadata_update
_pauses: WeakKeyDictionary[AIOKafkaClient, tuple[float, float]] = WeakKeyDictionary()
"""Of each client the end of its pause, and how long the next one is if nobody answers."""


async def _patient_update(client: AIOKafkaClient, cluster: Any, topics: Any) -> bool:
    until, next_seconds = _pauses.get(client, (0.0, FIRST_SECONDS))
    if (seconds := until - monotonic()) > 0:
        await asyncio.sleep(seconds)
    updated = bool(await _metadata_update(client, cluster, topics))
    if updated:
        _pauses[client] = monotonic() + ANSWERED_SECONDS, FIRST_SECONDS
    else:
        _pauses[client] = monotonic() + next_seconds, min(2 * next_seconds, LONGEST_SECONDS)
    return updated


def install() -> None:
    """Make every client of this process patient."""
    AIOKafkaClient._metadata_update = _patient_update
