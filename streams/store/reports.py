"""What people ask of the database: violations, compliance, files, latency objectives."""

from collections.abc import Sequence
from typing import Any

import orjson
from pymysql.err import MySQLError

from streams.errors import UserError
from streams.store import rollup
from streams.store.database import Database
from streams.store.failures import is_access_error
from streams.store.statements import statement


async def violations(
    database: Database,
    *,
    days: int,
    status: str | None = None,
    severity: str | None = None,
    standard: str | None = None,
    subject_part: str | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """The newest violations, narrowed by what is given; `subject_part` is text that the subject contains."""
    like = None if subject_part is None else f"%{_like_literal(subject_part)}%"
    arguments = (days, status, status, severity, severity, standard, standard, like, like, limit)
    return [_with_evidence(row) for row in await _ask(database, "violations", arguments)]


async def incidents(
    database: Database,
    *,
    days: int,
    status: str | None = None,
    severity: str | None = None,
    standard: str | None = None,
    subject_part: str | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """The incidents that were violated last, each with its newest violation, narrowed by what is given."""
    like = None if subject_part is None else f"%{_like_literal(subject_part)}%"
    arguments = (days, status, status, severity, severity, standard, standard, like, like, limit)
    return await _ask(database, "listed", arguments, "incidents")


async def incident(database: Database, fingerprint: str) -> dict[str, Any] | None:
    """One incident as its row is, or None."""
    if not fingerprint.isascii():
        return None
    rows = await _ask(database, "one", (fingerprint,), "incidents")
    return rows[0] if rows else None


async def incident_log(database: Database, fingerprint: str) -> list[dict[str, Any]]:
    """Who moved the incident, from where to where, why and when: oldest first."""
    return await _ask(database, "transitions", (fingerprint,), "incidents")


async def incident_samples(database: Database, fingerprint: str, limit: int) -> list[dict[str, Any]]:
    """The incident's newest violations."""
    return await _ask(database, "samples", (fingerprint, limit), "incidents")


async def waivers(database: Database, *, ended_too: bool) -> list[dict[str, Any]]:
    """Waivers by their end, with the number of incidents that each holds."""
    return await _ask(database, "waivers", (int(ended_too),), "incidents")


async def violation(database: Database, violation_id: str) -> dict[str, Any] | None:
    """Everything about one violation, or None."""
    if not violation_id.isascii():
        return None  # ids are ASCII, and servers refuse to compare such a column with anything else
    rows = await _ask(database, "violation", (violation_id,))
    return _with_evidence(rows[0]) if rows else None


async def compliance(database: Database, days: int, *, scan: bool = False) -> list[dict[str, Any]]:
    """A row a day and category: count, resolved, and the share resolved in percent.

    From the rollup where the database keeps one (MariaDB); else, and with `scan`, from the violations
    themselves, which TiDB reads from TiFlash. Both say the same.
    """
    if scan or not await rollup.is_kept(database):
        return await _ask(database, "compliance", (days,))
    return await _ask(database, "compliance_counted", (days,) * 3)


async def by_standard(database: Database, days: int) -> list[dict[str, Any]]:
    """A row a standard and severity: how many violations, how many incidents, an example."""
    return await _ask(database, "violations_by_standard", (days,))


async def files_under(database: Database, prefix: str, limit: int) -> list[dict[str, Any]]:
    """Recorded captures of paths that begin with the prefix, by path; any `limit` of them where there are more."""
    found = await _ask(database, "files_under", (f"{_like_literal(prefix)}%", limit))
    # Sorted here: the index holds the first 255 characters of a path, so that the server would sort all it finds.
    return sorted(found, key=lambda row: (row["file_path"], row["host"], row["captured_at"]))


async def files_at(database: Database, path: str, limit: int) -> list[dict[str, Any]]:
    """The newest captures of one path, on all hosts."""
    return await _ask(database, "files_at", (path, limit))


async def latency_objectives(database: Database) -> list[dict[str, Any]]:
    """A row a query type of the last hour: samples, average, p95 and p99 in milliseconds."""
    return await _ask(database, "slo")


async def _ask(
    database: Database, name: str, arguments: Sequence[Any] = (), file: str = "reports"
) -> list[dict[str, Any]]:
    try:
        return await database.fetch_all(statement(file, name), arguments)
    except MySQLError as error:
        if is_access_error(error):
            # The worker is to crash on this; a person is to be told.
            text = " ".join(str(error.args[-1]).split())
            raise UserError(f"COCKPIT_DATABASE_URL: {text}: run `cockpit migrate`, or grant SELECT") from None
        raise


def _like_literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _with_evidence(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "evidence": orjson.loads(row["evidence"])}
