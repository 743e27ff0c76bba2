"""`cockpit violations`: incidents as work to be done, and the single violations behind them."""

import asyncio
import json
from typing import Any

import typer
from rich.table import Table

from streams.cli import violations_change, violations_show, violations_waive
from streams.cli.standards_registry import read
from streams.cli.terminal import cell, plain, print_table
from streams.cli.violations_show import as_text
from streams.errors import UserError
from streams.judges.incidents import STATUSES
from streams.store import reports
from streams.store.database import Database

violations_app = typer.Typer(help="Violations, by incident: look, decide, waive.", no_args_is_help=True)

_SEVERITIES = ("info", "low", "medium", "high", "critical")
_SUBJECT_CHARACTERS = 70


def register(app: typer.Typer) -> None:
    """Add the group."""
    for part in (violations_show, violations_change, violations_waive):
        part.register(violations_app)
    app.add_typer(violations_app, name="violations")


@violations_app.command("list")
def list_command(
    days: int = typer.Option(30, min=1, max=3650, help="Detected within so many days."),
    status: str = typer.Option("", help="One of: " + ", ".join(STATUSES)),
    severity: str = typer.Option("", help="One of: " + ", ".join(_SEVERITIES)),
    standard: str = typer.Option("", help="A standard's code."),
    subject: str = typer.Option("", help="Text that the subject contains."),
    limit: int = typer.Option(50, min=1, max=10_000, help="At most so many, newest first."),
    rows: bool = typer.Option(False, "--rows", help="Single violations, not incidents."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line."),
) -> None:
    """List incidents, one a standard, subject and field; or, with --rows, the newest violations."""
    _require_one_of("--status", status, STATUSES)
    _require_one_of("--severity", severity, _SEVERITIES)
    query = reports.violations if rows else reports.incidents

    async def ask(database: Database) -> list[dict[str, Any]]:
        return await query(
            database,
            days=days,
            status=status or None,
            severity=severity or None,
            standard=standard or None,
            subject_part=subject or None,
            limit=limit,
        )

    found = asyncio.run(read(ask))
    if as_json:
        for row in found:
            typer.echo(json.dumps(row, default=as_text))
        return
    print_table(_violations(found) if rows else _incidents(found))
    noun = "violations" if rows else "incidents"
    typer.echo(f"{len(found)} {noun}" + (" (there may be more: --limit)" if len(found) == limit else ""))


def _violations(found: list[dict[str, Any]]) -> Table:
    table = Table("detected (UTC)", "severity", "status", "standard", "subject", "observed")
    table.add_column("id", no_wrap=True, min_width=36)  # to be copied into `show`
    for row in found:
        detected = row["detected_at"].isoformat(sep=" ", timespec="milliseconds")
        observed = plain(row["observed"] or "")[:40]
        told = (detected, row["severity"], row["status"], row["code"], _clipped(row["subject"]), observed, row["id"])
        table.add_row(*map(cell, told))
    return table


def _incidents(found: list[dict[str, Any]]) -> Table:
    table = Table("status", "severity", "standard", "subject", "times", "first seen (UTC)", "last seen (UTC)")
    table.add_column("fingerprint", no_wrap=True, min_width=32)  # to be copied into `show`
    for row in found:
        seen = [row[name].isoformat(sep=" ", timespec="seconds") for name in ("first_seen", "last_seen")]
        subject = _clipped(row["subject"])
        told = (row["status"], row["severity"], row["code"], subject, row["occurrences"], *seen, row["fingerprint"])
        table.add_row(*map(cell, told))
    return table


def _clipped(subject: str) -> str:
    text = plain(subject)
    return text if len(text) <= _SUBJECT_CHARACTERS else f"…{text[-_SUBJECT_CHARACTERS:]}"


def _require_one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value and value not in known:
        raise UserError(f"{option} {value!a}: is unknown; choose one of {', '.join(known)}")
