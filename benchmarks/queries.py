"""The rows of the table of targets that a database alone decides: inserts, reads and reports over filled tables.

Every statement is the product's own, through the product's own functions; only the tables are filled otherwise.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, Protocol

from benchmarks import rollup_cost, tables
from benchmarks.load import SyntheticRecord
from benchmarks.targets import Measurement
from schemas.events import FilesystemTimestamps
from streams.flows.filesystem import FilesystemFlow
from streams.identity import path_key
from streams.local.mariadb import connect
from streams.plan import Plan
from streams.settings import Settings, load_settings
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset
from streams.store import components, registry, reports, rollup
from streams.store import standards as stored_standards
from streams.store.database import Database
from streams.store.migrate import migrate
from streams.store.recall import Recall
from streams.store.statements import statement
from streams.store.transaction import Transactions

DAYS = 30
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
QUICK_SIZES = SIZES[:2]
SEED = 20_261_120
Progress = Callable[[str], None]


class Addresses(Protocol):
    @property
    def database_url(self) -> str: ...


def measure(
    stack: Addresses, quick: bool, progress: Progress
) -> tuple[list[Measurement], dict[str, list[dict[str, Any]]]]:
    """Fill the tables of the stack's database, measure, and leave them empty."""
    settings = load_settings(database_url=stack.database_url, database_statement_timeout_seconds=600)
    return asyncio.run(_measure(settings, quick, progress))


async def _measure(
    settings: Settings, quick: bool, progress: Progress
) -> tuple[list[Measurement], dict[str, list[dict[str, Any]]]]:
    stored = 20_000 if quick else 1_000_000
    sizes = QUICK_SIZES if quick else SIZES
    async with Database(settings) as database:
        await migrate(database)
        await registry.insert_missing(database, seed_standards())
        with connect(settings.database_url.get_secret_value(), timeout_seconds=600) as connection:
            cursor = connection.cursor()
            tables.empty(cursor)
            try:
                tables.fill_files(cursor, stored, SEED, progress)
                tables.fill_readings(cursor, stored, SEED, progress)
                await components.insert_missing(database)
                await _settle(database)
                measurements = await _paths(database, stored, quick, progress)
                measurements.append(await _clock_status(database, stored, quick, progress))
                measurements.append(await _inserts(database, settings, stored, quick, progress))
                measurements.append(await rollup_cost.measure(database, quick, progress))
                compliance, series = await _compliance(database, cursor, sizes, quick, progress)
            finally:
                tables.empty(cursor)
                await components.insert_missing(database)
    return measurements + compliance, {"compliance_ms_by_rows": series}


async def _settle(database: Database) -> None:
    for table in tables.TABLES:
        await database.fetch_all(f"ANALYZE TABLE {table}")


async def _paths(database: Database, stored: int, quick: bool, progress: Progress) -> list[Measurement]:
    progress("searching paths")
    random, repeats, recall = Random(SEED), 20 if quick else 300, Recall(database)
    everything = await reports.files_under(database, "/src/", 1000)
    known = [(row["host"], row["file_path"]) for row in everything]
    under = [f"/src/module_{random.randrange(1000):03}/" for _ in range(repeats)]
    root = await _times(lambda: reports.files_under(database, "/src/", 50), repeats)
    deep = await _times(lambda: reports.files_under(database, under.pop(), 50), repeats)
    thousand = await _times(lambda: reports.files_under(database, "/src/", 1000), max(5, repeats // 10))
    exact = await _times(lambda: reports.files_at(database, random.choice(known)[1], 50), repeats)
    newest = await _times(lambda: recall.newest_files([path_key(*random.choice(known))]), repeats)
    return [
        Measurement(
            "path_prefix_ms",
            max(_p99(root), _p99(deep)),
            "ms",
            {
                "rows": stored,
                "statement": "reports.files_under",
                "/src/": _summary(root),
                "/src/module_…/": _summary(deep),
                "/src/, 1,000 rows": _summary(thousand),
            },
        ),
        Measurement(
            "full_path_ms",
            max(_p99(exact), _p99(newest)),
            "ms",
            {"rows": stored, "reports.files_at": _summary(exact), "recall.newest_files": _summary(newest)},
        ),
    ]


async def _clock_status(database: Database, stored: int, quick: bool, progress: Progress) -> Measurement:
    progress("reading clocks")
    random, repeats = Random(SEED), 20 if quick else 1000

    def component() -> str:
        return f"component-{random.randrange(tables.COMPONENTS):03}"

    def shown(name: str) -> Awaitable[object]:
        return components.clock_rows(database, name)

    one = await _times(lambda: shown(component()), repeats)
    newest = await _times(lambda: database.fetch_all(statement("reports", "clock_status"), (component(),)), repeats)
    every = await _times(lambda: shown(""), 10)
    return Measurement(
        "clock_status_p99_ms",
        max(_p99(one), _p99(newest)),
        "ms",
        {"rows": stored, "clocks.states": _summary(one), "reports.clock_status": _summary(newest),
         "clocks.states, all": _summary(every)},
    )  # fmt: skip


async def _inserts(database: Database, settings: Settings, stored: int, quick: bool, progress: Progress) -> Measurement:
    """Captures of 1,000 files, judged beforehand: what is timed is the worker's transaction, BEGIN to COMMIT."""
    repeats = 10 if quick else 200
    transactions = Transactions(database, settings.database_statement_timeout_seconds)
    await transactions.prepare()
    plans, times = await captures(database, repeats + 3), []
    for number, plan in enumerate(plans):
        progress(f"inserting 1,000 rows: {number + 1} of {len(plans)}")
        started = perf_counter()
        await transactions.write([plan])
        times.append((perf_counter() - started) * 1000)
    times = times[3:]  # the first open tables and connections
    found = sum(len(plan.violations) for plan in plans)
    detail = {"rows": stored, "transactions": _summary(times), "violations_a_transaction": found / len(plans)}
    return Measurement("insert_1000_rows_p99_ms", _p99(times), "ms", detail)


async def captures(database: Database, count: int, files: int = 1000, broken_in: int = 100) -> list[Plan]:
    """Plans of events that the seed's standards have judged; one path of `broken_in` breaks them."""
    (row,) = await database.fetch_all("SELECT UNIX_TIMESTAMP() AS now")
    rules = Ruleset.compile(await stored_standards.load_standards(database), 1, _instant(row["now"]))
    flow, plans = FilesystemFlow(Recall(database), 1), []
    for number in range(count):
        event = _event(number, row["now"], files, broken_in)
        record = SyntheticRecord(None, number, row["now"] * 1000)
        plans.append(flow.judge(record, event, rules, row["now"] * 1_000_000))
        flow.forget()
    return plans


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _event(number: int, now: int, files: int, broken_in: int) -> FilesystemTimestamps:
    random = Random(SEED + number)
    times = {"atime_ns": now * 10**9 - 1, "mtime_ns": now * 10**9 - 987_654_321, "ctime_ns": now * 10**9 - 7_654_321}
    return FilesystemTimestamps.model_validate(
        {
            "event_id": f"{random.getrandbits(32):08x}-0000-7000-8000-{number:012x}",
            "host": f"build-{number % tables.HOSTS:02}",
            "captured_at": _instant(now).isoformat(),
            "platform": "linux",
            "filesystem_type": "ext4",
            "files": [
                {"file_path": f"/srv/repo/src/m{number:04}/{'Bad Name' if i % broken_in == 0 else 'file'}_{i}.py",
                 "size_bytes": random.randrange(65536), "inode": i + 1, "device": 2049, **times}
                for i in range(files)
            ],
        }
    )  # fmt: skip


async def _compliance(
    database: Database, cursor: Any, sizes: tuple[int, ...], quick: bool, progress: Progress
) -> tuple[list[Measurement], list[dict[str, Any]]]:
    """The report as `cockpit report compliance` asks for it, and the scan that it replaces; both must agree."""
    series, measurements = [], []
    for size in sizes:
        tables.fill_violations(cursor, size, DAYS, SEED, progress)
        progress(f"counting {size:,} violations")
        await rollup.recount(database)
        await _settle(database)
        progress(f"reporting {size:,} violations")
        kept = await rollup.is_kept(database)
        counted = await _times(lambda: reports.compliance(database, DAYS), 5 if quick else 21)
        scanned, scan = [], []
        for _ in range(3 if size <= 1_000_000 else 1):
            started = perf_counter()
            scan = await reports.compliance(database, DAYS, scan=True)
            scanned.append((perf_counter() - started) * 1000)
        told = [_told(await reports.compliance(database, DAYS)), _told(scan)]
        # They are asked one after the other, and the oldest violations leave the 30 days meanwhile.
        if abs(told[0] - told[1]) > 10 + size // 10_000:
            raise AssertionError(f"the counts say {told[0]} violations and the scan {told[1]}")
        series.append({"rows": size, "rollup_ms": median(counted), "scan_ms": median(scanned)})
        if size in (1_000_000, 10_000_000):
            detail = {"rows": size, "counts_kept": kept, "report": _summary(counted), "scan": _summary(scanned)}
            key = f"compliance_{size // 1_000_000}m_ms"
            measurements.append(Measurement(key, _p99(counted), "ms", detail))
    return measurements, series


def _told(rows: list[dict[str, Any]]) -> int:
    return sum(int(row["violation_count"]) for row in rows)


async def _times(ask: Callable[[], Awaitable[object]], repeats: int) -> list[float]:
    """Milliseconds of each of `repeats` runs, one after the other."""
    times = []
    for _ in range(repeats):
        started = perf_counter()
        await ask()
        times.append((perf_counter() - started) * 1000)
    return times


def _p99(times: list[float]) -> float:
    return sorted(times)[-(-99 * len(times) // 100) - 1]


def _summary(times: list[float]) -> dict[str, float]:
    return {"median_ms": round(median(times), 3), "p99_ms": round(_p99(times), 3), "runs": len(times)}
