"""`cockpit worker`: consume, judge, record, until told to stop."""

import asyncio
import gc
import logging
import signal
import sys
from typing import NoReturn

import structlog
import typer
import uvloop

from streams import crash_points
from streams.errors import RetriableError, UserError
from streams.kafka.topics import list_topics
from streams.observability import logs
from streams.observability.health import Health, HealthServer
from streams.settings import Settings, load_settings
from streams.store.database import Database
from streams.store.migrate import require_current
from streams.store.server_limits import require_packets

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 2.0
_PULSE_SECONDS = 1.0


_COLLECTOR_THRESHOLDS = (1_000_000, 20, 100)
"""A group of 2,000 records is 30,000 objects that live until it is stored. With the default thresholds the collector
walks them again and again: measured, 5 to 9 µs a file, a tenth of a worker's time."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(worker)


def worker() -> None:
    """Run one worker; SIGTERM drains and stops it. More throughput is more workers, up to the partitions."""
    settings = load_settings()
    logs.configure(settings)
    crash_points.arm(settings.crash_point)
    signal.signal(signal.SIGTERM, _end_at_once)  # until Faust's worker drains on it
    health = Health(stall_seconds=settings.stall_seconds)
    server = HealthServer(health, settings.metrics_host, settings.metrics_port)
    log.info("worker_starts", metrics_port=server.port, group=settings.kafka_group, kafka=settings.kafka_bootstrap)
    code = 0
    try:
        asyncio.run(_wait_until_ready(settings, health))
        code = _run(settings, health)
    except SystemExit:
        log.info("told_to_stop_before_it_began")
    finally:
        server.close()
    log.info("worker_stopped", exit_code=code)
    sys.exit(code)


def _end_at_once(*_: object) -> NoReturn:
    """A worker that waits for its servers has nothing in hand. Process 1 of a container has no handler but its own."""
    raise SystemExit(0)


def _run(settings: Settings, health: Health) -> int:
    # Imported late: Faust takes a second, and a wrong setting should be said at once.
    import faust

    from streams.app import build_app

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = build_app(settings, health)
    _spare_the_collector()
    faust_worker = faust.Worker(
        app,
        loop=loop,
        loglevel=settings.log_level,
        override_logging=False,
        redirect_stdouts=False,
        quiet=True,
    )
    faust_worker.spinner = None
    try:
        faust_worker.execute_from_commandline()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except Exception:
        logging.getLogger(__name__).exception("worker_crashed")
        return 1
    return 0


def _spare_the_collector() -> None:
    """Keep modules, models and standards out of every collection, and collect less often: cycles are rare here."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


async def _wait_until_ready(settings: Settings, health: Health) -> None:
    """Wait for the database and Kafka to be there; refuse to start what a person must mend first."""
    # An attempt takes 15 s for each broker that drops our packets: /livez must not take that for a loop that hangs.
    pulse = asyncio.create_task(_pulse(health))
    try:
        await _attempt_until_ready(settings)
    finally:
        pulse.cancel()


async def _pulse(health: Health) -> None:
    while True:
        health.tick()
        await asyncio.sleep(_PULSE_SECONDS)


async def _attempt_until_ready(settings: Settings) -> None:
    while True:
        try:
            async with Database(settings, connections=2) as database:
                await require_current(database)
                await require_packets(database)
            missing = [state.name for state in await list_topics(settings) if not state.partitions]
        except RetriableError as error:
            log.warning("waiting", reason=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        if missing:
            raise UserError(
                f"topic {missing[0]}: does not exist, or this user may not see it: run `cockpit topics create`"
            )
        return
