"""`cockpit violations waive`, `waivers`, `unwaive`: what is forgiven, by whom, and until when."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import typer
from rich.table import Table

from streams.cli.actor import actor_of, reason_of
from streams.cli.standards_registry import known_versions, read
from streams.cli.terminal import cell, plain, print_table
from streams.cli.violations_change import fingerprint_of
from streams.cli.violations_show import as_text
from streams.errors import UserError
from streams.judges.incidents import Incident, Waiver, in_glob, require_step
from streams.standards.patterns import PatternError
from streams.store import incident_waivers as store
from streams.store import reports
from streams.store.database import Database
from streams.times import microseconds

_SPAN = re.compile(r"(\d{1,4})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_LAST = datetime(2038, 1, 1, tzinfo=UTC)
"""What a TIMESTAMP can hold."""


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("waive")(waive)
    group.command("waivers")(list_waivers)
    group.command("unwaive")(unwaive)


def waive(
    name: str | None = typer.Argument(None, metavar="ID|FINGERPRINT", help="One incident; or give a scope."),
    until: str | None = typer.Option(
        None, help="To when: 2026-12-31, 2026-12-31T18:00:00Z, or how long: 30d, 12h, 2w."
    ),
    owner: str | None = typer.Option(None, help="Who answers for it."),
    reason: str | None = typer.Option(None, help="Why; the log keeps it."),
    standard: str | None = typer.Option(None, help="Scope: the code of a standard."),
    field: str | None = typer.Option(None, help="Scope: one field."),
    subject_glob: str | None = typer.Option(
        None, help="Scope: subjects, as host:/path, a component, or a document's path; `**` crosses folders."
    ),
    actor: str | None = typer.Option(None, help="Who decides; else the user that runs the command."),
) -> None:
    """Forgive one incident, or all within a scope, until a day: no work, and still counted."""
    who, why = actor_of(actor), reason_of(reason, "waive")
    owned = " ".join((owner or "").split())
    if not owned or not owned.isprintable() or len(owned) > 255:
        raise UserError("--owner: name who answers for the waiver, in 1 to 255 printable characters")
    ends_at = end_of(until, datetime.now(UTC))
    if (name is None) is not any((standard, field, subject_glob)):
        raise UserError("ID|FINGERPRINT: name one incident, or a scope by --standard, --field or --subject-glob")
    _require_glob(subject_glob)

    async def create(database: Database) -> tuple[Waiver, int]:
        if standard is not None:
            await known_versions(database, standard)
        fingerprint = None if name is None else await fingerprint_of(database, name)
        waiver = Waiver(str(uuid4()), fingerprint, standard, field, subject_glob, microseconds(ends_at))
        return waiver, await store.create(database, waiver, owned, why, who, _require_waivable)

    waiver, taken = asyncio.run(read(create))
    typer.echo(f"waiver {waiver.id} until {ends_at:%Y-%m-%dT%H:%M:%SZ}: {taken} incidents waived")


def list_waivers(
    every: bool = typer.Option(False, "--all", help="Ended and revoked ones too."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line."),
) -> None:
    """List waivers by their end."""
    found = asyncio.run(read(lambda database: reports.waivers(database, ended_too=every)))
    if as_json:
        for row in found:
            typer.echo(json.dumps(row, default=as_text))
        return
    table = Table("ends (UTC)", "scope", "incidents", "owner", "reason")
    table.add_column("id", no_wrap=True, min_width=36)
    for row in found:
        ends = row["ends_at"].isoformat(sep=" ", timespec="seconds")
        ends += f" (revoked by {row['revoked_by']})" if row["revoked_at"] else ""
        table.add_row(*map(cell, (ends, _scope(row), row["incidents"], row["owner"], row["reason"], row["id"])))
    print_table(table)
    typer.echo(f"{len(found)} waivers")


def unwaive(
    waiver_id: str = typer.Argument(..., metavar="WAIVER_ID", help="As `waivers` shows it."),
    reason: str | None = typer.Option(None, help="Why; the log keeps it."),
    actor: str | None = typer.Option(None, help="Who decides; else the user that runs the command."),
) -> None:
    """End a waiver now: what it held is open again, unless another one covers it."""
    who, why = actor_of(actor), reason_of(reason, "unwaive")
    given_back = asyncio.run(read(lambda database: store.revoke(database, waiver_id, who, why)))
    typer.echo(f"waiver {plain(waiver_id)} revoked: {given_back} incidents given back")


def end_of(until: str | None, now: datetime) -> datetime:
    """A waiver's end: a date, a time with an offset, or how long from now; raises UserError for none or a past one."""
    if until is None:
        raise UserError("--until: say when the waiver ends, like 2026-12-31 or 30d: there is none without an end")
    text = until.strip()
    try:
        if match := _SPAN.fullmatch(text):
            ends_at = now + timedelta(**{_UNITS[match[2]]: int(match[1])})
        else:
            ends_at = datetime.fromisoformat(text)
            ends_at = ends_at.replace(tzinfo=UTC) if ends_at.tzinfo is None else ends_at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UserError(f"--until {until!a}: must be like 2026-12-31, 2026-12-31T18:00:00Z or 30d") from None
    if not now < ends_at < _LAST:
        raise UserError(f"--until {until!a}: must be later than now and before {_LAST:%Y-%m-%d}")
    return ends_at


def _require_waivable(incident: Incident) -> None:
    require_step(incident, "waived")


def _require_glob(glob: str | None) -> None:
    if glob is None:
        return
    try:
        in_glob(glob, "")
    except PatternError as error:
        raise UserError(f"--subject-glob {glob!a}: {error}") from None
    if len(glob) > 1024:
        raise UserError("--subject-glob: must be at most 1,024 characters")


def _scope(row: dict[str, object]) -> str:
    if row["fingerprint"]:
        return f"incident {row['fingerprint']}"
    parts = [f"{name} {row[name]}" for name in ("code", "field", "subject_glob") if row[name]]
    return ", ".join(parts)
