"""`cockpit capture`: publish the MAC times of files."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.status import Status

from schemas.events import FilesystemTimestamps
from streams.cli.terminal import console, json_text, plain
from streams.producers.files import EVENT_BYTES, Omissions
from streams.producers.files import capture as events_of
from streams.producers.git_history import GitHistory
from streams.producers.publish import FILES, publish
from streams.settings import load_settings

_WORKER_SHARE = 0.75
"""Of the largest record that a worker takes: room for a worker set a little tighter than we are."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("capture")(capture)


def capture(
    paths: list[Path] = typer.Argument(..., metavar="PATH...", help="Files and folders."),
    host: str = typer.Option("", help="The host's name; default: this machine's."),
    sha256: bool = typer.Option(False, "--sha256", help="Read every file and send its hash."),
    git: bool = typer.Option(True, "--git/--no-git", help="Send each file's last commit."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print the events as JSON lines; publish nothing."),
) -> None:
    """Publish the MAC times of files and of all files in folders; symbolic links are not followed."""
    settings = load_settings()
    omissions = Omissions()
    history = GitHistory(paths) if git else None
    screen = console(stderr=True)
    with screen.status("reading file times") as status:
        counted = _Counted(
            events_of(
                paths,
                host=host or socket.gethostname(),
                history=history,
                with_sha256=sha256,
                event_bytes=min(EVENT_BYTES, int(settings.max_record_bytes * _WORKER_SHARE)),
                omissions=omissions,
            ),
            status,
        )
        if dry_run:
            for event in counted:
                typer.echo(json_text(event.model_dump_json(exclude_none=True)))
        else:
            asyncio.run(publish(settings, FILES, ((event.host, event) for event in counted)))
    for reason, count in omissions.counts.items():
        typer.echo(f"left out: {count} ({reason}), such as {plain(omissions.examples[reason])}", err=True)
    for tree, problem in (history.problems if history else {}).items():
        typer.echo(f"no commits of {plain(tree)}: {plain(problem)}", err=True)
    said = f"{counted.files} files in {counted.events} events"
    typer.echo(f"{said}, not published" if dry_run else f"{said} → {settings.topic(FILES)}", err=dry_run)


class _Counted:
    """The events as they pass by, with their numbers shown."""

    def __init__(self, events: Iterator[FilesystemTimestamps], status: Status) -> None:
        self._events = events
        self._status = status
        self.files = self.events = 0

    def __iter__(self) -> Iterator[FilesystemTimestamps]:
        for event in self._events:
            self.events += 1
            self.files += len(event.files)
            self._status.update(f"reading file times: {self.files} files in {self.events} events")
            yield event
