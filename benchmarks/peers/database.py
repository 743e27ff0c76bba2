"""The database as the peers use it: the standards at the start, then one transaction a batch by `executemany`."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql

from benchmarks.peers.job import FILES_SQL, VIOLATIONS_SQL, Job, Row
from benchmarks.peers.settings import PeerSettings
from streams.settings import load_settings
from streams.standards.cache import StandardsCache
from streams.standards.ruleset import Ruleset
from streams.store.database import Database


def options(settings: PeerSettings) -> dict[str, Any]:
    """What PyMySQL's `connect` is called with."""
    address = settings.database
    return {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password,
        "database": address.database,
        "charset": "utf8mb4",
        "autocommit": False,
        "init_command": "SET time_zone = '+00:00'",
    }


def connect(settings: PeerSettings) -> "pymysql.Connection[Any]":
    return pymysql.connect(**options(settings))


def write(connection: "pymysql.Connection[Any]", files: Sequence[Row], violations: Sequence[Row]) -> None:
    """One transaction; a multi-row statement for each table (PyMySQL begins a new one at a megabyte)."""
    with connection.cursor() as cursor:
        cursor.executemany(FILES_SQL, files)
        if violations:
            cursor.executemany(VIOLATIONS_SQL, violations)
    connection.commit()


def load_job(settings: PeerSettings) -> Job:
    """The job, by the standards that are in force now and under the revision that the product gives them."""
    with ThreadPoolExecutor(1) as thread:  # some peers have an event loop of their own running
        return Job(thread.submit(asyncio.run, _live_rules(settings)).result(), settings.topic)


async def _live_rules(settings: PeerSettings) -> Ruleset:
    product = load_settings(database_url=settings.database_url)
    async with Database(product, connections=2) as database:
        return await StandardsCache(database, product.standards_poll_seconds).load()
