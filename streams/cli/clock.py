"""`cockpit clock`: publish a reading of a clock, or show what is known of all clocks."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from schemas.events import ClockReading
from streams.cli.terminal import cell
from streams.errors import UserError
from streams.producers.clocks import read_clock
from streams.producers.publish import publish as publish_events
from streams.settings import Settings, load_settings
from streams.store.components import NEVER_READ_US
from streams.store.database import Database
from streams.store.statements import statement
from streams.times import microseconds

TOPIC = "clock-sync.v1"
clock_app = typer.Typer(help="Clock readings: publish one (the default), or show the state of all.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(clock_app, name="clock")


@clock_app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        _publish(read_clock(socket.gethostname()[:100]), dry_run=False)


@clock_app.command("publish")
def publish(
    component: str = typer.Option("", help="The component's name; default: this machine's host name."),
    protocol: str = typer.Option("NTP", help="NTP, PTP, Browser or Server; for a reading given by hand."),
    offset_microseconds: int | None = typer.Option(
        None, help="Give the reading by hand instead of reading this clock; positive: fast."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print the event; publish nothing."),
) -> None:
    """Publish one reading of this machine's clock (chrony, else the kernel), or one given by hand."""
    name = component or socket.gethostname()[:100]
    _publish(
        _by_hand(name, protocol, offset_microseconds) if offset_microseconds is not None else read_clock(name), dry_run
    )


def _by_hand(name: str, protocol: str, offset: int) -> ClockReading:
    try:
        return ClockReading(
            event_id=str(uuid4()),
            component_name=name,
            protocol=protocol,  # type: ignore[arg-type]
            offset_microseconds=offset,
            last_sync_at=datetime.now(UTC),
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise UserError(
            f"--{problem['loc'][0]}: {problem['msg']}, got {problem['input']!r}".replace("_", "-")
        ) from None


def _publish(reading: ClockReading, dry_run: bool) -> None:
    if dry_run:
        typer.echo(reading.model_dump_json(exclude_none=True))
        return
    settings = load_settings()
    asyncio.run(publish_events(settings, TOPIC, [(reading.component_name, reading)]))
    typer.echo(
        f"{reading.component_name} ({reading.protocol}): offset {reading.offset_microseconds / 1000:+.3f} ms, "
        f"leap {reading.leap_status or 'not told'} → {settings.topic(TOPIC)}"
    )


@clock_app.command("status")
def status(
    component: str = typer.Argument("", help="One component; default: all."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document instead of a table."),
) -> None:
    """Show the newest state of each clock; exit 1 when one is drifting or in error."""
    clocks = asyncio.run(_states(load_settings(), component))
    if component and not clocks:
        raise UserError(f"COMPONENT {component!a}: is not known; `cockpit clock status` lists all")
    if as_json:
        typer.echo(json.dumps(clocks, default=str, indent=2))
    else:
        table = Table("component", "protocol", "status", "offset", "last reading (UTC)", "drifting since")
        for clock in clocks:
            offset = "" if clock["last_sync_at"] is None else f"{clock['offset_microseconds'] / 1000:+.3f} ms"
            table.add_row(
                *map(
                    cell,
                    (
                        clock["component_name"],
                        clock["protocol"],
                        clock["status"],
                        offset,
                        clock["last_sync_at"] or "no reading yet",
                        clock["alert_since"] or "",
                    ),
                )
            )
        Console().print(table)
    if any(clock["last_sync_at"] and clock["status"] != "synchronized" for clock in clocks):
        raise typer.Exit(1)


async def _states(settings: Settings, component: str) -> list[dict[str, Any]]:
    async with Database(settings, connections=2) as database:
        found = await database.fetch_all(statement("clocks", "states"), (component,) * 4)
    return [_state(row) for row in found]


def _state(row: dict[str, Any]) -> dict[str, Any]:
    alert = json.loads(row.pop("alert") or "null")
    never = microseconds(row["last_sync_at"].replace(tzinfo=UTC)) <= NEVER_READ_US
    since = None if alert is None else datetime.fromtimestamp(alert["starts_at_us"] / 1e6, UTC)
    return {
        **row,
        "status": "unknown" if never else row["status"],
        "last_sync_at": None if never else row["last_sync_at"],
        "alert_since": None if since is None else since.isoformat(timespec="seconds"),
    }
