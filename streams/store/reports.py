"""What people ask of the database: violations, compliance, latency objectives."""

from typing import Any

import orjson

from streams.store.database import Database
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
    return [_with_evidence(row) for row in await database.fetch_all(statement("reports", "violations"), arguments)]


async def violation(database: Database, violation_id: str) -> dict[str, Any] | None:
    """Everything about one violation, or None."""
    rows = await database.fetch_all(statement("reports", "violation"), (violation_id,))
    return _with_evidence(rows[0]) if rows else None


async def compliance(database: Database, days: int) -> list[dict[str, Any]]:
    """A row a day and category: count, resolved, and the share resolved in percent."""
    return await database.fetch_all(statement("reports", "compliance"), (days,))


async def by_standard(database: Database, days: int) -> list[dict[str, Any]]:
    """A row a standard and severity: how many violations, how many incidents, an example."""
    return await database.fetch_all(statement("reports", "violations_by_standard"), (days,))


async def latency_objectives(database: Database) -> list[dict[str, Any]]:
    """A row a query type of the last hour: samples, average, p95 and p99 in milliseconds."""
    return await database.fetch_all(statement("reports", "slo"))


def _like_literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _with_evidence(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "evidence": orjson.loads(row["evidence"])}
