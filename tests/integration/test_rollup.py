"""The rollup against a full scan of the same violations, on a real MariaDB whatever else the suite runs against."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from streams.cli.app import build_cli
from streams.errors import RetriableError, UserError
from streams.flows.filesystem import FilesystemFlow
from streams.local.mariadb import DATABASE, MariaDBServer, connect
from streams.local.server import LOOPBACK
from streams.plan import Plan, Violated
from streams.settings import Settings, load_settings
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset
from streams.store import migrate as migrations
from streams.store import reports, rollup
from streams.store.database import Database
from streams.store.migrate import Migration, all_migrations, migrate
from streams.store.recall import Recall
from streams.store.registry import insert_missing
from streams.store.standards import load_standards
from streams.store.statements import statement
from streams.store.transaction import AlreadyStored, Transactions
from streams.times import timestamp_text
from tests.e2e import events
from tests.unit.records import FakeRecord

BUCKET_US = rollup.BUCKET_SECONDS * 1_000_000
STATUSES = ("open", "acknowledged", "resolved", "waived", "false_positive")
TRIGGERS = ("violation_counts_insert", "violation_counts_update", "violation_counts_delete")

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate entry:pymysql.err.Warning")  # INSERT IGNORE is meant


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory, artifacts_directory: Path) -> Iterator[MariaDBServer]:
    server = MariaDBServer(tmp_path_factory.mktemp("rollup") / "mariadb", artifacts_directory)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings(mariadb: MariaDBServer) -> Settings:
    as_admin(mariadb, f"DROP DATABASE {DATABASE}", f"CREATE DATABASE {DATABASE} COLLATE utf8mb4_bin")
    return load_settings(database_url=mariadb.url)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with Database(settings) as database:
        await migrate(database)
        await insert_missing(database, seed_standards())
        yield database


def as_admin(server: MariaDBServer, *statements: str) -> None:
    with connect(server.admin_url) as connection, connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


async def require_exact(database: Database) -> None:
    """Every bucket's counts are those of its violations, and every report says what a scan says."""
    counted = await database.fetch_all(
        "SELECT bucket_start, standard_id, SUM(violation_count) AS found, SUM(resolved_count) AS resolved"
        " FROM violation_counts GROUP BY bucket_start, standard_id"
        " HAVING found <> 0 OR resolved <> 0 ORDER BY bucket_start, standard_id"
    )
    there = await database.fetch_all(
        "SELECT UNIX_TIMESTAMP(detected_at) DIV 14400 * 14400 AS bucket_start, standard_id, COUNT(*) AS found,"
        " SUM(status = 'resolved') AS resolved FROM metadata_violations GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert counted == there
    assert await rollup.is_kept(database)
    for days in (1, 2, 30):
        before, told, after = [await reports.compliance(database, days, scan=scan) for scan in (True, False, True)]
        assert told in (before, after)  # which differ when a violation grows too old between them


class Ledger:
    """Changes violations in every way there is, through plain SQL and as a worker does."""

    def __init__(self, database: Database, standards: list[str], now_us: int) -> None:
        self.database = database
        self.standards = standards
        self.now_us = now_us
        self.rows: dict[str, tuple[str, int]] = {}
        self._made = 0

    @classmethod
    async def on(cls, database: Database) -> "Ledger":
        (row,) = await database.fetch_all("SELECT UNIX_TIMESTAMP(CURRENT_TIMESTAMP(6)) AS now")
        standards = await database.fetch_all("SELECT id FROM metadata_standards ORDER BY id LIMIT 5")
        return cls(database, [row["id"] for row in standards], int(row["now"] * 1_000_000))

    def new(self, random: Random, count: int) -> dict[str, tuple[str, int]]:
        """Violations by id: standard and detected_at; some late, some on the very edge of a bucket."""
        made = {}
        for _ in range(count):
            self._made += 1
            age_us = random.choice((0, 3_600, 86_000, 90_000, 86_400 * 29, 86_400 * 31)) * 1_000_000
            at_us = self.now_us - age_us - random.randrange(BUCKET_US) - 60_000_000
            if random.random() < 0.2:
                at_us = at_us // BUCKET_US * BUCKET_US - random.randrange(2)
            made[f"v{self._made:06}"] = (random.choice(self.standards), at_us)
        self.rows |= made
        return made

    async def insert(self, made: dict[str, tuple[str, int]], verb: str = "INSERT", tail: str = "") -> int:
        return await self.database.execute(insertion(made, verb, tail))

    async def as_worker(self, made: dict[str, tuple[str, int]]) -> None:
        await as_worker(self.database, made)

    async def change(self, ids: Iterable[str], what: str) -> None:
        chosen = ",".join(f"'{id_}'" for id_ in ids) or "''"
        await self.database.execute(f"UPDATE metadata_violations SET {what} WHERE id IN ({chosen})")

    async def delete(self, ids: list[str]) -> None:
        for id_ in ids:
            self.rows.pop(id_)
        await self.database.execute(
            f"DELETE FROM metadata_violations WHERE id IN ({','.join(map(repr, ids)) or repr('')})"
        )


async def as_worker(database: Database, made: dict[str, tuple[str, int]]) -> None:
    """One transaction that counts for itself."""
    async with database.connection() as connection, connection.cursor() as cursor:
        steps = ["BEGIN", "SET @cockpit_counted = 1", insertion(made), counted(made)]
        await cursor.execute(";".join([*steps, "SET @cockpit_counted = 0", "COMMIT"]))
        while await cursor.nextset():
            pass


def insertion(made: dict[str, tuple[str, int]], verb: str = "INSERT", tail: str = "") -> str:
    literals = ",".join(
        f"('{id_}','{standard}',1,'s','f',NULL,'e','low','fp','{{}}',1,'e','t',0,0,"
        f"'{timestamp_text(at_us)}','{timestamp_text(at_us)}')"
        for id_, (standard, at_us) in made.items()
    )
    return (
        f"{verb} INTO metadata_violations (id, standard_id, standard_version, subject, field, observed, expected,"
        " severity, fingerprint, evidence, ruleset_revision, event_id, source_topic, source_partition, source_offset,"
        f" event_time, detected_at) VALUES {literals} {tail}"
    )


def counted(made: dict[str, tuple[str, int]]) -> str:
    return rollup.counts_statement(Violated(standard, "c", "low", at_us) for standard, at_us in made.values())


async def step(ledger: Ledger, random: Random) -> None:
    """One random change of some violations."""
    known = sorted(ledger.rows)
    some = random.sample(known, min(len(known), random.randrange(1, 8)))
    repeated = {id_: ledger.rows[id_] for id_ in some}
    match random.randrange(9):
        case 0:
            await ledger.insert(ledger.new(random, random.randrange(1, 20)))
        case 1 | 2:
            await ledger.as_worker(ledger.new(random, random.randrange(1, 50)))
        case 3:  # a replay, with news among it
            await ledger.insert(repeated | ledger.new(random, 2), tail="ON DUPLICATE KEY UPDATE id = id")
        case 4:
            await ledger.insert(repeated | ledger.new(random, 1), "INSERT IGNORE")
        case 5:
            await ledger.change(some, f"status = '{random.choice(STATUSES)}', resolved_at = CURRENT_TIMESTAMP(6)")
        case 6:
            await ledger.change(some, f"detected_at = detected_at - INTERVAL {random.randrange(1, 90_000)} SECOND")
        case 7:
            await ledger.change(some, f"standard_id = '{random.choice(ledger.standards)}', status = 'resolved'")
        case _:
            await ledger.delete(some)


@given(seed=st.integers(0, 2**32))
@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
async def test_whatever_changes_the_counts_are_the_violations(database: Database, seed: int) -> None:
    await database.execute("DELETE FROM metadata_violations")
    await require_exact(database)
    random, ledger = Random(seed), await Ledger.on(database)
    for _ in range(30):
        await step(ledger, random)
    await require_exact(database)


async def test_a_repeat_that_changes_nothing_counts_nothing(database: Database) -> None:
    ledger = await Ledger.on(database)
    made = ledger.new(Random(1), 40)
    await ledger.as_worker(made)
    before = await database.fetch_all("SELECT * FROM violation_counts ORDER BY 1, 2, 3")
    assert await ledger.insert(made, tail="ON DUPLICATE KEY UPDATE id = id") == 0
    assert await ledger.insert(made, "INSERT IGNORE") == 0
    await ledger.change(made, "severity = 'high'")
    assert await database.fetch_all("SELECT * FROM violation_counts ORDER BY 1, 2, 3") == before
    await ledger.insert(made, "REPLACE")
    await require_exact(database)


async def test_a_writer_that_failed_leaves_no_count(database: Database) -> None:
    ledger = await Ledger.on(database)
    made = ledger.new(Random(2), 10)
    async with database.connection() as connection, connection.cursor() as cursor:
        for sql in ("BEGIN", "SET @cockpit_counted = 1", insertion(made), counted(made), "ROLLBACK"):
            await cursor.execute(sql)
        await cursor.execute("SET @cockpit_counted = 0")
    await require_exact(database)
    assert not await database.fetch_all("SELECT * FROM violation_counts")


async def test_writers_at_the_same_time_lose_no_count(mariadb: MariaDBServer, database: Database) -> None:
    settings = load_settings(database_url=mariadb.url, database_connections=20)
    ledger = await Ledger.on(database)
    async with Database(settings) as many:  # more connections than shards: some share a row

        async def write(number: int) -> None:
            random = Random(number)
            for turn in range(10):
                made = {f"{number}-{turn}-{id_}": row for id_, row in ledger.new(random, 50).items()}
                await as_worker(many, made)

        await asyncio.gather(*(write(number) for number in range(16)))
    await require_exact(database)
    assert (await database.fetch_all("SELECT SUM(violation_count) AS n FROM violation_counts"))[0]["n"] == 16 * 500


async def test_changes_in_a_session_of_another_time_zone_are_counted_alike(database: Database) -> None:
    ledger = await Ledger.on(database)
    made = {f"z{n:02}": (ledger.standards[0], ledger.now_us - n * 1800 * 1_000_000) for n in range(1, 96)}
    await ledger.as_worker(made)
    async with database.connection() as connection, connection.cursor() as cursor:
        for zone in ("-05:00", "+13:00"):
            await cursor.execute(f"SET time_zone = '{zone}'")
            await cursor.execute("UPDATE metadata_violations SET status = IF(status = 'open', 'resolved', 'open')")
            await cursor.execute("DELETE FROM metadata_violations ORDER BY id LIMIT 9")
        await cursor.execute("SET time_zone = '+00:00'")
    await require_exact(database)


async def test_what_a_worker_stores_is_counted_once(database: Database) -> None:
    flow = FilesystemFlow(Recall(database), 1000)
    rules = Ruleset.compile(await load_standards(database), 1, datetime.now(UTC))
    transactions = Transactions(database, 30)
    await transactions.prepare()
    (row,) = await database.fetch_all("SELECT UNIX_TIMESTAMP() AS now")

    def plans(first: int, last: int, age_seconds: int) -> list[Plan]:
        made = []
        for number in range(first, last):
            event = events.capture(Random(number), "host", [f"/srv/Bad Name {number}/{n} .py" for n in range(5)])
            record = FakeRecord(offset=number)
            now_us = (row["now"] - age_seconds) * 1_000_000
            made.append(flow.judge(record, flow.model.model_validate(event), rules, now_us))
        return made

    for turn, age_seconds in enumerate((5, 20_000, 90_000, 90_000 * 29, 90_000 * 31)):
        await transactions.write(plans(turn * 10, turn * 10 + 10, age_seconds))
    (stored,) = await database.fetch_all("SELECT COUNT(*) AS n FROM metadata_violations")
    assert stored["n"] >= 250
    await require_exact(database)
    with pytest.raises(AlreadyStored):
        await transactions.write(plans(45, 55, 5))
    await require_exact(database)
    assert (await database.fetch_all("SELECT COUNT(*) AS n FROM metadata_violations")) == [stored]
    await database.execute("UPDATE metadata_violations SET status = 'resolved' WHERE id < '8'")
    await require_exact(database)


def test_the_commands_count_anew_scan_and_find_files(
    mariadb: MariaDBServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COCKPIT_DATABASE_URL", mariadb.url)

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(build_cli(), arguments)
        assert result.exit_code == 0, result.output + str(result.exception)
        return json.loads(result.output) if "json" in arguments else result.output

    run("migrate")
    standard = run_sql(mariadb, "SELECT id FROM metadata_standards ORDER BY id LIMIT 1")[0][0]
    run_sql(mariadb, insertion({"v": (standard, 1_790_000_000_000_000)}))
    run_sql(mariadb, capture_sql(1, "h", "/src/a.py"))
    report = ("report", "compliance", "--days", "3650", "--format", "json")
    assert [row["violation_count"] for row in run(*report)] == [1]
    run_sql(mariadb, "TRUNCATE TABLE violation_counts")
    assert run(*report) == []
    assert [row["violation_count"] for row in run(*report, "--scan")] == [1]
    run("migrate", "--recount")
    assert run(*report) == run(*report, "--scan")
    for path in ("/src/", "/src/a.py"):
        assert [row["file_path"] for row in run("report", "files", path, "--format", "json")] == ["/src/a.py"]
    assert run("report", "files", "/src", "--format", "json") == []


def run_sql(server: MariaDBServer, sql: str) -> Any:
    with connect(server.url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


async def test_the_migration_counts_what_was_there(database: Database) -> None:
    await forget_migration(database)
    ledger = await Ledger.on(database)
    made = ledger.new(Random(3), 500)
    await ledger.insert(made)
    await ledger.change(list(made)[::3], "status = 'resolved'")
    assert not await rollup.is_kept(database)
    assert await migrate(database) == ["0007_violation_counts"]
    await require_exact(database)


async def test_the_migration_counts_exactly_while_others_write(mariadb: MariaDBServer, database: Database) -> None:
    await forget_migration(database)
    ledger = await Ledger.on(database)
    await ledger.insert(ledger.new(Random(4), 2000))
    migrating = True

    async def write(number: int) -> None:
        random = Random(number)
        while migrating:
            made = {f"{number}-{id_}": row for id_, row in ledger.new(random, 5).items()}
            await insist(database, insertion(made, tail="ON DUPLICATE KEY UPDATE id = id"))
            await insist(database, f"UPDATE metadata_violations SET status = 'resolved' WHERE id = '{min(made)}'")

    writers = [asyncio.create_task(write(number)) for number in range(2)]
    async with Database(load_settings(database_url=mariadb.url)) as own:
        for _ in range(5):
            await insist_on_migration(own)
            await own.execute("DELETE FROM schema_migrations WHERE number = 7")
    migrating = False
    await asyncio.gather(*writers)
    await require_exact(database)


async def insist(database: Database, sql: str) -> None:
    """As a worker does: a deadlock's victim tries again."""
    while True:
        try:
            await database.execute(sql)
        except RetriableError:
            continue
        return


async def insist_on_migration(database: Database) -> None:
    while True:
        try:
            await migrate(database)
        except RetriableError:
            continue
        return


async def forget_migration(database: Database) -> None:
    for name in TRIGGERS:
        await database.execute(f"DROP TRIGGER {name}")
    await database.execute("DROP TABLE violation_counts")
    await database.execute("DELETE FROM schema_migrations WHERE number = 7")


async def test_what_fires_no_trigger_is_counted_anew(database: Database) -> None:
    ledger = await Ledger.on(database)
    await ledger.insert(ledger.new(Random(6), 100))
    await database.execute("TRUNCATE TABLE metadata_violations")
    await ledger.insert(ledger.new(Random(7), 100))
    assert await reports.compliance(database, 60) != await reports.compliance(database, 60, scan=True)
    await rollup.recount(database)
    await require_exact(database)


async def test_without_all_triggers_the_report_scans(database: Database) -> None:
    ledger = await Ledger.on(database)
    await ledger.insert(ledger.new(Random(5), 200))
    await database.execute("DROP TRIGGER violation_counts_update")
    await database.execute("UPDATE metadata_violations SET status = 'resolved'")
    assert not await rollup.is_kept(database)
    rows = await reports.compliance(database, 30)
    assert rows == await reports.compliance(database, 30, scan=True)
    assert {float(row["resolution_rate"]) for row in rows} == {100.0}


async def test_on_a_server_that_is_not_mariadb_the_migration_makes_the_table_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await forget_migration(database)
    # To TiDB and MySQL `/*M!` begins a comment; `/* M!` does so to MariaDB, which then finds the query empty.
    others = [replace(each, sql=each.sql.replace("/*M!", "/* M!")) for each in all_migrations() if each.number <= 7]
    await database.execute("DELETE FROM schema_migrations")
    monkeypatch.setattr(migrations, "all_migrations", lambda: others)
    assert "0007_violation_counts" in await migrate(database)
    assert not await database.fetch_all("SELECT * FROM violation_counts")
    assert not await rollup.is_kept(database)


async def test_a_user_without_the_trigger_privilege_is_told_so(mariadb: MariaDBServer, settings: Settings) -> None:
    rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX"
    account = f"'limited'@'{LOOPBACK}'"
    as_admin(
        mariadb, f"CREATE OR REPLACE USER {account} IDENTIFIED BY 'pw'", f"GRANT {rights} ON {DATABASE}.* TO {account}"
    )
    url = f"mysql://limited:pw@{LOOPBACK}:{mariadb.port}/{DATABASE}"
    async with Database(load_settings(database_url=url)) as database:
        with pytest.raises(UserError, match=r"0007_violation_counts: TRIGGER command denied .* grant ALL") as refused:
            await migrate(database)
        assert "\n" not in str(refused.value)
        as_admin(mariadb, f"GRANT TRIGGER ON {DATABASE}.* TO {account}")
        with pytest.raises(UserError, match=r"0011_counts_kept: .*denied .* grant ALL"):
            await migrate(database)
        assert await rollup.is_kept(database)
        as_admin(mariadb, f"GRANT CREATE ROUTINE, ALTER ROUTINE, EXECUTE ON {DATABASE}.* TO {account}")
    async with Database(load_settings(database_url=url)) as database:  # what holds for a database counts from its USE
        assert await migrate(database) == ["0011_counts_kept"]


def test_statements_are_not_cut_inside_comments() -> None:
    migration = Migration(1, "x", "-- a;\nSELECT 1;\n/*M! BEGIN;\nSELECT 2;\nEND */;\n\nSELECT ';' /* ;\n */;")
    assert migration.statements() == ["SELECT 1", "/*M! BEGIN;\nSELECT 2;\nEND */", "SELECT ';' /* ;\n */"]


def test_the_statement_has_one_row_a_bucket_and_standard_in_order() -> None:
    def seen(standard: str, at_us: int) -> Violated:
        return Violated(standard, "c", "low", at_us)

    edge = 10 * BUCKET_US
    text = rollup.counts_statement([seen("b", edge), seen("a", edge + 1), seen("b", edge - 1), seen("b", edge + 5)])
    before, after = statement("rollup", "add").split("(%s)")
    assert text.removeprefix(before).removesuffix(after).split("),(") == [
        "(129600,'b',CONNECTION_ID() MOD 8,1,0",
        "144000,'a',CONNECTION_ID() MOD 8,1,0",
        "144000,'b',CONNECTION_ID() MOD 8,2,0)",
    ]
    assert rollup.counts_statement([]) == ""


async def test_captures_are_found_by_path_and_by_what_paths_begin_with(database: Database) -> None:
    paths = ("/src/a.py", "/src/b_c.py", "/src/bxc.py", "/srcs/a.py", "/SRC/a.py")
    for number, (host, path) in enumerate((host, path) for host in ("h1", "h2") for path in paths):
        await database.execute(capture_sql(number, host, path))
    assert shown(await reports.files_under(database, "/src/", 50)) == [
        (path, host) for path in paths[:3] for host in ("h1", "h2")
    ]
    assert shown(await reports.files_under(database, "/src/b_", 50)) == [(paths[1], "h1"), (paths[1], "h2")]
    assert len(await reports.files_under(database, "/src/", 2)) == 2
    assert shown(await reports.files_at(database, "/src/a.py", 1)) == [("/src/a.py", "h2")]
    assert not await reports.files_at(database, "/src/", 1)


def shown(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["file_path"], row["host"]) for row in rows]


def capture_sql(number: int, host: str, path: str) -> str:
    return (
        "INSERT INTO filesystem_timestamps (id, host, file_path, path_key, atime, mtime, ctime, atime_ns, mtime_ns,"
        " ctime_ns, captured_at, event_id, source_partition, source_offset)"
        f" VALUES ('{number}', '{host}', '{path}', '', '2026-01-01', '2026-01-01', '2026-01-01', 0, 0, 0,"
        f" '2026-01-01' + INTERVAL {number} SECOND, 'e', 0, 0)"
    )
