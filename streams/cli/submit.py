"""`cockpit submit`: hand in documents, and wait for their verdict."""

import asyncio
import getpass
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import typer

from schemas.events import Submission
from schemas.verdicts import CheckStatus, ItemVerdict, Verdict
from streams.cli.terminal import console, inline, plain
from streams.errors import UserError
from streams.producers import build
from streams.producers.documents import read_document
from streams.producers.publish import SUBMISSIONS, publish
from streams.producers.verdicts import VerdictWatch
from streams.settings import Settings, load_settings

_EXIT = {"accepted": 0, "rejected": 1, "error": 2}
_TOLD: dict[CheckStatus, str] = {
    "pass": "passed", "fail": "failed", "warn": "warned", "waived": "waived", "not_applicable": "not applicable",
}  # fmt: skip
_COLOURS: dict[CheckStatus, str] = {"fail": "red", "warn": "yellow", "waived": "yellow", "pass": "green"}


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
    show_verdict(verdict, verbose)
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


def show_verdict(verdict: Verdict, verbose: bool) -> None:
    """What a person is told: the verdict, and each check that did not pass; with `verbose` all of them."""
    screen = console(highlight=False, soft_wrap=True)
    colour = "green" if verdict.verdict == "accepted" else "red"
    screen.print(
        f"[bold {colour}]{verdict.verdict}[/] ({verdict.reason.replace('_', ' ')})"
        f"{' · dry run' if verdict.dry_run else ''} · submission {inline(verdict.submission_id)}"
        f" · standards revision {verdict.ruleset_revision} · {verdict.latency_milliseconds:.0f} ms"
    )
    if verdict.reason == "conflict":
        screen.print("  this submission id came before with other content: submit under another one")
    for item in verdict.items:
        screen.print(f"  {inline(item.path)}: {_counts(item)}")
        for check in item.checks:
            if verbose or check.status in ("fail", "warn", "waived"):
                colour = _COLOURS.get(check.status, "dim")
                screen.print(f"    [{colour}]{check.status}[/] {inline(check.standard_code)}: {inline(check.message)}")
    if verdict.violation_ids:
        screen.print(f"  {len(verdict.violation_ids)} violations recorded: see `cockpit violations list --rows`")


def _counts(item: ItemVerdict) -> str:
    counts = Counter(check.status for check in item.checks)
    return ", ".join(f"{counts[status]} {told}" for status, told in _TOLD.items() if counts[status]) or "no checks"
