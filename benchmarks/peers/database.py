"""The database as the peers use it: the standards at the start, then one transaction a batch by `executemany`."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from benchmarks.peers.job import FILES_SQL, VIOLATIONS_SQL, Job, Row
from benchmarks.peers.settings import PeerSettings
from streams.standards.ruleset import Ruleset
from streams.standards.standard import Standard, rules_json
from streams.store.statements import statement


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
    connection = connect(settings)
    try:
        with connection.cursor(DictCursor) as cursor:
            cursor.execute(statement("standards", "load"))
            loaded = [Standard.from_row(row) for row in cursor.fetchall()]
            evaluated = [standard for standard in loaded if standard.status in ("active", "shadow")]
            ruleset = Ruleset.compile(evaluated, 0, datetime.now(UTC))
            known = (ruleset.content_sha256,)
            if not cursor.execute(statement("standards", "revision"), known):
                rules = gzip.compress(rules_json(evaluated), mtime=0).hex()
                cursor.execute(statement("standards", "add_revision"), (*known, rules))
                cursor.execute(statement("standards", "revision"), known)
            (row,) = cursor.fetchall()
        connection.commit()
    finally:
        connection.close()
    return Job(ruleset.numbered(int(row["revision"])), settings.topic)
