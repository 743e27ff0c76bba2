"""A server is stopped in order and started again."""

import asyncio
from pathlib import Path

from streams.local.server import Server
from tests.chaos.faults import Form
from tests.chaos.faults.under_load import retries, under_load
from tests.chaos.lane import Lane
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.e2e.worker import WorkerProcess


async def of_kafka(servers: Servers, directory: Path, form: Form) -> Result:
    return await _of("Kafka restarted", servers.kafka, servers, directory, form)


async def of_the_database(servers: Servers, directory: Path, form: Form) -> Result:
    return await _of("database restarted", servers.mariadb, servers, directory, form)


async def _of(name: str, server: Server, servers: Servers, directory: Path, form: Form) -> Result:
    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        for _ in range(form.rounds):
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            lane.watched.fault_ends()
            await lane.stored()
        return f"{form.rounds} restarts, {await retries(worker)} retries"

    return await under_load(name, servers, directory, form, breaks, runs=form.rounds)
