"""The registry of rules in the database, read; `registry.py` changes it."""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from streams.standards.standard import Standard, rules_from_json
from streams.store.database import Database
from streams.store.statements import statement


async def load_standards(database: Database) -> list[Standard]:
    """The version of every standard that metadata_standards shows, whatever its status."""
    return [Standard.from_row(row) for row in await database.fetch_all(statement("standards", "heads"))]


async def load_evaluated(database: Database) -> tuple[datetime, list[Standard]]:
    """What workers judge by or count, with the database's time (aware): the clock that says what is in force."""
    heads = await load_standards(database)
    candidates = await database.fetch_all(statement("standards", "shadow_candidates"))
    (now,) = await database.fetch_all(statement("standards", "now"))
    return now["at"].replace(tzinfo=UTC), evaluated(heads, map(version_of, candidates))


def evaluated(heads: Any, candidates: Any) -> list[Standard]:
    """The standards that are active, and those in shadow, also where they are next to an active version."""
    return [standard for standard in (*heads, *candidates) if standard.status in ("active", "shadow")]


async def load_versions(database: Database, code: str | None = None) -> dict[str, list[Standard]]:
    """All versions of every standard, or of one, by code and in their order."""
    name, arguments = ("versions", ()) if code is None else ("versions_of", (code,))
    found: dict[str, list[Standard]] = {}
    for row in await database.fetch_all(statement("standards", name), arguments):
        found.setdefault(row["code"], []).append(version_of(row))
    return found


async def version_rows(database: Database, code: str) -> list[dict[str, Any]]:
    """What is known of the versions of one standard beside what they say: who made them, when, and their digests."""
    return await database.fetch_all(statement("standards", "versions_of"), (code,))


def version_of(row: Mapping[str, Any]) -> Standard:
    """The version in a row of standard_versions, with the id that the standard has."""
    place = {name: row[name] for name in ("id", "code", "version", "status")}
    return Standard.from_row({**orjson.loads(row["content"]), **place})


async def history(database: Database, code: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest steps of one standard, or of all, newest first."""
    return await database.fetch_all(statement("standards", "history"), (code, code, limit))


async def shadow_counts(database: Database, code: str) -> list[dict[str, Any]]:
    """What a standard would have found while it was in shadow, by version and day."""
    return await database.fetch_all(statement("standards", "shadow_counts"), (code,))


async def violation_counts(database: Database, standard_id: str) -> list[dict[str, Any]]:
    """Violations of the last 30 days by version and origin."""
    return await database.fetch_all(statement("standards", "violation_counts"), (standard_id,))


async def fingerprint(database: Database) -> tuple[datetime, object]:
    """The database's time, and what differs whenever the registry does, also after a change by hand.

    Cheap enough for every second. Every row's content and time of change is in it, not only the newest time: an edit
    that commits late has an older one.
    """
    (row,) = await database.fetch_all(statement("standards", "fingerprint"))
    seen = int(row["standards"]), int(row["digest"] or 0), int(row["candidates"] or 0)
    return row["at"].replace(tzinfo=UTC), seen


async def last_good_revision(database: Database) -> tuple[int, list[Standard]] | None:
    """The set of rules that was live last, with its number; None before there was any."""
    rows = await database.fetch_all(statement("standards", "last_revision"))
    if not rows:
        return None
    return int(rows[0]["revision"]), rules_from_json(gzip.decompress(rows[0]["rules"]))
