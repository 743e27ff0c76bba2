"""`cockpit violations ack`, `resolve`, `false-positive`, `reopen`: what a person decides about incidents."""

import asyncio

import typer

from streams.cli.actor import actor_of, reason_of
from streams.cli.standards_registry import read
from streams.cli.terminal import plain
from streams.cli.violations_show import look_up
from streams.errors import UserError
from streams.judges.incidents import Incident, IncidentStatus, require_step
from streams.store import incident_work as work
from streams.store.database import Database
from streams.store.incident_work import Move

_NAMES = typer.Argument(
    ..., metavar="ID|FINGERPRINT...", help="Incidents, by fingerprint or by one of their violations."
)
_REASON = typer.Option(None, help="Why; the log keeps it.")
_ACTOR = typer.Option(None, help="Who decides; else the user that runs the command.")


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("ack")(acknowledge)
    group.command("resolve")(resolve)
    group.command("false-positive")(false_positive)
    group.command("reopen")(reopen)


def acknowledge(names: list[str] = _NAMES, reason: str | None = _REASON, actor: str | None = _ACTOR) -> None:
    """Say that somebody looks after an incident."""
    _step(names, "acknowledged", "ack", reason, actor)


def resolve(names: list[str] = _NAMES, reason: str | None = _REASON, actor: str | None = _ACTOR) -> None:
    """Say that an incident is over; a newer violation opens it again."""
    _step(names, "resolved", "resolve", reason, actor)


def false_positive(names: list[str] = _NAMES, reason: str | None = _REASON, actor: str | None = _ACTOR) -> None:
    """Say that what was found is nothing; it goes on being counted and is no work any more."""
    _step(names, "false_positive", "false-positive", reason, actor)


def reopen(names: list[str] = _NAMES, reason: str | None = _REASON, actor: str | None = _ACTOR) -> None:
    """Take such a decision back."""
    _step(names, "open", "reopen", reason, actor)


def _step(names: list[str], to: IncidentStatus, command: str, reason: str | None, actor: str | None) -> None:
    move = Move(to, actor_of(actor), reason_of(reason, command))

    def decide(incident: Incident) -> Move:
        require_step(incident, to)
        return move

    async def change(database: Database) -> list[tuple[Incident, Move]]:
        fingerprints = [await fingerprint_of(database, name) for name in names]
        done = await work.move(database, fingerprints, decide)
        while await work.settle(database, fingerprints):
            pass  # some thousand violations at a time
        return done

    for incident, _ in asyncio.run(read(change)):
        told = f"{incident.fingerprint}  {incident.status} → {to}  {incident.code} {incident.subject}"
        typer.echo(plain(told))


async def fingerprint_of(database: Database, name: str) -> str:
    """The fingerprint of the incident that a person names; raises UserError where there is none."""
    _, incident, _, _ = await look_up(database, name)
    if incident is None:
        raise UserError(f"violation {name!a}: has no incident: it was not recorded by a worker")
    return str(incident["fingerprint"])
