"""Each user of the database does what it is for, on the real server, and nothing else."""

import re
import stat
from pathlib import Path
from typing import Any

import pymysql
import pytest

from streams.local.mariadb import connect
from streams.settings import load_settings
from streams.store import users as product
from streams.store.database import Database
from streams.store.rollup import is_kept
from tests.security.conftest import Cockpit
from tests.security.servers import SecuredMariaDB, Users

DENIED = {1142, 1044, 1227, 1370, 1290, 1045}
_TABLE = "metadata_violations"
DEFINING = (
    f"DROP TABLE {_TABLE}",
    f"TRUNCATE TABLE {_TABLE}",
    f"ALTER TABLE {_TABLE} ADD COLUMN x INT",
    f"CREATE INDEX x ON {_TABLE} (status)",
    f"RENAME TABLE {_TABLE} TO x",
    "CREATE TABLE x (a INT)",
    "CREATE VIEW x AS SELECT 1",
    f"CREATE TRIGGER x BEFORE INSERT ON {_TABLE} FOR EACH ROW SET @x = 1",
    "DROP TRIGGER violation_counts_insert",
    "DROP FUNCTION violation_counts_kept",
    "CREATE DATABASE x",
    "DROP DATABASE devguide_cockpit",
)
REIGNING = (
    "CREATE USER x",
    "GRANT SELECT ON metadata_violations TO cockpit_reader",
    "SET GLOBAL max_connections = 1",
    "SELECT LOAD_FILE('/etc/passwd') INTO OUTFILE '/tmp/x'",
    "SELECT * FROM mysql.global_priv",
    "SHUTDOWN",
)


def _codes(url: str, statements: tuple[str, ...]) -> dict[str, int]:
    """What the server answers to each statement: its error number, or 0."""
    found = {}
    with connect(url) as connection, connection.cursor() as cursor:
        for text in statements:
            try:
                cursor.execute(text)
                found[text] = 0
            except pymysql.MySQLError as error:
                found[text] = int(error.args[0])
    return found


def _tables(url: str) -> set[str]:
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        return {str(row[0]) for row in cursor.fetchall()}


def test_files_hold_one_url_each_and_are_private(users: Users) -> None:
    for role in product.ROLES:
        path = users.folder / f"{role}-url"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert re.fullmatch(
            rf"mysql://cockpit_{role}:[\w-]{{32}}@127\.0\.0\.1:\d+/devguide_cockpit\?tls=true&ca=/.+\n",
            path.read_text(),
        )
    assert len({users.url(role) for role in product.ROLES}) == 3


@pytest.mark.parametrize("role", ["worker", "reader"])
def test_who_does_not_migrate_defines_nothing(role: str, users: Users) -> None:
    refused = _codes(users.url(role), DEFINING + REIGNING)
    assert {text: code for text, code in refused.items() if code not in DENIED} == {}


def test_the_migrator_drops_no_table_and_reigns_over_nothing(users: Users) -> None:
    dropping = tuple(
        text for text in DEFINING if re.match(r"DROP (TABLE|DATABASE)|TRUNCATE|RENAME|CREATE DATABASE", text)
    )
    refused = _codes(users.url("migrator"), dropping + REIGNING)
    assert {text: code for text, code in refused.items() if code not in DENIED} == {}


def test_the_reader_writes_nothing(users: Users) -> None:
    url = users.url("reader")
    tables = _tables(users.url("migrator")) - {"outbox"}
    assert tables == _tables(url)
    assert set(_codes(url, tuple(f"SELECT * FROM {table} LIMIT 1" for table in tables)).values()) == {0}
    writing = [
        text
        for table in tables | {"outbox"}
        for text in (f"INSERT INTO {table} VALUES ()", f"UPDATE {table} SET x = 1", f"DELETE FROM {table}")
    ]
    refused = _codes(url, (*writing, "SELECT * FROM outbox", "SELECT * FROM outbox FOR UPDATE"))
    assert {text: code for text, code in refused.items() if code not in DENIED} == {}


def test_the_worker_deletes_announcements_and_nothing_else(users: Users) -> None:
    url = users.url("worker")
    tables = _tables(users.url("migrator"))
    assert tables == _tables(url)
    answers = _codes(url, tuple(f"DELETE FROM {table} WHERE 1 = 0" for table in tables))
    assert {text for text, code in answers.items() if code == 0} == {"DELETE FROM outbox WHERE 1 = 0"}
    # What happened is written once; what is known of migrations is the migrator's.
    final = ("filesystem_timestamps", "clock_sync_status", "submissions", "violation_transitions", "standard_history")
    refused = _codes(url, tuple(f"UPDATE {table} SET id = id" for table in final))
    assert set(refused.values()) <= DENIED
    assert _codes(url, ("INSERT INTO schema_migrations VALUES (99, 'x', 'x', NOW())",)).popitem()[1] in DENIED


async def test_counts_are_kept_for_those_who_see_no_trigger(users: Users) -> None:
    for role in product.ROLES:
        async with Database(load_settings(database_url=users.url(role)), connections=2) as database:
            assert await is_kept(database), role


async def test_and_are_not_where_a_trigger_is_gone(users: Users, secured_mariadb: SecuredMariaDB) -> None:
    with connect(users.url("migrator")) as migrator, migrator.cursor() as cursor:
        cursor.execute("SHOW CREATE TRIGGER violation_counts_delete")
        made: Any = cursor.fetchone()
        cursor.execute("DROP TRIGGER violation_counts_delete")
        try:
            async with Database(load_settings(database_url=users.url("reader")), connections=2) as database:
                assert not await is_kept(database)
        finally:
            cursor.execute(made[2])


def test_another_run_changes_nothing_but_what_is_asked_for(
    users: Users, secured_mariadb: SecuredMariaDB, cockpit: Cockpit
) -> None:
    before = {role: users.url(role) for role in product.ROLES}
    root = {"COCKPIT_DATABASE_URL": secured_mariadb.secured(secured_mariadb.root_url)}
    (users.folder / "reader-url").unlink()
    said = cockpit(root, "users", "create", str(users.folder))
    assert said.code == 0, said
    after = {role: users.url(role) for role in product.ROLES}
    assert [role for role in product.ROLES if before[role] != after[role]] == ["reader"]
    for role in product.ROLES:
        assert cockpit(users.file(role), "standards", "list").code == 0
    assert cockpit({"COCKPIT_DATABASE_URL": before["reader"]}, "standards", "list").code == 2
    for url in after.values():
        assert url.partition("@")[0].rpartition(":")[2] not in said.output


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("standards", "suspend", "FS-PATH-001", "--reason", "x"),
        ("standards", "replay", "FS-PATH-001", "--since", "1d", "--yes"),
    ],
    ids=" ".join,
)
def test_a_command_of_a_user_who_may_not_says_so_in_one_line(
    command: tuple[str, ...], users: Users, cockpit: Cockpit
) -> None:
    said = cockpit(users.file("reader"), *command)
    assert said.code == 2
    last = said.errors.splitlines()[-1]
    assert re.match(r"cockpit: COCKPIT_DATABASE_URL: \w+ command denied to user 'cockpit_reader'", last), said
    assert "Traceback" not in said.errors


def test_nobody_but_one_who_may_makes_users(users: Users, cockpit: Cockpit, tmp_path: Path) -> None:
    said = cockpit(users.file("migrator"), "users", "create", str(tmp_path))
    assert said.code == 2
    assert "run this as a user that may CREATE USER and GRANT" in said.line
    assert list(tmp_path.iterdir()) == []


def test_the_list_names_every_table_for_the_worker(users: Users, cockpit: Cockpit) -> None:
    """A new table that nobody thought of here would stop the workers."""
    named = {grant.target for grant in product.grants_of("worker")}
    assert _tables(users.url("migrator")) <= named
    assert cockpit({}, "users", "grants").code == 0
