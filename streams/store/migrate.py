"""Migrations: numbered SQL files, applied once each, in order, under a lock, and never changed afterwards."""

import hashlib
import re
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import aiomysql
from pymysql.err import MySQLError

from streams.errors import UserError
from streams.store.database import Database
from streams.store.failures import error_code

_LOCK = "cockpit-streams.migrate"
_LOCK_SECONDS = 60
_COMMENT_OR_END = re.compile(r"/\*.*?\*/|;(?=\n)", re.DOTALL)
_EMPTY_QUERY = 1065
_TRIGGER_REFUSED = frozenset({1044, 1142, 1227, 1370, 1419})
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  number INT UNSIGNED NOT NULL PRIMARY KEY,
  name VARCHAR(128) NOT NULL,
  sha256 CHAR(64) NOT NULL,
  applied_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What the ledger remembers, so that a file that was changed after it was applied is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> list[str]:
        """The statements; each ends with a semicolon at the end of a line, outside `/* … */`."""
        lines = [line for line in self.sql.splitlines() if not line.lstrip().startswith("--")]
        text = "\n".join([*lines, ""])
        ends = [found.start() for found in _COMMENT_OR_END.finditer(text) if found[0] == ";"]
        parts = [text[start:end].strip(";\n ") for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
        return [part for part in parts if part]


def all_migrations() -> list[Migration]:
    """Every migration that this version brings, in order."""
    found = [
        Migration(int(entry.name[:4]), entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8"))
        for entry in files("streams.store").joinpath("migrations").iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


async def migrate(database: Database) -> list[str]:
    """Apply what is missing; returns the names applied. Two at once wait for each other."""
    applied = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", aiomysql.Warning)  # IF NOT EXISTS is meant
        async with _locked(database) as connection, connection.cursor(aiomysql.DictCursor) as cursor:
            await cursor.execute(_LEDGER)
            for migration in await _missing(cursor):
                for statement in migration.statements():
                    await _run(cursor, migration, statement)
                await cursor.execute(
                    "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)",
                    (migration.number, migration.name, migration.sha256),
                )
                applied.append(migration.name)
    return applied


async def _run(cursor: Any, migration: Migration, statement: str) -> None:
    try:
        await cursor.execute(statement)
    except MySQLError as error:
        if error_code(error) == _EMPTY_QUERY:
            return  # another server's `/*M! … */`: a comment to this one, which MySQL calls an empty query
        if error_code(error) in _TRIGGER_REFUSED:
            text = " ".join(str(error.args[-1]).split())
            raise UserError(
                f"migration {migration.name}: {text}: grant ALL on the database, which includes TRIGGER and CREATE"
                " ROUTINE, and where binary logging is on set log_bin_trust_function_creators=1"
            ) from None
        raise


async def require_current(database: Database) -> None:
    """Raise UserError unless the schema is the one that this version was written for."""
    rows = await database.fetch_all(
        "SELECT COUNT(*) AS tables_found FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_name = 'schema_migrations'"
    )
    done = (
        {row["number"] for row in await database.fetch_all("SELECT number FROM schema_migrations")}
        if rows[0]["tables_found"]
        else set()
    )
    if missing := [migration.name for migration in all_migrations() if migration.number not in done]:
        raise UserError(f"database: the migration {missing[0]} is not applied: run `cockpit migrate` first")


async def _missing(cursor: Any) -> list[Migration]:
    await cursor.execute("SELECT number, name, sha256 FROM schema_migrations")
    done = {row["number"]: row for row in await cursor.fetchall()}
    known = all_migrations()
    for migration in known:
        row = done.get(migration.number)
        if row and row["sha256"] != migration.sha256:
            raise UserError(
                f"migration {migration.name}: was changed after it was applied; restore it and add a new one"
            )
    if unknown := sorted(set(done) - {migration.number for migration in known}):
        raise UserError(
            f"migration {done[unknown[0]]['name']}: the database is newer than this version; upgrade cockpit-streams"
        )
    return [migration for migration in known if migration.number not in done]


@asynccontextmanager
async def _locked(database: Database) -> AsyncIterator[aiomysql.Connection]:
    async with database.connection() as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT GET_LOCK(%s, %s)", (_LOCK, _LOCK_SECONDS))
        (got,) = await cursor.fetchone()
        if got != 1:
            raise UserError(
                f"database: another `cockpit migrate` has held the lock for {_LOCK_SECONDS} s: let it finish"
            )
        try:
            yield connection
        finally:
            await cursor.execute("SELECT RELEASE_LOCK(%s)", (_LOCK,))
