from collections.abc import AsyncIterator

import pytest

from streams.kafka.topics import create_topics
from streams.settings import Settings
from streams.store.database import Database
from streams.store.migrate import migrate


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The migrated database of this test."""
    async with Database(settings) as database:
        await migrate(database)
        yield database


@pytest.fixture
async def topics(settings: Settings) -> list[str]:
    """All topics of this test's prefix."""
    return await create_topics(settings)
