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
from streams.standards.standard import rules_from_json
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
    """The job, by the set of rules that was live last: the harness has had the product number it."""
    connection = connect(settings)
    try:
        with connection.cursor(DictCursor) as cursor:
            cursor.execute(statement("standards", "last_revision"))
            (row,) = cursor.fetchall()
        connection.commit()
    finally:
        connection.close()
    standards = rules_from_json(gzip.decompress(row["rules"]))
    return Job(Ruleset.compile(standards, int(row["revision"]), datetime.now(UTC)), settings.topic)
