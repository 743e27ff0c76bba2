"""The real input of this machine, by the product's own producers: files, the clock, the project's documents."""

import os
import socket
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from demo.traffic import CLOCKS, FILES, Event
from schemas.events import MAX_DOCUMENTS, Document, FilesystemTimestamps
from streams.errors import UserError
from streams.producers.clocks import read_clock
from streams.producers.documents import read_document
from streams.producers.files import capture as captures_of
from streams.producers.git_history import GitHistory

HOST = socket.gethostname()
_COMPONENT_CHARACTERS = 100
_ONE_EVENT_BYTES = 500_000
_NOT_OURS = frozenset({".git", ".venv", ".local", ".cache"})


def capture_checkout(checkout: Path) -> list[Event]:
    """The MAC times of the project's own files, with their last commits."""
    return _events(captures_of(_files_of(checkout), host=HOST, history=GitHistory([checkout])))


def capture(paths: Iterable[Path]) -> list[Event]:
    """The MAC times of files and folders, as `cockpit capture` publishes them."""
    return _events(captures_of(list(paths), host=HOST))


def capture_as_one(paths: Iterable[Path]) -> Event:
    """The same in one event, which the contract allows for up to 1,000 files where the producer may make more."""
    parts = list(captures_of(list(paths), host=HOST, event_bytes=_ONE_EVENT_BYTES))
    files = [file for part in parts for file in part.files]
    return Event(FILES, HOST, parts[-1].model_copy(update={"files": files}))


def this_clock() -> Event:
    """A reading of this machine's clock: chrony's if it runs, else the kernel's."""
    reading = read_clock(HOST[:_COMPONENT_CHARACTERS])
    return Event(CLOCKS, reading.component_name, reading)


def documents_of(checkout: Path) -> list[Document]:
    """The project's own Markdown, with what each document says of itself."""
    documents: list[Document] = []
    for path in _files_of(checkout):
        if path.suffix == ".md" and len(documents) < MAX_DOCUMENTS:
            with suppress(UserError):  # somebody's half-written draft is no reason to show nothing
                documents.append(read_document(path, checkout))
    return documents


def _events(captures: Iterable[FilesystemTimestamps]) -> list[Event]:
    return [Event(FILES, event.host, event) for event in captures]


def _files_of(checkout: Path) -> list[Path]:
    """The files that git knows or would take; where there is no git, all outside of our own hidden folders."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=checkout, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        files = (path for path in checkout.rglob("*") if not _NOT_OURS & set(path.relative_to(checkout).parts))
        return sorted(path for path in files if path.is_file() and not path.is_symlink())
    paths = [checkout / os.fsdecode(name) for name in listing.split(b"\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]
