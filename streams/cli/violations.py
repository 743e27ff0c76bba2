"""`cockpit violations`: what was found, and the evidence for it."""

import asyncio
import json
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from streams.cli.terminal import cell, document, plain
from streams.errors import UserError
from streams.settings import load_settings
from streams.store import reports
from streams.store.database import Database

violations_app = typer.Typer(help="Recorded violations.", no_args_is_help=True)

_STATUSES = ("open", "acknowledged", "resolved", "waived", "false_positive")
_SEVERITIES = ("info", "low", "medium", "high", "critical")
_SUBJECT_CHARACTERS = 70


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(violations_app, name="violations")


@violations_app.command("list")
def list_command(
    days: int = typer.Option(30, min=1, max=3650, help="Detected within so many days."),
    status: str = typer.Option("", help="One of: " + ", ".join(_STATUSES)),
    severity: str = typer.Option("", help="One of: " + ", ".join(_SEVERITIES)),
    standard: str = typer.Option("", help="A standard's code."),
    subject: str = typer.Option("", help="Text that the subject contains."),
    limit: int = typer.Option(50, min=1, max=10_000, help="At most so many, newest first."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line."),
) -> None:
    """List the newest violations."""
    _require_one_of("--status", status, _STATUSES)
    _require_one_of("--severity", severity, _SEVERITIES)

    async def read() -> list[dict[str, Any]]:
        async with Database(load_settings(), connections=2) as database:
            return await reports.violations(
                database,
                days=days,
                status=status or None,
                severity=severity or None,
                standard=standard or None,
                subject_part=subject or None,
                limit=limit,
            )

    found = asyncio.run(read())
    if as_json:
        for row in found:
            typer.echo(json.dumps(row, default=_text))
        return
    table = Table("detected (UTC)", "severity", "status", "standard", "subject", "observed")
    table.add_column("id", no_wrap=True, min_width=36)  # to be copied into `show`
    for row in found:
        subject_text = plain(row["subject"])
        clipped = (
            subject_text if len(subject_text) <= _SUBJECT_CHARACTERS else f"…{subject_text[-_SUBJECT_CHARACTERS:]}"
        )
        detected = row["detected_at"].isoformat(sep=" ", timespec="milliseconds")
        observed = plain(row["observed"] or "")[:40]
        table.add_row(*map(cell, (detected, row["severity"], row["status"], row["code"], clipped, observed, row["id"])))
    Console().print(table)
    typer.echo(f"{len(found)} violations" + (" (there may be more: --limit)" if len(found) == limit else ""))


@violations_app.command("show")
def show(
    violation_id: str = typer.Argument(..., metavar="ID"),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Show everything about one violation."""

    async def read() -> dict[str, Any] | None:
        async with Database(load_settings(), connections=2) as database:
            return await reports.violation(database, violation_id)

    row = asyncio.run(read())
    if row is None:
        raise UserError(f"ID {violation_id!a}: there is no such violation; `cockpit violations list` shows ids")
    if as_json:
        typer.echo(json.dumps(row, default=_text, indent=2))
        return
    evidence = row.pop("evidence")
    width = max(map(len, row))
    for name, value in row.items():
        typer.echo(f"{name:<{width}}  {'-' if value is None else plain(_text(value))}")
    typer.echo("evidence")
    typer.echo(document(evidence))


def _require_one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value and value not in known:
        raise UserError(f"{option} {value!a}: is unknown; choose one of {', '.join(known)}")


def _text(value: object) -> str:
    return value.isoformat() + "Z" if isinstance(value, datetime) else str(value)
