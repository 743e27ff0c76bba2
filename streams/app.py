"""Wires everything; decides nothing."""

import asyncio
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
import mode

from streams.agents import add_agents
from streams.canary import Canary
from streams.clock_partitions import AssignedPartitions
from streams.clock_timer import ClockTimer
from streams.flows.clock import ClockFlow
from streams.flows.clock_limits import clock_limits
from streams.flows.filesystem import FilesystemFlow
from streams.flows.submission import SubmissionFlow
from streams.incident_keeper import IncidentKeeper
from streams.judging import Judging
from streams.kafka import bounded_records, reconnecting
from streams.kafka.announcer import Announcer
from streams.kafka.lease import Lease
from streams.kafka.security import ssl_context
from streams.kafka.transport import PartitionBatchScheduler, transport_for
from streams.observability import metrics
from streams.observability.health import Health
from streams.probes import Probes
from streams.recorder import Recorder
from streams.settings import Settings
from streams.standards.cache import StandardsCache
from streams.stopping import BEYOND_DRAIN_SECONDS, ends_within, unfinished
from streams.store.database import Database
from streams.store.recall import Recall
from streams.store.transaction import Transactions
from streams.sweeper import Sweeper

log = logging.getLogger(__name__)

_MAX_POLL_SECONDS = 300
"""A worker whose loop hangs for so long loses its partitions."""

_METADATA_SECONDS = 15
"""Partitions that a topic gets are read from so much later; aiokafka's default is five minutes."""


@dataclass(slots=True)
class Parts:
    """What a running worker consists of."""

    database: Database
    transactions: Transactions
    announcer: Announcer
    standards: StandardsCache
    recorder: Recorder
    probes: Probes
    sweeper: Sweeper
    incident_keeper: IncidentKeeper
    clock_timer: ClockTimer
    canary: Canary

    @property
    def services(self) -> list[mode.Service]:
        """The parts that run, in the order in which they start."""
        return [
            self.standards,
            self.recorder,
            self.sweeper,
            self.incident_keeper,
            self.clock_timer,
            self.probes,
            self.canary,
        ]


def build_app(settings: Settings, health: Health) -> faust.App:
    """The Faust app of a worker: agents, batch transport, and the services they need."""
    database = Database(settings)
    announcer = Announcer(settings)
    recall = Recall(database)
    transactions = Transactions(
        database, settings.database_statement_timeout_seconds, reopen_seconds=settings.incident_reopen_seconds
    )
    lease = Lease(settings.kafka_session_timeout_seconds)
    recorder = Recorder(settings, transactions, recall, announcer, health, lease)
    standards = StandardsCache(database, settings.standards_poll_seconds, settings.standard_most_milliseconds)
    clock_flow = ClockFlow(recall, clock_limits(settings))
    judging = {
        flow.topic: Judging(flow, standards.current, settings.max_record_bytes, recorder.retrying)
        for flow in (FilesystemFlow.of(settings, recall), clock_flow, SubmissionFlow(recall))
    }
    for name in judging:
        for outcome in metrics.OUTCOMES:  # a series that begins at 0 shows its first event as an increase
            metrics.RECORDS.labels(settings.topic(name), outcome)
    app = CockpitApp(settings.kafka_group, **_faust_settings(settings))
    app.stop_seconds = settings.drain_seconds + BEYOND_DRAIN_SECONDS
    app.parts = Parts(
        database,
        transactions,
        announcer,
        standards,
        recorder,
        Probes(settings, app, database, recorder, health),
        Sweeper(settings, database, announcer),
        IncidentKeeper(settings, database),
        ClockTimer(settings, clock_flow, recall, recorder, standards.current, AssignedPartitions(app, settings)),
        Canary(settings, database),
    )
    app.health = health
    health.kafka_answers = lambda: announcer.reachable and not lease.doubtful
    bounded_records.install(settings.max_batch_bytes)
    reconnecting.install()
    app.transport = transport_for(app, settings.drain_seconds, settings.fetch_linger_milliseconds, lease)
    add_agents(app, settings, judging, recorder)
    return app


class CockpitApp(faust.App):  # type: ignore[misc]
    """A Faust app whose parts are up before the first batch comes and down after the last is acknowledged."""

    parts: Parts
    health: Health
    stop_seconds: float
    """No stop takes longer, whatever is away."""
    _opening: "asyncio.Task[None] | None" = None

    async def on_start(self) -> None:
        """Open the database, load the standards, connect the producer."""
        self._opening = asyncio.create_task(self._open())
        await self._opening
        for service in self.parts.services:
            await self.add_runtime_dependency(service)
        self.on_partitions_assigned.connect(self._assigned)
        await super().on_start()

    async def _open(self) -> None:
        await self.parts.database.open()
        self.health.database_answers = True
        await self.parts.transactions.prepare()
        await self.parts.standards.load()
        await self.parts.announcer.start()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        self.health.assigned = True

    async def stop(self) -> None:
        """As Faust's, and in the end without what does not end: the next worker finds everything that is left."""
        if not await ends_within(self.stop_seconds, super().stop(), "the worker is left as it is"):
            log.error("stopped without waiting for %s", unfinished())

    async def on_stop(self) -> None:
        """Drain within the deadline (see kafka/transport.py)."""
        self.health.assigned = False
        if self._opening is not None:  # a start that waits for a server is over
            self._opening.cancel()
        await super().on_stop()
        for service in reversed(self.parts.services):
            await service.stop()

    async def on_shutdown(self) -> None:
        """Let go of Kafka and the database, which until now the agents may have asked."""
        await super().on_shutdown()
        await self.parts.announcer.stop()
        await self.parts.database.close()


def _faust_settings(settings: Settings) -> dict[str, Any]:
    return {
        "broker": ";".join(f"kafka://{broker.strip()}" for broker in settings.kafka_bootstrap.split(",")),
        "broker_credentials": _credentials(settings),
        "autodiscover": False,
        "datadir": Path(tempfile.gettempdir()) / "cockpit-streams",
        "web_enabled": False,
        "agent_supervisor": "mode.CrashingSupervisor",
        "ConsumerScheduler": PartitionBatchScheduler,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "table_standby_replicas": 0,
        "stream_wait_empty": True,
        "stream_buffer_maxsize": 16,  # batches, not records: what one fetch brings of all partitions
        "broker_commit_interval": settings.commit_interval_seconds,
        "broker_commit_every": 1_000_000,  # the interval decides; counting batches would commit at odd times
        "broker_max_poll_records": settings.poll_records,
        "consumer_max_fetch_size": settings.fetch_partition_bytes,
        "broker_max_poll_interval": _MAX_POLL_SECONDS,
        "broker_session_timeout": settings.kafka_session_timeout_seconds,
        "broker_heartbeat_interval": min(3.0, settings.kafka_session_timeout_seconds / 3),
        "broker_request_timeout": max(60.0, settings.kafka_session_timeout_seconds + 10),
        "broker_rebalance_timeout": settings.drain_seconds + 40,
        "producer_request_timeout": 30.0,
        "consumer_metadata_max_age_ms": _METADATA_SECONDS * 1000,
        "consumer_auto_offset_reset": "earliest",
    }


def _credentials(settings: Settings) -> Any:
    context = ssl_context(settings)
    if settings.kafka_security.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if context else None
