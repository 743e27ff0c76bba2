"""A real MariaDB, which stands in for TiDB: same protocol, TiDB's defaults where they differ."""

import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pymysql

from streams.errors import UserError
from streams.local.artifacts import Artifacts
from streams.local.server import LOOPBACK, Server, write_private
from streams.settings import DatabaseAddress

DATABASE = "devguide_cockpit"
USER = "cockpit"
ADMIN = "admin"

_OPTIONS = (
    f"--bind-address={LOOPBACK}",
    "--socket=",  # TCP only: a socket's path may have no more than 107 bytes
    "--skip-name-resolve",
    "--skip-ssl",  # else a key is generated on every start, which takes 12 s
    "--skip-log-bin",
    # A commit that was answered survives SIGKILL; the tests that kill the server depend on it.
    "--innodb-flush-log-at-trx-commit=1",
    # Ids are random: once a table's indexes outgrow the pool each row costs reads, and once its changes outgrow the
    # log each writer waits for a checkpoint. With 256M and the default of 96M that is so at a million files.
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=512M",
    "--max-allowed-packet=64M",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--default-time-zone=+00:00",
    "--explicit-defaults-for-timestamp=ON",
    "--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
)
_SYSTEM_TABLES = (
    "mariadb_system_tables.sql",
    "mariadb_performance_tables.sql",
    "mariadb_system_tables_data.sql",
)
_DEBIAN_PACKAGES = {
    "libcrypt.so.1": "libcrypt1",
    "libsystemd.so.0": "libsystemd0",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
}


class MariaDBServer(Server):
    """One MariaDB on 127.0.0.1 with the product's database and a user that may do anything in it, and no more."""

    name = "mariadb"
    port_names = ("sql",)

    def __init__(self, directory: Path, artifacts_directory: Path, options: tuple[str, ...] = ()) -> None:
        super().__init__(directory, artifacts_directory)
        self._options = options

    @property
    def url(self) -> str:
        """The product's database as the product's user: a COCKPIT_DATABASE_URL."""
        return self._url(USER, DATABASE)

    @property
    def admin_url(self) -> str:
        """The same server as a user that may create databases and users."""
        return self._url(ADMIN, "mysql")

    def answers(self) -> bool:
        """True when a query by the product's user is answered."""
        try:
            with connect(self.url, timeout_seconds=2) as connection, connection.cursor() as cursor:
                return bool(cursor.execute("SELECT 1"))
        except pymysql.MySQLError:
            return False

    def _url(self, user: str, database: str) -> str:
        return f"mysql://{user}:{self._passwords()[user]}@{LOOPBACK}:{self.port}/{database}"

    def _passwords(self) -> dict[str, str]:
        """The passwords by user, made on first use and kept beside the data."""
        path = self.directory / "passwords.json"
        if not path.exists():
            write_private(path, json.dumps({user: secrets.token_hex(16) for user in (USER, ADMIN)}))
        passwords: dict[str, str] = json.loads(path.read_text(encoding="ascii"))
        return passwords

    def _prepare(self, artifacts: Artifacts) -> list[str]:
        data = self.directory / "data"
        if not data.exists():
            copy = self.directory / "data.partial"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(_empty_database(artifacts), copy)
            copy.rename(data)
        users = self.directory / "users.sql"
        write_private(users, _users_sql(self._passwords()))
        return [
            *_program(artifacts),
            f"--datadir={data}",
            f"--port={self.port}",
            f"--init-file={users}",  # run before the first connection is taken
            *_OPTIONS,
            *self._options,
        ]


def connect(url: str, timeout_seconds: float = 30) -> "pymysql.Connection[Any]":
    """A connection, in autocommit, to what a COCKPIT_DATABASE_URL names; the timeout holds for every single step."""
    address = DatabaseAddress(url)
    return pymysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=timeout_seconds,
        read_timeout=timeout_seconds,
        write_timeout=timeout_seconds,
        ssl=ssl.create_default_context(cafile=address.ca) if address.tls else None,
    )


def _users_sql(passwords: dict[str, str]) -> str:
    """Statements, one a line, that give the database and its users the shape they should have."""
    lines = [f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;"]
    for user, password in passwords.items():
        account = f"'{user}'@'{LOOPBACK}'"
        lines.append(f"CREATE USER IF NOT EXISTS {account};")
        lines.append(f"ALTER USER {account} IDENTIFIED BY '{password}';")
    lines.append(f"GRANT ALL ON {DATABASE}.* TO '{USER}'@'{LOOPBACK}';")
    lines.append(f"GRANT ALL ON *.* TO '{ADMIN}'@'{LOOPBACK}' WITH GRANT OPTION;")
    return "\n".join(lines) + "\n"


def _program(artifacts: Artifacts) -> list[str]:
    """The start of every command line: the program, deaf to the machine's own configuration files."""
    base = artifacts.mariadb
    command = [str(base / "bin" / "mariadbd"), "--no-defaults", f"--basedir={base}", f"--lc-messages-dir={base}/share"]
    if os.geteuid() == 0:
        command.append("--user=root")  # it refuses to run as root by accident
    return command


def _empty_database(artifacts: Artifacts) -> Path:
    """The initialised data directory that new servers copy, made on first use; raises UserError."""
    template = artifacts.empty_database
    if template.exists():
        return template
    _check_libraries(artifacts)
    statements = ["CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;"]
    statements += [(artifacts.mariadb / "share" / name).read_text(encoding="utf-8") for name in _SYSTEM_TABLES]
    # The scripts make accounts without a password; ours are made at every start.
    statements += ["DELETE FROM global_priv WHERE User <> 'mariadb.sys';", "DELETE FROM proxies_priv;"]
    partial = Path(tempfile.mkdtemp(prefix="empty-database.partial-", dir=artifacts.directory))
    command = [*_program(artifacts), "--bootstrap", f"--datadir={partial}", "--log-warnings=0"]
    try:
        run = subprocess.run(
            command, input="\n".join(statements) + "\n", capture_output=True, text=True, errors="replace", check=False
        )
        if run.returncode != 0:
            errors = [line for line in run.stderr.splitlines() if "ERROR" in line and "Aborting" not in line]
            raise UserError(f"mariadb: cannot make an empty database: {(errors or ['it said nothing'])[-1]}")
        try:
            partial.rename(template)
        except OSError:
            if not template.exists():  # else another process was faster
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return template


def _check_libraries(artifacts: Artifacts) -> None:
    """Raise a UserError that names the package when the program lacks a shared library."""
    program = str(artifacts.mariadb / "bin" / "mariadbd")
    try:
        run = subprocess.run([program, "--version"], capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise UserError(f"mariadb: cannot run {program}: {error.strerror}: it needs a Linux with glibc") from None
    if run.returncode == 0:
        return
    if library := re.search(r"shared libraries: ([^:]+):", run.stderr):
        package = _DEBIAN_PACKAGES.get(library[1], "that contains it")
        raise UserError(f"mariadb: {library[1]} is missing: install the Debian package {package}")
    raise UserError(f"mariadb: {program} does not run: {(run.stderr.strip().splitlines() or ['no message'])[-1]}")
