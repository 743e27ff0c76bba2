"""`cockpit users`: the database's users, each with the least that it needs."""

import asyncio
import secrets
import string
from pathlib import Path
from urllib.parse import quote, urlsplit

import typer
from rich.table import Table

from streams.cli.terminal import cell, console
from streams.errors import UserError
from streams.local.server import write_private
from streams.settings import DatabaseAddress, load_settings
from streams.store import users
from streams.store.database import Database
from streams.store.users import ROLES, Account, Role

users_app = typer.Typer(help="Users of the database: migrator, worker, reader.", no_args_is_help=True)

_LETTERS = string.ascii_letters + string.digits + "-_"
_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_")
_PASSWORD_CHARACTERS = 32


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(users_app, name="users")


@users_app.command("create")
def create(
    folder: Path = typer.Argument(..., help="Where the files migrator-url, worker-url and reader-url are, or will be."),
    prefix: str = typer.Option("cockpit_", help="Stands in front of each user's name."),
    host: str = typer.Option("%", help="Where they may come from, as the database writes it; % is everywhere."),
) -> None:
    """Make the users, as one that may, and write what each needs as its COCKPIT_DATABASE_URL_FILE.

    Run it again after a migration: new tables need new grants. A file that is there keeps its password; delete one and
    run this again to change it. Where this connection has tls=true the users must have it too.
    """
    settings = load_settings()
    url, address = settings.database_url.get_secret_value(), settings.database
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    accounts = [Account(role, prefix + role, host, _password(folder, role, prefix + role)) for role in ROLES]
    missing = asyncio.run(_create(accounts, require_tls=address.tls))
    for account in accounts:
        write_private(_file(folder, account.role), _url(url, account) + "\n")
        typer.echo(f"{account.name}: {_file(folder, account.role)}")
    if missing:
        raise UserError(
            f"{missing[0]}: is not there yet: run `cockpit migrate` as {prefix}migrator"
            f" (COCKPIT_DATABASE_URL_FILE={_file(folder, 'migrator')}), then this again"
        )


async def _create(accounts: list[Account], *, require_tls: bool) -> list[str]:
    async with Database(load_settings(), connections=2) as database:
        return await users.create(database, accounts, require_tls=require_tls)


@users_app.command("grants")
def grants() -> None:
    """List what each user may do; asks no database."""
    table = Table("user", "on", "may")
    for role in ROLES:
        for grant in users.grants_of(role):
            target = "all of the database" if grant.target == "*" else grant.target
            table.add_row(*map(cell, (role, target, grant.privileges)))
    console().print(table)


def _file(folder: Path, role: Role) -> Path:
    return folder / f"{role}-url"


def _password(folder: Path, role: Role, name: str) -> str:
    """The password of the file that is there, else a new one of all four kinds of characters."""
    path = _file(folder, role)
    try:
        known = DatabaseAddress(path.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: is no database URL of ours ({error.__class__.__name__}): remove it") from None
    else:
        if known.user != name:
            raise UserError(f"{path}: is of the user {known.user!a}, not {name!a}: choose another folder, or remove it")
        return known.password
    while True:
        made = "".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD_CHARACTERS))
        if all(any(kind_of in made for kind_of in kind) for kind in _KINDS):
            return made


def _url(ours: str, account: Account) -> str:
    """Our own URL, as that user."""
    parts = urlsplit(ours)
    place = parts.netloc.rpartition("@")[2]
    user = f"{quote(account.name, safe='')}:{quote(account.password, safe='')}"
    return parts._replace(netloc=f"{user}@{place}").geturl()
