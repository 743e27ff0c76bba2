"""The statements of the reports against what plain Python makes of the same data."""

from random import Random

import pytest

from streams.errors import UserError
from streams.settings import Settings
from streams.standards.catalog import seed_standards
from streams.store import reports
from streams.store.database import Database
from streams.store.registry import insert_missing

_VIOLATION = (
    "INSERT INTO metadata_violations (id, standard_id, standard_version, subject, field, expected, severity, status,"
    " fingerprint, evidence, ruleset_revision, event_id, source_topic, source_partition, source_offset, event_time,"
    " detected_at) VALUES (%s, %s, 1, 's', 'f', 'e', 'low', %s, 'fp', '{}', 1, 'e', 't', 0, 0, CURRENT_TIMESTAMP(6),"
    " CURRENT_TIMESTAMP(6) - INTERVAL %s DAY)"
)


def nearest_rank(values: list[float], percent: int) -> float:
    """The smallest value that at least so many percent are not above; in integers, for 0.95 is no binary fraction."""
    return sorted(values)[-(-percent * len(values) // 100) - 1]


async def test_percentiles_are_the_nearest_ranks_of_the_last_hour(database: Database) -> None:
    random = Random(7)
    samples = {
        f"of {size}": [random.choice((1.0, 7.5, random.lognormvariate(2, 1))) for _ in range(size)]
        for size in (1, 2, 3, 19, 20, 21, 40, 99, 100, 101, 200, 333)
    }
    number = 0
    for kind, values in samples.items():
        for value, age_minutes in [(value, 1) for value in values] + [(1e6, 61), (0.0, 61)]:
            number += 1
            await database.execute(
                "INSERT INTO query_metrics VALUES (%s, %s, %s, CURRENT_TIMESTAMP(6) - INTERVAL %s MINUTE)",
                (str(number), kind, value, age_minutes),
            )
    measured = {row["query_type"]: row for row in await reports.latency_objectives(database)}
    assert measured.keys() == samples.keys()
    for kind, values in samples.items():
        row = measured[kind]
        assert row["samples"] == len(values)
        assert row["average_ms"] == pytest.approx(sum(values) / len(values))
        assert (row["p95_ms"], row["p99_ms"]) == (nearest_rank(values, 95), nearest_rank(values, 99)), kind


async def test_compliance_counts_by_day_and_category_within_the_days_asked_for(database: Database) -> None:
    await insert_missing(database, seed_standards())
    of = {
        row["category"]: row["id"]
        for row in await database.fetch_all("SELECT id, category FROM metadata_standards ORDER BY id")
    }
    found = (
        ("clock", "open", 0), ("clock", "resolved", 0), ("clock", "waived", 0), ("timestomping", "resolved", 0),
        ("clock", "resolved", 3), ("clock", "open", 40),
    )  # fmt: skip
    for number, (category, status, days_ago) in enumerate(found):
        await database.execute(_VIOLATION, (str(number), of[category], status, days_ago))

    async def counted(days: int) -> list[tuple[object, ...]]:
        rows = await reports.compliance(database, days)
        assert [row["day"] for row in rows] == sorted((row["day"] for row in rows), reverse=True)
        return [
            (row["category"], row["violation_count"], int(row["resolved_count"]), float(row["resolution_rate"]))
            for row in rows
        ]

    today = [("clock", 3, 1, 33.33), ("timestomping", 1, 1, 100.0)]
    assert await counted(1) == today
    assert await counted(30) == [*today, ("clock", 1, 1, 100.0)]
    assert await counted(60) == [*today, ("clock", 1, 1, 100.0), ("clock", 1, 0, 0.0)]
    assert [(row["category"], row["violation_count"]) for row in await reports.by_standard(database, 1)] == [
        ("clock", 3),
        ("timestomping", 1),
    ]


async def test_a_database_without_tables_is_told_in_one_line(settings: Settings) -> None:
    async with Database(settings) as database:
        with pytest.raises(UserError, match="run `cockpit migrate`"):
            await reports.compliance(database, 30)
