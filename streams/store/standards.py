"""The registry of rules in the database, and the sets of rules that were live."""

import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import aiomysql
import orjson

from streams.standards.catalog import Changes, plan_changes
from streams.standards.standard import Standard, StandardSpec, rules_from_json
from streams.store.database import Database
from streams.store.statements import statement


async def load_standards(database: Database) -> list[Standard]:
    """All standards, whatever their status, as one SELECT sees them."""
    return [Standard.from_row(row) for row in await database.fetch_all(statement("standards", "load"))]


async def fingerprint(database: Database) -> tuple[int, int]:
    """What differs whenever the table does, also after a change by hand: cheap enough for every second.

    Every row's content and time of change is in it, not only the newest time: an edit that commits late has
    an older one.
    """
    (row,) = await database.fetch_all(statement("standards", "fingerprint"))
    return int(row["standards"]), int(row["digest"] or 0)


async def insert_missing(database: Database, specs: Iterable[StandardSpec]) -> int:
    """Add the standards whose code is not there yet and return their number; what a person changed stays."""
    rows = [_row(spec.to_standard()) for spec in specs]
    if not rows:
        return 0
    async with database.connection() as connection, connection.cursor() as cursor:
        await connection.begin()
        await cursor.executemany(statement("standards", "insert_missing"), rows)
        await connection.commit()
        return int(cursor.rowcount)


async def upsert(database: Database, specs: Iterable[StandardSpec]) -> Changes:
    """Make the registry hold these standards; the version of one grows only when its content differs."""
    async with database.connection() as connection, connection.cursor(aiomysql.DictCursor) as cursor:
        await connection.begin()
        await cursor.execute(statement("standards", "load_for_update"))
        changes = plan_changes([Standard.from_row(row) for row in await cursor.fetchall()], specs)
        rows = [_row(standard) for standard in (*changes.added, *(after for _, after in changes.changed))]
        if rows:
            await cursor.executemany(statement("standards", "upsert"), rows)
        await connection.commit()
        return changes


async def register_revision(database: Database, content_sha256: str, rules: bytes) -> int:
    """The number of the set of rules with this content, given out now if it has none; `rules` is its JSON.

    A set that comes back after others counts as the newest again: `last_good_revision` must not bring back
    what was undone. Two workers that register at once get the same number.
    """
    if not await database.execute(statement("standards", "touch_revision"), (content_sha256,)):
        compressed = gzip.compress(rules, mtime=0).hex()  # the driver cannot pass bytes
        await database.execute(statement("standards", "add_revision"), (content_sha256, compressed))
    rows = await database.fetch_all(statement("standards", "revision"), (content_sha256,))
    return int(rows[0]["revision"])


async def last_good_revision(database: Database) -> tuple[int, list[Standard]] | None:
    """The set of rules that was live last, with its number; None before there was any."""
    rows = await database.fetch_all(statement("standards", "last_revision"))
    if not rows:
        return None
    return int(rows[0]["revision"]), rules_from_json(gzip.decompress(rows[0]["rules"]))


def _row(standard: Standard) -> tuple[Any, ...]:
    samples = {"positive": standard.samples.positive, "negative": standard.samples.negative}
    return (
        standard.id,
        standard.code,
        standard.version,
        standard.kind,
        standard.applies_to,
        standard.category,
        standard.field,
        standard.pattern,
        standard.match_mode,
        standard.path_glob,
        int(standard.required),
        standard.severity,
        standard.status,
        standard.owner,
        standard.description,
        standard.reference,
        orjson.dumps(samples).decode(),
        _naive_utc(standard.effective_from),
        _naive_utc(standard.effective_until),
    )


def _naive_utc(value: datetime | None) -> datetime | None:
    """What the driver writes as it is, in the session's time zone, which is UTC."""
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None)
