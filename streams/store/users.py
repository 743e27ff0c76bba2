"""Users of the database by least privilege: the migrator, the workers, and readers.

`statements/users.sql` says what each may do; here accounts get their passwords and their grants.
"""

import re
import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import aiomysql
from pymysql.err import MySQLError

from streams.errors import UserError
from streams.store import rows
from streams.store.database import Database
from streams.store.failures import error_code
from streams.store.statements import statement

Role = Literal["migrator", "worker", "reader"]
ROLES: tuple[Role, ...] = get_args(Role)

_GRANT = re.compile(r"GRANT (?P<privileges>[A-Z, ]+) ON (?P<target>FUNCTION \w+|\w+|\*) TO ")
_END = re.compile(r";\s*\n")
_MAY_BE_MISSING = "tiflash_canary"
"""Made by `cockpit tiflash enable` alone."""
_EMPTY_QUERY, _NO_SUCH_FUNCTION = 1065, 1305
_DENIED = frozenset({1044, 1045, 1142, 1227, 1410, 1373})


@dataclass(frozen=True, slots=True)
class Account:
    """One user as it is to be; `host` is where it may come from, % for everywhere."""

    role: Role
    name: str
    host: str
    password: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do on one table or function, or with `*` on all of the database."""

    target: str
    privileges: str


def grants_of(role: Role) -> list[Grant]:
    """The list that `users.sql` holds."""
    return [Grant(found["target"], found["privileges"]) for found in _GRANT.finditer(statement("users", role))]


async def create(database: Database, accounts: list[Account], *, require_tls: bool) -> list[str]:
    """Make each account, or give the one that is there this password, and what its role may do.

    Nothing is taken away that somebody granted by hand.

    Returns:
        Tables and functions that are not there yet, so that nothing could be granted on them: `cockpit migrate` makes
        them.

    Raises:
        UserError: this connection's user may not make users or grant.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", aiomysql.Warning)  # IF NOT EXISTS is meant
        return await _create(database, accounts, require_tls=require_tls)


async def _create(database: Database, accounts: list[Account], *, require_tls: bool) -> list[str]:
    there = {row["name"] for row in await database.fetch_all(statement("users", "tables"))}
    missing: set[str] = set()
    async with database.connection() as connection, connection.cursor() as cursor:
        for account in accounts:
            for name in ("account", "password"):
                await _run(cursor, _addressed(statement("users", name), account, require_tls=require_tls))
            for text in _END.split(statement("users", account.role)):
                target = _GRANT.search(text)
                table = target["target"] if target else ""
                if table == _MAY_BE_MISSING and table not in there:
                    continue
                if table.islower() and table not in there:
                    missing.add(table)
                elif not await _run(cursor, _addressed(text, account, require_tls=require_tls)):
                    missing.add(table.removeprefix("FUNCTION "))
    return sorted(missing)


def _addressed(text: str, account: Account, *, require_tls: bool) -> str:
    """A statement of `users.sql` for this account."""
    who = f"{rows.text(account.name)}@{rows.text(account.host)}"
    text = re.sub(r"'cockpit\w*'@'%'", lambda _: who, text)
    text = text.replace("'password'", rows.text(account.password))
    return text.replace("REQUIRE NONE", "REQUIRE SSL") if require_tls else text


async def _run(cursor: aiomysql.Cursor, text: str) -> bool:
    """Whether what it is about is there."""
    try:
        await cursor.execute(text)
    except MySQLError as error:
        if error_code(error) == _EMPTY_QUERY:
            return True  # another server's `/*M! … */`
        if error_code(error) == _NO_SUCH_FUNCTION:
            return False
        if error_code(error) in _DENIED:
            said = " ".join(str(error.args[-1]).split())
            raise UserError(f"database: {said}: run this as a user that may CREATE USER and GRANT") from None
        raise
    return True
