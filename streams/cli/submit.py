"""`cockpit submit`: hand in documents, and wait for their verdict."""

import asyncio
import getpass
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import typer

from schemas.events import Submission
from schemas.verdicts import Check, Verdict
from streams.cli.terminal import console, inline, plain
from streams.errors import UserError
from streams.producers import build
from streams.producers.documents import read_document
from streams.producers.publish import SUBMISSIONS, publish
from streams.producers.verdicts import VerdictWatch
from streams.settings import Settings, load_settings

_EXIT = {"accepted": 0, "rejected": 1, "error": 2}
_SHOWN_CHARACTERS = 120


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("submit")(submit)


def submit(
    files: list[Path] = typer.Argument(..., metavar="FILE...", help="Documents; all are judged as one submission."),
    submission_id: str = typer.Option("", help="Default: a new UUID."),
    submitter: str = typer.Option("", help="Default: git's user.name, else the login."),
    base: Path = typer.Option(Path(), help="Documents are named relative to this folder."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Ask for the verdict; nothing is recorded against you."),
    wait: bool = typer.Option(False, "--wait", help="Wait for the verdict: exit 0 accepted, 1 rejected, 2 error."),
    timeout_seconds: float = typer.Option(30, min=1, help="How long --wait waits."),
    verbose: bool = typer.Option(False, "--verbose", help="With --wait: show passed checks too."),
) -> None:
    """Publish documents as one submission."""
    submission = build(
        Submission,
        event_id=str(uuid4()),
        submission_id=submission_id or str(uuid4()),
        submitter=submitter or _submitter(),
        submitted_at=datetime.now(UTC),
        dry_run=dry_run,
        documents=[read_document(path, base) for path in files],
    )
    settings = load_settings()
    if not wait:
        asyncio.run(publish(settings, SUBMISSIONS, [(submission.submission_id, submission)]))
        typer.echo(f"{plain(submission.submission_id)}: {len(files)} documents → {settings.topic(SUBMISSIONS)}")
        return
    verdict = asyncio.run(_submit_and_wait(settings, submission, timeout_seconds))
    _print(verdict, verbose)
    raise typer.Exit(_EXIT[verdict.verdict])


def _submitter() -> str:
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
        return done.stdout.strip() or _login()
    except OSError:
        return _login()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        raise UserError("--submitter: neither git nor the system knows your name: give it") from None


async def _submit_and_wait(settings: Settings, submission: Submission, timeout_seconds: float) -> Verdict:
    async with VerdictWatch(settings) as watch:
        await publish(settings, SUBMISSIONS, [(submission.submission_id, submission)])
        return await watch.verdict_of(submission.submission_id, timeout_seconds)


def _print(verdict: Verdict, verbose: bool) -> None:
    screen = console(highlight=False, soft_wrap=True)
    colour = "green" if verdict.verdict == "accepted" else "red"
    screen.print(
        f"[bold {colour}]{verdict.verdict}[/] ({verdict.reason.replace('_', ' ')})"
        f"{' · dry run' if verdict.dry_run else ''} · submission {inline(verdict.submission_id)}"
        f" · standards revision {verdict.ruleset_revision} · {verdict.latency_milliseconds:.0f} ms"
    )
    for item in verdict.items:
        passed = sum(check.status == "pass" for check in item.checks)
        screen.print(f"  {inline(item.path)}: {passed} of {len(item.checks)} checks passed")
        for check in item.checks:
            if verbose or check.status in ("fail", "warn"):
                screen.print(f"    {_line(check)}")


def _line(check: Check) -> str:
    colour = {"fail": "red", "warn": "yellow", "pass": "green"}.get(check.status, "dim")
    shown = f"[{colour}]{check.status}[/] {inline(check.standard_code)} {inline(check.field)}: {inline(check.message)}"
    if check.status not in ("fail", "warn"):
        return shown
    observed = "nothing" if check.observed is None else f"'{inline(check.observed[:_SHOWN_CHARACTERS])}'"
    return f"{shown} · observed {observed} · expected {inline(check.expected[:_SHOWN_CHARACTERS])}"
