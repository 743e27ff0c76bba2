"""`cockpit standards replay`: hold a changed rule against what is stored."""

import asyncio
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from time import monotonic

import orjson
import typer

from streams.cli.actor import actor_of
from streams.cli.standards_registry import known_versions, read, version_of
from streams.cli.terminal import json_text, plain
from streams.errors import UserError
from streams.replay import Request, Tally, replay
from streams.settings import load_settings
from streams.standards.planning import governing, head
from streams.standards.ruleset import require_evaluable
from streams.standards.standard import Standard
from streams.store import registry, stored_events
from streams.store import standards as store
from streams.store.database import Database

_SPAN = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PROGRESS_SECONDS = 1.0


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("replay")(replay_command)


def replay_command(
    codes: list[str] = typer.Argument(None, metavar="CODE...", help="The standards; or --all."),
    since: str = typer.Option(..., help="From when: 2026-11-01, 2026-11-01T10:00:00Z, or how long ago: 30d, 12h, 45m."),
    until: str | None = typer.Option(None, help="To when; without it, now."),
    every: bool = typer.Option(False, "--all", help="All active standards with a pattern."),
    version: int | None = typer.Option(None, help="Another version of the one standard; only an active one records."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Judge and count, and write nothing."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    page_rows: int = typer.Option(1000, min=1, max=20_000, help="Rows a transaction."),
    actor: str | None = typer.Option(None, help="Who does this; else the user that runs the command."),
    as_json: bool = typer.Option(False, "--json", help="The result as one JSON document."),
) -> None:
    """Judge stored events again: what a rule finds now is recorded as found by replay; offsets stay as they are."""
    now = datetime.now(UTC)
    first, end = moment("--since", since, now), moment("--until", until, now) if until else now
    if end <= first:
        raise UserError(f"--since {since!a}: must be earlier than the end, {end:%Y-%m-%dT%H:%M:%SZ}")
    if bool(codes) is every:
        raise UserError("CODE: name the standards to replay, or all of them with --all")
    if version is not None and len(codes) != 1:
        raise UserError("--version: name the one standard that it is a version of")
    standards = asyncio.run(read(lambda database: _chosen(database, codes or [], version)))
    trial = dry_run or any(standard.status != "active" for standard in standards)
    _announce(standards, first, end, dry_run=dry_run)
    if not trial and not yes:
        _confirm()
    who = None if trial else actor_of(actor)

    async def run(database: Database) -> list[Tally]:
        revision = (await registry.current(database)).revision
        request = Request(tuple(standards), first, end, who, revision, page_rows)
        return await replay(database, load_settings(), request, _progress())

    tallies = asyncio.run(read(run))
    if as_json:
        typer.echo(json_text(orjson.dumps([asdict(tally) for tally in tallies], option=orjson.OPT_INDENT_2).decode()))
        return
    for tally in tallies:
        _print(tally, trial)


def moment(option: str, text: str, now: datetime) -> datetime:
    """A time as people write it: a date, a time with an offset, or how long ago; raises UserError."""
    try:
        if match := _SPAN.fullmatch(text.strip()):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        parsed = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise UserError(f"{option} {text!a}: must be like 2026-11-01, 2026-11-01T10:00:00Z or 30d") from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


async def _chosen(database: Database, codes: list[str], number: int | None) -> list[Standard]:
    if not codes:
        shown = await store.load_standards(database)
        return [standard for standard in shown if standard.kind == "regex" and standard.status == "active"]
    chosen = []
    for code in dict.fromkeys(codes):
        known = await known_versions(database, code)
        standard = (governing(known) or head(known)) if number is None else version_of(known, number)
        if standard.kind == "builtin":
            raise UserError(f"standard {code}: is built in and judges by what was known then: it cannot be replayed")
        require_evaluable(standard)
        chosen.append(standard)
    return chosen


def _announce(standards: list[Standard], first: datetime, end: datetime, *, dry_run: bool) -> None:
    named = ", ".join(f"{s.code} v{s.version} ({s.status})" for s in standards[:10])
    more = f" and {len(standards) - 10} more" if len(standards) > 10 else ""
    span = f"{first:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC"
    typer.echo(f"replay of {plain(named)}{more}, events of {span}", err=True)
    if dry_run:
        typer.echo("dry run: nothing is written", err=True)
    elif any(standard.status != "active" for standard in standards):
        typer.echo("nothing is written: only an active version records violations", err=True)


def _confirm() -> None:
    try:
        said_yes = typer.confirm("Record what is found?", err=True)
    except typer.Abort:  # there is nobody to ask
        said_yes = False
    if not said_yes:
        raise UserError("nothing was replayed: nobody said yes (--yes replays without asking, --dry-run only counts)")


def _progress() -> Callable[[Tally], None]:
    last = monotonic()

    def show(tally: Tally) -> None:
        nonlocal last
        if tally.read < tally.stored and monotonic() - last < _PROGRESS_SECONDS:
            return
        last = monotonic()
        share = 100 * tally.read // max(1, tally.stored)
        line = (
            f"{stored_events.TOPICS[tally.applies_to]}: {tally.read:,} of {tally.stored:,} rows ({min(share, 100)} %)"
        )
        typer.echo(f"{line}, {tally.violations:,} violations, {tally.recorded:,} new", err=True)

    return show


def _print(tally: Tally, trial: bool) -> None:
    topic = stored_events.TOPICS[tally.applies_to]
    verb = "would be recorded" if trial else "recorded"
    typer.echo(
        f"{topic}: {tally.judged} judged, {tally.violations} violations:"
        f" {tally.recorded} {verb}, {tally.violations - tally.recorded} known already;"
        f" {tally.passing} recorded ones pass now"
    )
    if tally.unjudgeable:
        typer.echo(
            f"{topic}: {tally.unjudgeable} rows hold nothing to judge: dry runs, conflicts, documents not stored"
        )
    for subject in tally.examples:
        typer.echo(f"  {plain(subject)}")
    sys.stdout.flush()
