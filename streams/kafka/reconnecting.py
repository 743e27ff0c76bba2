"""A pause between attempts to reach a cluster that nobody reaches.

aiokafka asks for new metadata whenever a connection breaks, and asks by making a connection. Where something takes the
connection and closes it at once, as a load balancer does whose brokers are away, that is a circle without a pause: 500
attempts a second, a whole core, and two lines of log for each.
"""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from aiokafka.client import AIOKafkaClient

FIRST_SECONDS, LONGEST_SECONDS = 0.1, 1.0

_metadata_update = AIOKafkaClient._metadata_update
_next_pause: WeakKeyDictionary[AIOKafkaClient, float] = WeakKeyDictionary()


async def _patient_update(client: AIOKafkaClient, cluster: Any, topics: Any) -> bool:
    """As aiokafka's; after a failure it returns only when it is time to try again."""
    if await _metadata_update(client, cluster, topics):
        _next_pause.pop(client, None)
        return True
    pause = _next_pause.get(client, FIRST_SECONDS)
    _next_pause[client] = min(2 * pause, LONGEST_SECONDS)
    await asyncio.sleep(pause)
    return False


def install() -> None:
    """Make every client of this process patient."""
    AIOKafkaClient._metadata_update = _patient_update
