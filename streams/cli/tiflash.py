"""`cockpit tiflash`: columnar replicas of the three tables that people analyse."""

import asyncio
import json
from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table

from streams.cli.terminal import console
from streams.settings import Settings, load_settings
from streams.store import tiflash
from streams.store.database import Database

tiflash_app = typer.Typer(help="TiFlash replicas, on a TiDB that has TiFlash.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(tiflash_app, name="tiflash")


@tiflash_app.command("enable")
def enable(
    replicas: int = typer.Option(1, min=0, max=10, help="Replicas of each table; 0 removes them."),
) -> None:
    """Give the three tables, and the canary that measures the lag, a TiFlash replica each."""
    asyncio.run(_enable(load_settings(), replicas))
    names = ", ".join(tiflash.TABLES)
    typer.echo(f"TiFlash replicas: {replicas} of {names}; `cockpit tiflash status` shows how far they are built")


@tiflash_app.command("status")
def status(
    deadline_seconds: float = typer.Option(10, min=0.1, max=600, help="How long to wait for a replica, per table."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document instead of a table."),
) -> None:
    """Show each replica, how far it is built and its lag in seconds; exit 1 when one is missing or not in step."""
    rows = asyncio.run(_status(load_settings(), deadline_seconds))
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        table = Table("table", "replicas", "available", "built", "lag")
        for row in rows:
            available = "yes" if row["available"] else "no"
            table.add_row(row["table"], str(row["replicas"]), available, f"{row['progress']:.0%}", _lag(row))
        console().print(table)
    if not all(row["in_step"] for row in rows):
        raise typer.Exit(1)


async def _enable(settings: Settings, replicas: int) -> None:
    async with Database(settings, connections=2) as database:
        await tiflash.enable(database, replicas)


async def _status(settings: Settings, deadline_seconds: float) -> list[dict[str, Any]]:
    async with Database(settings, connections=2) as database:
        found = {replica.table: replica for replica in await tiflash.replicas(database)}
        return [
            await _row(database, found.get(table, tiflash.Replica(table, 0, False, 0.0)), deadline_seconds)
            for table in (*tiflash.TABLES, tiflash.CANARY)
        ]


async def _row(database: Database, replica: tiflash.Replica, deadline_seconds: float) -> dict[str, Any]:
    row = {**asdict(replica), "lag_seconds": None, "in_step": False, "note": ""}
    if not replica.replicas:
        return {**row, "note": "no replica: run `cockpit tiflash enable`"}
    if not replica.available:
        return {**row, "note": "being built"}
    lag = await tiflash.measure_lag(database, replica.table, deadline_seconds)
    if isinstance(lag, tiflash.Lag):
        return {**row, "lag_seconds": round(lag.seconds, 3), "in_step": lag.seen}
    return {**row, "in_step": lag == "table is empty", "note": lag}


def _lag(row: dict[str, Any]) -> str:
    if row["lag_seconds"] is None:
        return str(row["note"])
    return f"{row['lag_seconds']:.3f} s" if row["in_step"] else f"more than {row['lag_seconds']:.1f} s"
