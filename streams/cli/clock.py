"""`cockpit clock`: publish a reading of a clock, or show what is known of all clocks."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

import typer
from pydantic import ValidationError
from rich.table import Table

from schemas.events import ClockReading, Protocol
from streams.cli.terminal import cell, json_text, plain, print_table
from streams.errors import UserError
from streams.flows.clock_limits import clock_limits
from streams.judges.clocks import ClockState, Episode, Kind, Limits
from streams.judges.clocks.silence import bound_at, ptp_state
from streams.producers.clocks import read_clock
from streams.producers.publish import publish as publish_events
from streams.settings import Settings, load_settings
from streams.store.components import NEVER_READ_US, clock_rows
from streams.store.database import Database
from streams.store.recall import Recall, clock_state
from streams.times import from_microseconds, microseconds

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
        typer.echo(json_text(reading.model_dump_json(exclude_none=True)))
        return
    settings = load_settings()
    asyncio.run(publish_events(settings, TOPIC, [(reading.component_name, reading)]))
    typer.echo(
        f"{plain(reading.component_name)} ({reading.protocol}): offset {reading.offset_microseconds / 1000:+.3f} ms, "
        f"leap {reading.leap_status or 'not told'} → {settings.topic(TOPIC)}"
    )


@clock_app.command("status")
def status(
    component: str = typer.Argument("", help="One component; default: all."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document instead of a table."),
) -> None:
    """Show the newest state of each clock; exit 1 when one is drifting, in error, or silent."""
    settings = load_settings()
    clocks, peer_alerts, milliseconds = asyncio.run(_states(settings, component))
    if component and not clocks:
        raise UserError(f"COMPONENT {component!a}: is not known; `cockpit clock status` lists all")
    if as_json:
        typer.echo(json.dumps(clocks, default=str, indent=2))
    else:
        print_table(_table(clocks))
        for (name, protocol, kind), episode in sorted(peer_alerts.items()):
            since = from_microseconds(episode.starts_at_us).isoformat(timespec="seconds")
            typer.echo(f"{episode.severity}: {kind.replace('_', ' ')} of {plain(name)} ({protocol}) since {since}")
        typer.echo(f"{len(clocks)} clocks, read in {milliseconds:.1f} ms")
    if peer_alerts or any(clock["state"] in ("drifting", "error", "stale", "freerun") for clock in clocks):
        raise typer.Exit(1)


def _table(clocks: list[dict[str, Any]]) -> Table:
    table = Table(
        "component", "protocol", "state", "offset", "bound", "last reading (UTC)", "age", "alerts", "since", "last step"
    )
    for clock in clocks:
        known = clock["last_sync_at"] is not None
        alerts = ", ".join(f"{a['kind'].replace('_', ' ')} ({a['severity']})" for a in clock["alerts"])
        step = f"{clock['last_step_microseconds'] / 1000:+.3f} ms" if clock["last_step_at"] else ""
        values = (
            clock["component_name"],
            clock["protocol"],
            clock["state"],
            f"{clock['offset_microseconds'] / 1000:+.3f} ms" if known else "",
            f"{clock['bound_microseconds'] / 1000:.3f} ms" if clock["bound_microseconds"] is not None else "",
            f"{clock['last_sync_at']:%Y-%m-%d %H:%M:%S}" if known else "no reading yet",
            f"{clock['age_seconds']:.0f} s" if clock["age_seconds"] is not None else "",
            alerts,
            clock["alert_since"].removesuffix("+00:00") if alerts else "",
            step and f"{step} at {clock['last_step_at']:%H:%M:%S}",
        )
        table.add_row(*map(cell, values))
    return table


async def _states(
    settings: Settings, component: str
) -> tuple[list[dict[str, Any]], dict[tuple[str, Protocol, Kind], Episode], float]:
    limits = clock_limits(settings)
    async with Database(settings, connections=2) as database:
        started = perf_counter()
        found = await clock_rows(database, component)
        alerts = await Recall(database).peer_alerts()
        milliseconds = (perf_counter() - started) * 1000
    now_us = microseconds(datetime.now(UTC))
    ours = {key: episode for key, episode in alerts.items() if not component or key[0] in (component, "*")}
    return [_state(row, limits, now_us) for row in found], ours, milliseconds


def _state(row: dict[str, Any], limits: Limits, now_us: int) -> dict[str, Any]:
    never = microseconds(row["last_sync_at"].replace(tzinfo=UTC)) <= NEVER_READ_US
    shown = {name: row[name] for name in ("component_name", "protocol", "status", "offset_microseconds")}
    if never:
        nothing = ("bound_microseconds", "last_sync_at", "age_seconds", "alert_since", "last_step_at")
        return {**shown, "status": "unknown", "state": "unknown", **dict.fromkeys(nothing), "alerts": []}
    state = clock_state(row)
    main = state.main_episode
    return {
        **shown,
        "state": _shown_state(row["protocol"], state, limits, now_us),
        "certainty": state.certainty,
        "bound_microseconds": bound_at(state, now_us, limits),
        "last_sync_at": row["last_sync_at"],
        "age_seconds": max(0.0, (now_us - state.arrived_us) / 1e6),
        "alert_since": from_microseconds(main.starts_at_us).isoformat(timespec="seconds") if main else None,
        "alerts": [episode.document() for episode in state.episodes.values()],
        "last_step_at": row["last_step_at"],
        "last_step_microseconds": row["last_step_microseconds"],
    }


def _shown_state(protocol: Protocol, state: ClockState, limits: Limits, now_us: int) -> str:
    """One word: how the clock is, or that it has not been heard; of PTP also whether it holds over."""
    if "stale" in state.episodes:
        return "stale" if protocol != "PTP" else ptp_state(state, now_us, limits)
    if state.status == "synchronized" and state.certainty in ("uncertain", "indeterminate"):
        return state.certainty
    return state.status
