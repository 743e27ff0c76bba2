"""`cockpit report`: compliance, standards, and the latency objectives."""

import asyncio
import csv
import io
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import typer
from rich.table import Table

from streams.cli.compliance_chart import compliance_png
from streams.cli.terminal import cell, plain, print_table
from streams.errors import UserError
from streams.settings import load_settings
from streams.store import reports
from streams.store.database import Database

report_app = typer.Typer(help="Reports over what was recorded.", no_args_is_help=True)

Format = Literal["table", "csv", "json"]
ComplianceFormat = Literal["table", "csv", "json", "png"]
_DAYS = typer.Option(30, min=1, max=3650, help="Detected within so many days.")
_FORMAT = typer.Option("table", "--format", help="table, csv or json.")
_TARGETS_MS = {"violation_check": 50.0, "compliance_report": 1000.0, "clock_sync": 10.0}
_FORMULA_STARTS = tuple("=+-@＝＋－＠")  # noqa: RUF001  a spreadsheet of East Asia takes the wide ones too


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(report_app, name="report")


@report_app.command("compliance")
def compliance(
    days: int = _DAYS,
    as_format: ComplianceFormat = typer.Option("table", "--format", help="table, csv, json or png."),
    out: Path | None = typer.Option(None, "--out", help="The file of the picture; else it goes where the output goes."),
    scan: bool = typer.Option(False, "--scan", help="Count the violations themselves, where counts are kept too."),
) -> None:
    """Violations a day and category, and how many of them are resolved; waived ones count, and are not resolved."""
    if out is not None and as_format != "png":
        raise UserError("--out: is for --format png: send the other formats into a file with >")
    if as_format == "png" and out is None and sys.stdout.isatty():
        raise UserError("--out: name the file of the picture, or send it into one with >")
    rows = _read(lambda database: reports.compliance(database, days, scan=scan))
    if as_format == "png":
        _write(out, compliance_png(rows, days, datetime.now(UTC).date()))
        return
    _print(rows, ("day", "category", "violation_count", "resolved_count", "resolution_rate"), as_format)


@report_app.command("standards")
def standards(days: int = _DAYS, as_format: Format = _FORMAT) -> None:
    """Violations by standard, with an example of each."""
    rows = _read(lambda database: reports.by_standard(database, days))
    columns = ("code", "category", "severity", "violation_count", "incidents", "example_subject", "example_observed")
    _print(rows, columns, as_format)


@report_app.command("files")
def files(
    path: str = typer.Argument(help="A path; or, with a / at its end, what all paths begin with."),
    limit: int = typer.Option(50, min=1, max=10_000, help="At most so many captures."),
    as_format: Format = _FORMAT,
) -> None:
    """Recorded captures of one file, newest first, or of the files under a directory."""
    query = reports.files_under if path.endswith("/") else reports.files_at
    rows = _read(lambda database: query(database, path, limit))
    _print(rows, ("host", "file_path", "mtime", "captured_at", "size_bytes", "git_commit_sha"), as_format)


@report_app.command("slo")
def slo(
    as_format: Format = _FORMAT, as_json: bool = typer.Option(False, "--json", help="The same as --format json.")
) -> None:
    """Average, p95 and p99 of the last hour, beside the targets; exit 1 when a p99 misses its target."""
    rows = objectives(_read(reports.latency_objectives))
    columns = ("query_type", "samples", "average_ms", "p95_ms", "p99_ms", "target_ms", "met")
    _print(rows, columns, "json" if as_json else as_format)
    if any(row["met"] == "no" for row in rows):
        raise typer.Exit(1)


def _write(path: Path | None, content: bytes) -> None:
    if path is None:
        typer.get_binary_stream("stdout").write(content)
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UserError(f"--out {str(path)!a}: cannot be written: {error.strerror}") from None


def objectives(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of `reports.latency_objectives` with their targets; an objective nobody measured is a row too."""
    by_type = {row["query_type"]: row for row in measured}
    rows = []
    for query_type in (*_TARGETS_MS, *sorted(by_type.keys() - _TARGETS_MS.keys())):
        row, target = by_type.get(query_type, {}), _TARGETS_MS.get(query_type)
        times = {name: round(row[name], 3) if row else None for name in ("average_ms", "p95_ms", "p99_ms")}
        if target is None:
            met = ""
        elif not row:
            met = "not measured"
        else:
            met = "yes" if row["p99_ms"] < target else "no"
        rows.append(
            {"query_type": query_type, "samples": row.get("samples", 0), **times, "target_ms": target, "met": met}
        )
    return rows


def _read(query: Callable[[Database], Awaitable[list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        async with Database(load_settings(), connections=2) as database:
            return await query(database)

    return asyncio.run(read())


def _print(rows: list[dict[str, Any]], columns: Sequence[str], as_format: Format) -> None:
    if as_format == "json":
        typer.echo(json.dumps([{name: row[name] for name in columns} for row in rows], default=_json, indent=2))
    elif as_format == "csv":
        typer.echo(as_csv(rows, columns), nl=False)
    else:
        table = Table(*(name.replace("_", " ") for name in columns))
        for row in rows:
            table.add_row(*(cell("" if row[name] is None else row[name]) for name in columns))
        print_table(table)


def as_csv(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    """CSV with a header.

    Control characters are shown and not written, for this too may end on a terminal; text that a spreadsheet
    would run as a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(row[name]) for name in columns])
    return out.getvalue()


def _csv_cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text


def _json(value: object) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)  # sums of integers are decimals too
    return str(value)
