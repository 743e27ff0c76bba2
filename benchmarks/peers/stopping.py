"""SIGTERM as an event, for the peers that run their own asyncio loop."""

import asyncio
import signal


def stop_requested() -> asyncio.Event:
    """An event that SIGTERM sets: the batch at hand is finished and committed."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return stop
