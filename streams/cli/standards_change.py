"""`cockpit standards apply`, `activate`, `shadow`, `suspend`, `retire`: changes of the registry, each with its plan."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import typer

from streams.cli.actor import actor_of, reason_of
from streams.cli.standards_check import print_lint
from streams.cli.standards_registry import read, unknown, version_of
from streams.cli.terminal import plain
from streams.errors import UserError
from streams.standards.catalog import load_yaml
from streams.standards.lifecycle import GOVERNING, ON_TRIAL
from streams.standards.planning import Changes, differences, governing, head, on_trial, plan_changes, steps_to
from streams.standards.standard import Standard, Status
from streams.store import registry
from streams.store import standards as store
from streams.store.database import Database
from streams.store.registry import Outcome, Registered

_SHOWN_CHARACTERS = 200
_ACTOR = typer.Option(None, help="Who does this; else the user that runs the command.")
_VERSION = typer.Option(None, "--version", help="Another version than the one that the step is usually for.")
Pick = Callable[[list[Standard]], Standard | None]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("apply")(apply)
    group.command("activate")(activate)
    group.command("shadow")(shadow)
    group.command("suspend")(suspend)
    group.command("retire")(retire)


def apply(
    file: Path = typer.Argument(..., help="A YAML file with `standards:`."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would change and change nothing."),
    actor: str | None = _ACTOR,
    reason: str | None = typer.Option(None, help="Why; for the history."),
) -> None:
    """Put the standards of a file into the registry; workers judge by them within two seconds."""
    specs = load_yaml(file)
    who, why = actor_of(actor), reason_of(reason) or f"applied from {file.name}"
    checked = [spec.to_standard() for spec in specs if spec.status not in ("draft", "suspended", "retired")]
    if any(message.level == "error" for message in print_lint(checked)):
        raise UserError(f"{file}: nothing was applied: correct the errors above first")

    def plan(versions: Registered) -> Changes:
        return plan_changes(versions, specs)

    expected = plan(asyncio.run(read(_registered)))
    print_plan(expected)
    if dry_run or not expected:
        return
    if not yes and not _confirmed("Apply?"):
        raise UserError("nothing was applied: nobody said yes (--yes applies without asking)")
    done = asyncio.run(read(lambda database: registry.change(database, who, why, plan, expected)))
    added = len(done.changes.new_versions)
    typer.echo(f"applied: {added} new versions, {len(done.changes.steps) - added} other steps")
    _say_live(done)


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question)
    except typer.Abort:  # there is nobody to ask
        typer.echo()
        return False


async def _registered(database: Database) -> Registered:
    """All versions, with what somebody put into the table by hand as it will be taken over."""
    versions = await store.load_versions(database)
    return registry.with_hand_made(versions, await store.load_standards(database))


def activate(
    code: str = typer.Argument(...),
    version: int | None = _VERSION,
    actor: str | None = _ACTOR,
    reason: str | None = typer.Option(None, help="Why; for the history."),
) -> None:
    """Put the version on trial, or a suspended one, into force; its samples must pass."""
    _step(code, version, "active", lambda known: on_trial(known) or governing(known), actor, reason_of(reason))


def shadow(
    code: str = typer.Argument(...),
    version: int | None = _VERSION,
    actor: str | None = _ACTOR,
    reason: str | None = typer.Option(None, help="Why; for the history."),
) -> None:
    """Let a draft count what it would find, beside the active version if there is one; nothing is recorded."""
    _step(code, version, "shadow", on_trial, actor, reason_of(reason))


def suspend(
    code: str = typer.Argument(...),
    version: int | None = _VERSION,
    actor: str | None = _ACTOR,
    reason: str | None = typer.Option(None, help="Why; for the history."),
) -> None:
    """Take the active version out of force until it is activated again."""
    _step(code, version, "suspended", governing, actor, reason_of(reason, "suspend"))


def retire(
    code: str = typer.Argument(...),
    version: int | None = _VERSION,
    actor: str | None = _ACTOR,
    reason: str | None = typer.Option(None, help="Why; for the history."),
) -> None:
    """Take a standard out of use for good: all its versions, or one of them."""
    why = reason_of(reason, "retire")

    def plan(versions: Registered) -> Changes:
        known = _known(versions, code)
        chosen = [version_of(known, version)] if version is not None else _living(known)
        if not chosen:
            return Changes(unchanged=[head(known)])
        return Changes([step for standard in chosen for step in steps_to(known, standard, "retired")])

    _carry_out(plan, actor, why)


def _living(known: list[Standard]) -> list[Standard]:
    return [standard for standard in known if standard.status in (*GOVERNING, *ON_TRIAL)]


def _step(code: str, number: int | None, status: Status, usual: Pick, actor: str | None, why: str) -> None:
    def plan(versions: Registered) -> Changes:
        known = _known(versions, code)
        chosen = (usual(known) or head(known)) if number is None else version_of(known, number)
        if chosen.status == status:
            return Changes(unchanged=[chosen])
        return Changes(steps_to(known, chosen, status))

    _carry_out(plan, actor, why)


def _known(versions: Registered, code: str) -> list[Standard]:
    if code not in versions:
        raise unknown(code, list(versions))
    return versions[code]


def _carry_out(plan: Callable[[Registered], Changes], actor: str | None, why: str) -> None:
    who = actor_of(actor)
    done = asyncio.run(read(lambda database: registry.change(database, who, why, plan)))
    for standard in done.changes.unchanged:
        typer.echo(f"{standard.code}: v{standard.version} is {standard.status} already")
    for step in done.changes.steps:
        because = f" ({step.because})" if step.because else ""
        typer.echo(f"{step.standard.code}: v{step.standard.version}: {step.before} -> {step.standard.status}{because}")
        if step.standard.status == "active":
            print_lint([step.standard])
    _say_live(done)


def _say_live(done: Outcome) -> None:
    if done.held_back:
        typer.echo(
            f"not live: {plain(done.held_back)}: workers keep ruleset {done.revision}: correct or suspend that one"
        )
    else:
        typer.echo(f"ruleset {done.revision}")


def print_plan(changes: Changes) -> None:
    """Say step by step what a change does."""
    for step in changes.steps:
        standard = step.standard
        named = f"{standard.code}  v{standard.version}"
        if step.before is not None:
            because = f"  ({step.because})" if step.because else ""
            typer.echo(f"step     {named}  {step.before} -> {standard.status}{because}")
            continue
        replaced = changes.replaced.get(standard.code)
        if replaced is None:
            typer.echo(f"new      {named}  {standard.status}  {plain(standard.description)}")
            continue
        typer.echo(f"changed  {named}  {standard.status}  (v{replaced.version} is {replaced.status})")
        for key, old, new in differences(replaced, standard):
            typer.echo(f"           {key}: {_shown(old)} -> {_shown(new)}")
    fresh = len(changes.new_versions)
    typer.echo(f"{fresh} new versions, {len(changes.steps) - fresh} other steps, {len(changes.unchanged)} unchanged")


def _shown(value: Any) -> str:
    text = str(value) if not isinstance(value, dict) else orjson.dumps(value).decode()
    return plain(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
