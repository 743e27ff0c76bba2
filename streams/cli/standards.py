"""`cockpit standards`: look at the rules, their versions and what was done to them."""

import asyncio
import sys
from typing import Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from streams.cli import standards_change, standards_check, standards_replay
from streams.cli.standards_registry import known_versions, read, version_of
from streams.cli.terminal import cell, console, json_text, plain
from streams.errors import UserError
from streams.standards.fields import APPLIES_TO
from streams.standards.lifecycle import NEXT
from streams.standards.lint import passes
from streams.standards.patterns import PatternError, compile_expression
from streams.standards.planning import differences, head
from streams.standards.standard import STATUSES, Standard
from streams.store import standards as store
from streams.store.version_rows import digest_of

_SHOWN_CHARACTERS = 4096
_PIPED_COLUMNS = 200


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="The rules: list, check, try, apply and replay them.", no_args_is_help=True)
    group.command("list")(list_standards)
    group.command("show")(show)
    group.command("diff")(diff)
    group.command("history")(history)
    for part in (standards_check, standards_change, standards_replay):
        part.register(group)
    app.add_typer(group, name="standards")


def list_standards(
    applies_to: str | None = typer.Option(None, help="filesystem, clock or submission."),
    category: str | None = typer.Option(None, help="Only this category."),
    status: str | None = typer.Option(None, help="draft, shadow, active, suspended or retired."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document of all columns."),
) -> None:
    """List the registry; a version on trial beside an active one has a line of its own."""
    for option, value, known in (("--applies-to", applies_to, APPLIES_TO), ("--status", status, STATUSES)):
        if value is not None and value not in known:
            raise UserError(f"{option} {value!a}: is unknown; choose one of {', '.join(known)}")
    wanted = {"applies_to": applies_to, "category": category, "status": status}
    standards = [
        standard
        for standard in asyncio.run(_shown())
        if all(value is None or getattr(standard, key) == value for key, value in wanted.items())
    ]
    if as_json:
        typer.echo(json_text(orjson.dumps(standards, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()))
        return
    _print_table(standards)


async def _shown() -> list[Standard]:
    heads, versions = await read(store.load_standards), await read(store.load_versions)
    shown = {(standard.code, standard.version) for standard in heads}
    beside = [
        version
        for known in versions.values()
        for version in known
        if version.status in ("draft", "shadow") and (version.code, version.version) not in shown
    ]
    return sorted([*heads, *beside], key=lambda standard: (standard.code, standard.version))


def _print_table(standards: list[Standard]) -> None:
    screen = console(width=None if sys.stdout.isatty() else _PIPED_COLUMNS)
    table = Table(box=SIMPLE_HEAD, expand=True)
    for name in ("code", "v", "category", "severity", "status", "field"):
        table.add_column(name, no_wrap=True)
    table.add_column("what it wants", no_wrap=True, overflow="ellipsis", ratio=1)
    for s in standards:
        columns = (s.code, s.version, s.category, s.severity, s.status, f"{s.applies_to} {s.field}", s.description)
        table.add_row(*map(cell, columns))
    screen.print(table)
    screen.print(f"{len(standards)} standards")


def show(
    code: str = typer.Argument(...),
    version: int | None = typer.Option(None, help="Another version than the one that counts."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Show one standard: what it says, its versions, what it found and what it would have found."""
    asyncio.run(_show(code, version, as_json))


async def _show(code: str, number: int | None, as_json: bool) -> None:
    versions = await read(lambda database: known_versions(database, code))
    standard = head(versions) if number is None else version_of(versions, number)
    rows = await read(lambda database: store.version_rows(database, code))
    shadow = await read(lambda database: store.shadow_counts(database, code))
    found = await read(lambda database: store.violation_counts(database, standard.id))
    history = [
        {name: row[name] for name in ("version", "status", "created_by", "created_at")}
        | {"intact": digest_of(row["content"]) == row["content_sha256"]}
        for row in rows
    ]
    if as_json:
        document = {"standard": standard, "versions": history, "shadow": _plain_numbers(shadow), "violations": found}
        typer.echo(json_text(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()))
        return
    content = {"id": standard.id, "version": standard.version, "status": standard.status} | standard.content()
    for name, value in content.items():
        typer.echo(f"{name:<16}{_shown_value(value)}")
    typer.echo(f"{'next':<16}{' or '.join(NEXT[standard.status]) or 'nothing: retired is final'}")
    typer.echo("versions")
    for row in history:
        note = "" if row["intact"] else "  ALTERED since it was written"
        at = f"{row['created_at']:%Y-%m-%d %H:%M:%S}"
        typer.echo(f"  v{row['version']:<4}{row['status']:<11}{at}  by {plain(row['created_by'])}{note}")
    for row in found:
        how = "by replay " if row["origin"] == "replay" else ""
        typer.echo(f"v{row['version']}: {row['violations']} violations {how}in 30 days")
    for row in shadow:
        typer.echo(f"v{row['version']}: in shadow it would have found {row['violations']} on {row['day']}")


def _plain_numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"violations": int(row["violations"])} for row in rows]


def _shown_value(value: Any) -> str:
    text = orjson.dumps(value).decode() if isinstance(value, dict) else "-" if value is None else str(value)
    return plain(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")


def diff(
    code: str = typer.Argument(...),
    old: int | None = typer.Argument(None, help="A version; without it, the one before NEW."),
    new: int | None = typer.Argument(None, help="A version; without it, the newest."),
) -> None:
    """Show what differs between two versions, and which samples they judge differently."""
    versions = asyncio.run(read(lambda database: known_versions(database, code)))
    after = versions[-1] if new is None else version_of(versions, new)
    if old is None:
        earlier = [version for version in versions if version.version < after.version]
        if not earlier:
            raise UserError(f"standard {code}: v{after.version} is its first version: nothing stands before it")
        before = earlier[-1]
    else:
        before = version_of(versions, old)
    typer.echo(f"{code}: v{before.version} ({before.status}) to v{after.version} ({after.status})")
    changed = differences(before, after)
    for key, was, now in changed:
        typer.echo(f"- {key}: {_shown_value(was)}")
        typer.echo(f"+ {key}: {_shown_value(now)}")
    for line in _judged_differently(before, after):
        typer.echo(line)
    if not changed:
        typer.echo("no difference")


def _judged_differently(before: Standard, after: Standard) -> list[str]:
    try:
        compiled = [compile_expression(standard.pattern, standard.matching) for standard in (before, after)]
    except PatternError:
        return []
    if "builtin" in (before.kind, after.kind):
        return []
    texts = dict.fromkeys(t for s in (before, after) for t in (*s.samples.positive, *s.samples.negative))
    lines = []
    for text in texts:
        was, now = passes(before, compiled[0], text), passes(after, compiled[1], text)
        if was != now:
            lines.append(
                f"sample {plain(repr(text))}: {_passes(was)} v{before.version}, {_passes(now)} v{after.version}"
            )
    return lines


def _passes(yes: bool) -> str:
    return "passes" if yes else "breaks"


def history(
    code: str | None = typer.Argument(None, help="One standard; without it, all."),
    limit: int = typer.Option(50, min=1, max=10_000, help="At most so many steps, newest first."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line."),
) -> None:
    """Show who did what to the standards, when and why."""
    if code is not None:
        asyncio.run(read(lambda database: known_versions(database, code)))
    for row in asyncio.run(read(lambda database: store.history(database, code, limit))):
        if as_json:
            typer.echo(json_text(orjson.dumps(row, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z).decode()))
            continue
        step = f"{row['from_status'] or 'new'} -> {row['to_status']}"
        revision = f" (ruleset {row['ruleset_revision']})" if row["ruleset_revision"] is not None else ""
        what = f"{row['created_at']:%Y-%m-%d %H:%M:%S}  {row['code']} v{row['version']}: {step}"
        typer.echo(plain(f"{what} by {row['actor']}{revision}: {row['reason'] or '-'}"))
