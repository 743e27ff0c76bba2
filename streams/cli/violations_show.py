"""`cockpit violations show` and `explain`: one incident or one violation, as it is and in a person's words."""

import asyncio
import json
import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import typer

from streams.cli.numbers_shown import shown
from streams.cli.standards_registry import read
from streams.cli.terminal import document, plain
from streams.errors import UserError
from streams.standards.standard import Standard
from streams.store import reports
from streams.store import standards as store
from streams.store.database import Database

_SAMPLES = 5


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("show")(show)
    group.command("explain")(explain)


def show(
    name: str = typer.Argument(..., metavar="ID|FINGERPRINT", help="A violation's id or an incident's fingerprint."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Show everything about one violation or incident: samples, and who decided what."""
    row, incident, log, samples = asyncio.run(read(lambda database: look_up(database, name)))
    if as_json:
        told = {**(row or {}), "incident": incident, "transitions": log, "samples": samples}
        typer.echo(json.dumps(told, default=as_text, indent=2))
        return
    if row is not None and (incident is None or name == row["id"]):
        _print_row({key: value for key, value in row.items() if key != "evidence"})
        typer.echo("evidence")
        typer.echo(document(row["evidence"]))
    if incident is not None:
        typer.echo(f"incident {incident['fingerprint']}")
        _print_row({key: value for key, value in incident.items() if key not in _INTERNAL})
        typer.echo("samples, newest first")
        for sample in samples:
            typer.echo(
                f"  {_place(sample)}  {sample['id']}  {sample['status']}  {plain(sample['observed'] or '-')[:60]}"
            )
        typer.echo("log")
        for line in _log_lines(incident, log):
            typer.echo(f"  {line}")


def explain(
    name: str = typer.Argument(..., metavar="ID|FINGERPRINT", help="A violation's id or an incident's fingerprint."),
) -> None:
    """Say why something is a violation, with the rule, the value and the numbers, and how to see it for oneself."""
    row, incident, log, _ = asyncio.run(read(lambda database: look_up(database, name)))
    if row is None:
        raise UserError(f"incident {name!a}: none of its violations is stored any more; `show` tells what is known")
    standard = asyncio.run(read(lambda database: _judged_by(database, row)))
    observed = "is absent" if row["observed"] is None else f"is {_observed(row)}"
    typer.echo(f"{plain(row['subject'])}: {plain(row['field'])} {observed}")
    typer.echo(f"which breaks {row['code']} version {row['standard_version']} ({row['severity']}, {row['category']}):")
    typer.echo(f"  {plain(row['description']) or 'the rule has no description'}")
    if row["reference"]:
        typer.echo(f"  see {plain(row['reference'])}")
    typer.echo(f"expected: {plain(row['expected'])}")
    if message := row["evidence"].get("message"):
        typer.echo(f"the judge says: {plain(message)}")
    numbers = {key: value for key, value in row["evidence"].items() if key != "message"}
    if numbers:
        typer.echo("what it was judged by:")
        for line in _evidence_lines(numbers):
            typer.echo(f"  {line}")
    typer.echo(f"found in {_place(row)}, event {row['event_id']} of {as_text(row['event_time'])},")
    typer.echo(f"under ruleset {row['ruleset_revision']}, at {as_text(row['detected_at'])}")
    typer.echo(f"to see it again: {_reproduction(row, standard)}")
    if incident is not None:
        seen = f"{incident['occurrences']} times from {as_text(incident['first_seen'])} to"
        typer.echo(f"the incident {incident['fingerprint']} is {incident['status']}; seen {seen}")
        typer.echo(f"{as_text(incident['last_seen'])}")
        for line in _log_lines(incident, log):
            typer.echo(f"  {line}")


Known = tuple[dict[str, Any] | None, dict[str, Any] | None, list[dict[str, Any]], list[dict[str, Any]]]


async def look_up(database: Database, name: str) -> Known:
    """The violation (of an incident its newest), the incident, its log, its samples; raises UserError for neither."""
    row = await reports.violation(database, name)
    incident = await reports.incident(database, name if row is None else row["fingerprint"])
    if row is None and incident is None:
        raise UserError(f"ID {name!a}: there is no such violation or incident; `cockpit violations list` shows them")
    if incident is None:
        return row, None, [], []
    if row is None:
        row = await reports.violation(database, incident["last_violation_id"])
    log = await reports.incident_log(database, incident["fingerprint"])
    return row, incident, log, await reports.incident_samples(database, incident["fingerprint"], _SAMPLES)


def as_text(value: object) -> str:
    """A value of a row for people and for JSON."""
    return value.isoformat() + "Z" if isinstance(value, datetime) else str(value)


_INTERNAL = ("unsettled", "logged_status", "logged_episode", "fingerprint")


def _print_row(row: dict[str, Any]) -> None:
    width = max(map(len, row))
    for name, value in row.items():
        typer.echo(f"{name:<{width}}  {'-' if value is None else plain(as_text(value))}")


def _observed(row: dict[str, Any]) -> str:
    """The value; of a time of a file with its date."""
    text = plain(row["observed"])
    whole = row["field"].endswith("_ns") and text.removeprefix("-").isdecimal()
    return shown(row["field"], int(text)) if whole else text


def _evidence_lines(numbers: dict[str, Any]) -> Iterator[str]:
    """A line for each number, also of those that stand together."""
    for key, value in numbers.items():
        if isinstance(value, dict):
            yield f"{plain(key)}:"
            for name, number in value.items():
                yield f"  {plain(name)}: {shown(name, number)}"
        elif isinstance(value, list):
            yield f"{plain(key)}: {plain(', '.join(map(str, value))) or '-'}"
        else:
            yield f"{plain(key)}: {'-' if value is None else shown(key, value)}"


def _log_lines(incident: dict[str, Any], log: list[dict[str, Any]]) -> list[str]:
    opened = f"{as_text(incident['first_detected_at'])}  opened by {incident['first_topic']}"
    lines = [f"{opened} {incident['first_partition']}/{incident['first_offset']}"]
    for entry in log:
        step = f"{entry['from_status']} → {entry['to_status']} by {entry['actor']}: {entry['reason']}"
        lines.append(plain(f"{as_text(entry['at'])}  {step}"))
    return lines


def _place(row: dict[str, Any]) -> str:
    return f"{row['source_topic']} {row['source_partition']}/{row['source_offset']}"


async def _judged_by(database: Database, row: dict[str, Any]) -> Standard | None:
    versions = (await store.load_versions(database, row["code"])).get(row["code"], [])
    return next((version for version in versions if version.version == row["standard_version"]), None)


def _reproduction(row: dict[str, Any], standard: Standard | None) -> str:
    if standard is None or standard.kind == "builtin":
        return f"cockpit standards show {row['code']}: it is built in, and judges by the numbers above"
    if row["observed"] is None:
        return f"publish the event again without {row['field']}: {row['code']} requires it"
    version = f" --version {standard.version}"
    value = shlex.quote(plain(row["observed"]))
    path = row["evidence"].get("file_path") or (row["subject"] if standard.applies_to == "submission" else None)
    where = f" --path {shlex.quote(plain(path))}" if path and standard.path_glob else ""
    return f"cockpit standards test {row['code']}{version} --value {value}{where}"
