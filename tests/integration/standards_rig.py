"""What tests of `cockpit standards` share: a seeded registry, the commands, and events that were really stored."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from streams.cli.app import build_cli
from streams.decode import decode
from streams.errors import UserError
from streams.flows import AnyFlow
from streams.flows.filesystem import FilesystemFlow
from streams.flows.submission import SubmissionFlow
from streams.judging import judge
from streams.plan import Plan
from streams.settings import Settings
from streams.standards.cache import StandardsCache
from streams.standards.catalog import seed_standards
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.recall import Recall
from streams.store.registry import insert_missing
from streams.store.transaction import Transactions
from tests.unit.records import NOW_US, FakeRecord

T = TypeVar("T")
Run = Callable[..., str]

RULE = """
standards:
  - code: FS-TRY-001
    applies_to: filesystem
    category: naming
    field: file_name
    pattern: '[a-z]+\\.txt'
    matching: full
    path_glob: '/srv/**'
    owner: docs
    description: Texts are lower-case.
    status: active
    samples: {positive: [abc.txt], negative: [ABC.txt]}
"""


def in_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    async def go() -> T:
        async with Database(settings) as database:
            return await work(database)

    return asyncio.run(go())


def query(settings: Settings, sql: str) -> list[dict[str, Any]]:
    return in_database(settings, lambda database: database.fetch_all(sql))


def execute(settings: Settings, sql: str) -> None:
    in_database(settings, lambda database: database.execute(sql))


def seeded_cockpit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `cockpit standards ...` on a seeded registry."""
    monkeypatch.setenv("COCKPIT_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("COCKPIT_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("COLUMNS", "250")

    async def prepare(database: Database) -> None:
        await migrate(database)
        await insert_missing(database, seed_standards())

    in_database(settings, prepare)

    def run(*arguments: str, code: int = 0, answer: str = "") -> str:
        result = CliRunner().invoke(build_cli(), ["standards", *arguments], input=answer)
        if isinstance(result.exception, UserError):
            assert code == 2, result.exception
            assert "\n" not in str(result.exception)
            return str(result.exception)
        assert result.exit_code == code, result.output + str(result.exception)
        return result.output

    return run


def revision_in(output: str) -> int:
    return int(output.rsplit("ruleset ", 1)[1])


async def store(
    database: Database, settings: Settings, events: list[dict[str, Any]], cache: StandardsCache
) -> list[Plan]:
    """Judge events by the rules of the cache and store what became of them, as a worker does."""
    recall = Recall(database)
    flow: AnyFlow = (
        SubmissionFlow(recall) if "documents" in events[0] else FilesystemFlow(recall, 1000, known_paths=1000)
    )
    topic = settings.topic(flow.topic)
    records = [FakeRecord(json.dumps(event).encode(), topic, offset=offset) for offset, event in enumerate(events)]
    decoded = [(record, decode(record, flow.model, 1_000_000)) for record in records]
    assert not any(isinstance(event, Plan) for _, event in decoded)
    await flow.recall(decoded)
    plans = [judge(flow, record, event, cache.current(), NOW_US) for record, event in decoded]
    assert [plan.dead_letter for plan in plans] == [None] * len(plans)
    await Transactions(database, settings.database_statement_timeout_seconds).write(plans)
    return plans
