"""`cockpit standards`: look at the rules, check them before they are live, and put them into the registry."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.errors import UserError
from streams.settings import load_settings
from streams.standards.catalog import Changes, differences, load_yaml, plan_changes
from streams.standards.fields import path_field
from streams.standards.lint import LintMessage, field_values, lint, passes
from streams.standards.matching import CheckResult, Matcher
from streams.standards.patterns import compile_pattern
from streams.standards.ruleset import require_evaluable
from streams.standards.standard import RulesetError, Standard, StandardSpec
from streams.store import standards as store
from streams.store.database import Database

standards_app = typer.Typer(help="The rules: list, check, try and apply them.", no_args_is_help=True)
_SHOWN_CHARACTERS = 200
_PIPED_COLUMNS = 200


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(standards_app, name="standards")


@standards_app.command("list")
def list_standards(
    applies_to: str | None = typer.Option(None, help="filesystem, clock or submission."),
    category: str | None = typer.Option(None, help="Only this category."),
    status: str | None = typer.Option(None, help="draft, shadow, active, suspended or retired."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document of all columns."),
) -> None:
    """List the registry."""
    wanted = {"applies_to": applies_to, "category": category, "status": status}
    standards = [
        standard
        for standard in asyncio.run(_load())
        if all(value is None or getattr(standard, key) == value for key, value in wanted.items())
    ]
    if as_json:
        typer.echo(orjson.dumps(standards, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())
        return
    _print_table(standards)


@standards_app.command("lint")
def lint_standards(
    files: list[Path] = typer.Argument(None, help="YAML files; without any, the registry is checked."),
) -> None:
    """Check standards and say what is wrong with them; exit 1 when something must not be applied."""
    standards = _standards_of(files) if files else asyncio.run(_load())
    messages = _print_lint(standards)
    errors = sum(message.level == "error" for message in messages)
    typer.echo(f"{len(standards)} standards, {errors} errors, {len(messages) - errors} warnings")
    if errors:
        raise typer.Exit(1)


@standards_app.command("test")
def try_command(
    code: str | None = typer.Argument(None, help="One standard; without it, the samples of all are run."),
    value: list[str] = typer.Option([], help="A value of the standard's field; may be repeated."),
    path: str | None = typer.Option(None, help="The path that the standard's path_glob is held against."),
    file: Path | None = typer.Option(None, help="Take the standards from this YAML file, not the registry."),
) -> None:
    """Hold values, or a standard's own samples, against standards; exit 1 when one does not do as it should."""
    standards = [s for s in (_standards_of([file]) if file else asyncio.run(_load())) if s.kind == "regex"]
    if code is not None:
        standards = [standard for standard in standards if standard.code == code]
        if not standards:
            raise UserError(f"standard {code}: there is no regex standard with this code")
    if value:
        if code is None:
            raise UserError("--value: name the standard that it is held against")
        failed = _test_values(standards[0], value, path)
    else:
        failed = _test_samples(standards)
    if failed:
        raise typer.Exit(1)


@standards_app.command("apply")
def apply_standards(
    file: Path = typer.Argument(..., help="A YAML file with `standards:`."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would change and change nothing."),
) -> None:
    """Put the standards of a file into the registry; workers judge by them within two seconds."""
    specs = load_yaml(file)
    if any(message.level == "error" for message in _print_lint([spec.to_standard() for spec in specs])):
        raise UserError(f"{file}: nothing was applied: correct the errors above first")
    changes = plan_changes(asyncio.run(_load()), specs)
    _print_plan(changes)
    if dry_run or not (changes.added or changes.changed):
        return
    if not yes:
        typer.confirm("Apply?", abort=True)
    done = asyncio.run(_apply(specs))
    typer.echo(f"applied: {len(done.added)} added, {len(done.changed)} changed, {len(done.unchanged)} unchanged")


async def _load() -> list[Standard]:
    async with Database(load_settings(), connections=2) as database:
        return await store.load_standards(database)


async def _apply(specs: list[StandardSpec]) -> Changes:
    async with Database(load_settings(), connections=2) as database:
        return await store.upsert(database, specs)


def _print_table(standards: list[Standard]) -> None:
    console = Console(width=None if sys.stdout.isatty() else _PIPED_COLUMNS)
    table = Table(box=SIMPLE_HEAD, expand=True)
    for name in ("code", "v", "category", "severity", "status", "field"):
        table.add_column(name, no_wrap=True)
    table.add_column("what it wants", no_wrap=True, overflow="ellipsis", ratio=1)
    for s in standards:
        columns = (s.code, str(s.version), s.category, s.severity, s.status, f"{s.applies_to} {s.field}", s.description)
        table.add_row(*map(escape, columns))
    console.print(table)
    console.print(f"{len(standards)} standards")


def _standards_of(paths: Iterable[Path]) -> list[Standard]:
    return [spec.to_standard() for path in paths for spec in load_yaml(path)]


def _print_lint(standards: Iterable[Standard]) -> list[LintMessage]:
    messages = [message for standard in standards for message in lint(standard)]
    for message in messages:
        typer.echo(f"{message.level}: {message.code}: {message.text}")
    return messages


def _test_values(standard: Standard, values: Iterable[str], path: str | None) -> int:
    require_evaluable(standard)
    matcher = Matcher(standard.applies_to, [standard])
    failed = 0
    for value in values:
        fields = field_values(standard, value)
        where = path if path is not None else fields.get(path_field(standard.applies_to) or "")
        for result in matcher.check(fields, where):
            failed += result.status == "fail"
            typer.echo(_line(result))
    return failed


def _line(result: CheckResult) -> str:
    return f"{result.status}: {result.standard.code}: {result.message}"


def _test_samples(standards: Iterable[Standard]) -> int:
    wrong = total = 0
    for standard in standards:
        try:
            require_evaluable(standard)
        except RulesetError as error:
            typer.echo(f"wrong: {error}")
            wrong += 1
            continue
        compiled = compile_pattern(standard.pattern)
        expected = [(text, True) for text in standard.samples.positive]
        expected += [(text, False) for text in standard.samples.negative]
        total += len(expected)
        for text, should_pass in expected:
            if passes(standard, compiled, text) is not should_pass:
                wrong += 1
                typer.echo(f"wrong: {standard.code}: {text!r} {'is refused' if should_pass else 'passes'}")
    typer.echo(f"{total} samples, {wrong} wrong")
    return wrong


def _print_plan(changes: Changes) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for standard in changes.added:
        console.print(f"[green]new[/green]        {escape(standard.code)}  {escape(standard.description)}")
    for before, after in changes.changed:
        console.print(f"[yellow]changed[/yellow]    {escape(after.code)}  v{before.version} to v{after.version}")
        for key, old, new in differences(before, after):
            console.print(f"             {key}: {escape(_shown(old))} -> {escape(_shown(new))}")
    console.print(f"{len(changes.added)} new, {len(changes.changed)} changed, {len(changes.unchanged)} unchanged")


def _shown(value: Any) -> str:
    text = str(value) if not isinstance(value, dict) else orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
