"""`cockpit migrate` and `cockpit topics`: what must be there before a worker starts."""

import asyncio
import json
from dataclasses import asdict

import typer
from rich.table import Table

from streams.cli.terminal import console
from streams.errors import UserError
from streams.kafka import topics
from streams.kafka.access import PRINCIPALS, rules_of
from streams.settings import Settings, load_settings
from streams.standards.catalog import seed_standards
from streams.store import components, rollup
from streams.store.database import Database
from streams.store.migrate import migrate as apply_migrations
from streams.store.registry import insert_missing

topics_app = typer.Typer(help="The Kafka topics that the product reads and writes.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("migrate")(migrate)
    app.add_typer(topics_app, name="topics")


def migrate(
    recount: bool = typer.Option(
        False, "--recount", help="Count the violations anew, after a TRUNCATE or a load that fired no trigger."
    ),
) -> None:
    """Bring the schema up to date, then add seed standards and components that are missing."""
    applied, standards, clocks = asyncio.run(_migrate(load_settings(), recount))
    names = ", ".join(applied) or "nothing to apply"
    typer.echo(f"schema: {names}; standards added: {standards}; components added: {clocks}")


async def _migrate(settings: Settings, recount: bool) -> tuple[list[str], int, int]:
    async with Database(settings, connections=2) as database:
        applied = await apply_migrations(database)
        if recount:
            if not await rollup.is_kept(database):
                raise UserError("--recount: this database keeps no counts: the report counts the violations themselves")
            await rollup.recount(database)
        standards = await insert_missing(database, seed_standards())
        return applied, standards, await components.insert_missing(database)


@topics_app.command("create")
def create() -> None:
    """Create the topics that are missing; existing ones are left as they are."""
    created = asyncio.run(topics.create_topics(load_settings()))
    typer.echo("\n".join(f"created {name}" for name in created) or "all topics are there")


@topics_app.command("list")
def list_command() -> None:
    """List our topics and their partitions; exit 1 when one is missing."""
    states = asyncio.run(topics.list_topics(load_settings()))
    table = Table("topic", "partitions")
    for state in states:
        table.add_row(state.name, str(state.partitions or "missing"))
    console().print(table)
    if not all(state.partitions for state in states):
        raise typer.Exit(1)


@topics_app.command("acls")
def acls(as_json: bool = typer.Option(False, "--json", help="One JSON document.")) -> None:
    """List what each principal of ours must be allowed in Kafka, and need not be allowed beyond; asks no broker."""
    allowed = rules_of(load_settings())
    if as_json:
        typer.echo(json.dumps({name: [asdict(rule) for rule in rules] for name, rules in allowed.items()}, indent=2))
        return
    for name, rules in allowed.items():
        typer.echo(f"User:{name}  {PRINCIPALS[name]}")
        for rule in rules:
            typer.echo(f"  {rule.kind:<6}{rule.name}  {', '.join(rule.operations)}")
