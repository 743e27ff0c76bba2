"""Steps of incidents: under the incident's lock, with their entry in the log, and then in the violations themselves."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiomysql

from streams.judges.incidents import STATUSES, Incident, IncidentStatus, pending
from streams.store import rows
from streams.store.database import Database
from streams.store.statements import statement
from streams.times import from_microseconds, microseconds

COCKPIT = "cockpit"
"""The actor of what happens by itself."""

_VIOLATIONS_PER_UPDATE = 5000
_REASON_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class Move:
    """One step of one incident: where to, by whom, and why."""

    to: IncidentStatus
    actor: str
    reason: str
    waiver_id: str | None = None
    passed_at_us: int | None = None
    """Of a resolution: the time of the record that passed; without it, of the last violation."""


Decide = Callable[[Incident], Move | None]


def utc_us(value: datetime) -> int:
    """Microseconds of what the database gave."""
    return microseconds(value.replace(tzinfo=UTC))


def incident_of(row: Mapping[str, Any]) -> Incident:
    """The part of a row that is decided by."""
    return Incident(
        row["fingerprint"],
        row["code"],
        row["subject"],
        row["field"],
        row["status"],
        row["episode"],
        row["occurrences"],
        utc_us(row["last_seen"]),
        utc_us(row["first_detected_at"]),
        utc_us(row["last_detected_at"]),
        row["logged_status"],
        row["logged_episode"],
        row["waiver_id"],
    )


async def move(database: Database, fingerprints: Iterable[str], decide: Decide) -> list[tuple[Incident, Move]]:
    """Take the step that `decide` makes of each incident as it is under its lock; None leaves it.

    What was decided on an older look is not carried out unless `decide` finds it right again: of two who move the same
    incident the second one meets what the first one made of it. An error of `decide` undoes all.
    """
    done = []
    async with _locked(database, fingerprints) as (cursor, found, now):
        for row in found:
            incident = incident_of(row)
            step = decide(incident)
            if step is None:
                continue
            await _log_pending(cursor, incident, row)
            entry = (incident.fingerprint, incident.episode, incident.status, step.to, step.actor[:255])
            await cursor.execute(
                statement("incidents", "log"), (*entry, step.reason[:_REASON_CHARACTERS], now, step.waiver_id)
            )
            await cursor.execute(statement("incidents", "move"), _columns(row, incident, step, now))
            done.append((incident, step))
    return done


def _columns(row: Mapping[str, Any], incident: Incident, step: Move, now: datetime) -> tuple[Any, ...]:
    acknowledged = (row["acknowledged_by"], row["acknowledged_at"])
    resolved = (row["resolved_by"], row["resolved_at"], row["passed_at"])
    if step.to == "acknowledged":
        acknowledged = (step.actor[:255], now)
    elif step.to == "open":
        acknowledged = (None, None)
    elif step.to == "resolved":
        passed_us = incident.last_seen_us if step.passed_at_us is None else step.passed_at_us
        resolved = (step.actor[:255], now, from_microseconds(passed_us).replace(tzinfo=None))
    waiver_id = step.waiver_id if step.to == "waived" else None
    return step.to, waiver_id, *acknowledged, *resolved, step.to, incident.fingerprint


async def settle(database: Database, fingerprints: Iterable[str]) -> int:
    """Bring the log and the violations' status up to what these incidents are; returns how many are not done yet."""
    left = 0
    async with _locked(database, fingerprints) as (cursor, found, _):
        groups: dict[tuple[str, datetime | None], list[str]] = defaultdict(list)
        for row in found:
            await _log_pending(cursor, incident_of(row), row)
            groups[row["status"], row["resolved_at"] if row["status"] == "resolved" else None].append(
                row["fingerprint"]
            )
        for (status, resolved_at), members in groups.items():
            changed = await _settle_violations(cursor, status, resolved_at, members)
            await cursor.execute(_among("logged", members))
            if changed < _VIOLATIONS_PER_UPDATE:
                await cursor.execute(_among("settled", members))
            else:
                left += len(members)
    return left


async def unsettled(database: Database, most: int) -> list[str]:
    """Incidents whose log or violations lag behind."""
    return [row["fingerprint"] for row in await database.fetch_all(statement("incidents", "unsettled"), (most,))]


async def _settle_violations(
    cursor: aiomysql.DictCursor, status: str, resolved_at: datetime | None, members: Sequence[str]
) -> int:
    text = statement("incidents", "settle_violations")
    before, after = text.split("IN (%s) AND status IN (%s)")
    others = ",".join(f"'{other}'" for other in STATUSES if other not in (status, "resolved"))
    query = f"{before}IN ({_list(members)}) AND status IN ({others}){after}"
    changed: int = await cursor.execute(query, (status, resolved_at, _VIOLATIONS_PER_UPDATE))
    return changed


async def _log_pending(cursor: aiomysql.DictCursor, incident: Incident, row: Mapping[str, Any]) -> None:
    step = pending(incident)
    if step is None:
        return
    place = f"{row['last_topic']} {row['last_partition']}/{row['last_offset']}"
    fresh = incident.episode > incident.logged_episode
    reason = f"{'a new episode: ' if fresh else ''}violated again: {place}"
    entry = (incident.fingerprint, incident.episode, *step, COCKPIT, reason, row["reopened_at"], None)
    await cursor.execute(statement("incidents", "log"), entry)


def _among(name: str, fingerprints: Iterable[str]) -> str:
    return statement("incidents", name).replace("%s", _list(fingerprints), 1)


def _list(fingerprints: Iterable[str]) -> str:
    return ",".join(map(rows.text, fingerprints))


@asynccontextmanager
async def _locked(
    database: Database, fingerprints: Iterable[str]
) -> AsyncIterator[tuple[aiomysql.DictCursor, list[dict[str, Any]], datetime]]:
    """The incidents, locked in the order in which workers lock them, and the database's time.

    What others committed before the lock was got is seen, and no gap between violations is locked.
    """
    wanted = sorted(set(fingerprints))
    async with database.connection() as connection, connection.cursor(aiomysql.DictCursor) as cursor:
        await cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        await connection.begin()
        found: list[dict[str, Any]] = []
        if wanted:
            await cursor.execute(_among("lock", wanted))
            found = await cursor.fetchall()
        await cursor.execute(statement("incidents", "now"))
        now = (await cursor.fetchone())["at"]
        yield cursor, list(found), now
        await connection.commit()
