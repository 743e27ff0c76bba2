"""What both Faust peers share: an app that reads raw bytes from the earliest offset, and a worker around it."""

import asyncio
import sys
import tempfile

import faust
import uvloop

from benchmarks.peers.settings import PeerSettings


def make_app(settings: PeerSettings) -> faust.App:
    return faust.App(
        settings.group,
        broker=f"kafka://{settings.bootstrap}",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        autodiscover=False,
        web_enabled=False,
        datadir=tempfile.gettempdir(),
        broker_max_poll_records=2000,
        broker_commit_interval=1.0,
    )


def run(app: faust.App) -> None:
    """Until SIGTERM."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = faust.Worker(app, loop=loop, loglevel="warning", redirect_stdouts=False, quiet=True)
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as stop:
        sys.exit(stop.code)
