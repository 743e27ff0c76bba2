from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from streams.kafka.topics import create_topics
from streams.settings import Settings
from streams.standards.catalog import seed_standards
from streams.store import components
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.registry import insert_missing
from tests.e2e.worker import WorkerProcess


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The migrated and seeded database of this test."""
    async with Database(settings) as database:
        await migrate(database)
        await insert_missing(database, seed_standards())
        await components.insert_missing(database)
        yield database


@pytest.fixture
async def deployed(settings: Settings, database: Database) -> Settings:
    """Everything that a worker needs is there."""
    await create_topics(settings)
    return settings


@pytest.fixture
def new_worker(deployed: Settings, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Makes workers of one group; all are gone when the test ends, however it ends."""
    made: list[WorkerProcess] = []

    def make(**environment: str) -> WorkerProcess:
        worker = WorkerProcess(deployed, tmp_path / f"worker-{len(made)}.log", **environment)
        made.append(worker)
        worker.start()
        return worker

    yield make
    for worker in made:
        worker.close()
