"""Everything that the demo publishes, in rounds, and what it knows of what must become of it."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_hex
from time import monotonic

from demo import sources, traffic
from demo.objectives import BULK_EVENTS, BULK_FILES, EVENTS_PER_SECOND, LOAD_SECONDS
from demo.scratch import Scratch, Tampering
from demo.traffic import Event
from demo.wire import Message
from schemas.events import Document, FilesystemTimestamps
from streams.errors import UserError
from streams.identity import path_key
from streams.producers.documents import read_document
from streams.store.database import Database
from streams.store.recall import Recall
from streams.times import microseconds

_STORED_SECONDS, _LOOK_AGAIN_SECONDS = 20, 0.005
_LOAD_FILES = 100
_LOAD_TIME = "203401010000"
_GOOD = """\
---
title: Technology stack update
version: 1.1.0
status: Active
date: 2026-11-20T10:12:12Z
owner: docs-team
---

# Technology stack update
"""
_BAD = _GOOD.replace("1.1.0", "one").replace("Active", "nonsense")


class Inputs:
    """The demo's input; `rounds` publishes in an order in which history has something to say."""

    def __init__(self, checkout: Path, scratch: Path) -> None:
        self.tamperings: list[Tampering] = []
        self.measured_events: set[str] = set()
        self.files = 0
        """Files in all captures so far: so many rows must be there in the end."""
        self.expected_verdicts: dict[str, list[str]] = {}
        self.expected_dead_letters: Counter[tuple[str, str]] = Counter()
        self._checkout = checkout
        self._scratch = Scratch(scratch)
        self._run = f"demo-{token_hex(3)}"

    @property
    def honest(self) -> list[str]:
        """Paths of the scratch tree's files that nobody tampered with."""
        return [str(path) for path in self._scratch.honest]

    def rounds(self) -> Iterator[tuple[str, list[Message]]]:
        """What is published one after another, each when the round before is stored, with what it is."""
        self._scratch.make()
        before = [*sources.capture_checkout(self._checkout), *self._capture_scratch()]
        yield "MAC times of this checkout's files and of a scratch tree", self._captured(before)
        self._scratch.change_honestly()
        self.tamperings = self._scratch.tamper()
        yield (
            f"the scratch tree again, with {len(self.tamperings)} files tampered with by touch, os.utime and mv",
            self._captured(self._capture_scratch()),
        )
        clocks = [sources.this_clock(), *traffic.drifting_clock()]
        yield f"this machine's clock, and {traffic.DRIFTING_COMPONENT} drifting away and back", _messages(clocks)
        yield "submissions: this project's Markdown, a good one, a bad one, one twice, a conflict", self._submissions()
        bad = traffic.bad_records(sources.HOST)
        self.expected_dead_letters.update((topic, reason) for reason, (topic, _, _) in bad.items())
        yield "bad records: broken JSON, null, 900 kB, not UTF-8, an unknown protocol", list(bad.values())

    def _capture_scratch(self) -> list[Event]:
        return sources.capture([self._scratch.root])

    def _submissions(self) -> list[Message]:
        good = self._document("ARTIFACT_16_TECH_STACK_UPDATE.md", _GOOD)
        bad = self._document("ARTIFACT_17_NOT_LIKE_THIS.md", _BAD)
        other = self._document("ARTIFACT_16_TECH_STACK_UPDATE.md", _GOOD + "\nOther content.\n")
        events = [
            traffic.submission(f"{self._run}-good", "docs-team", [good]),
            traffic.submission(f"{self._run}-bad", "docs-team", [bad]),
            traffic.submission(f"{self._run}-good", "docs-team", [good]),
            traffic.submission(f"{self._run}-good", "docs-team", [other]),
        ]
        self.expected_verdicts = {
            f"{self._run}-good": ["accepted", "accepted", "rejected"],
            f"{self._run}-bad": ["rejected"],
        }
        documents = sources.documents_of(self._checkout)
        if documents:
            events.insert(0, traffic.submission(f"{self._run}-project", "docs-team", documents))
        return _messages(events)

    def load_captures(self) -> list[Event]:
        """Captures of one real file each, for the steady load; the times of every fifth file are tampered with."""
        paths = [self._write(f"load/{number:03d}.txt") for number in range(_LOAD_FILES)]
        subprocess.run(["touch", "-t", _LOAD_TIME, *paths[::5]], check=True)
        events = []
        for number in range(EVENTS_PER_SECOND * LOAD_SECONDS):
            events.append(sources.capture_as_one([paths[number % len(paths)]]))
        return self._measured(events)

    def bulk_captures(self) -> Iterator[Event]:
        """Captures of many real files each, taken one by one when they are asked for."""
        paths = [self._write(f"bulk/{number:04d}.txt") for number in range(BULK_FILES)]
        for _ in range(BULK_EVENTS):
            yield from self._measured([sources.capture_as_one(paths)])

    async def stored(self, event: Event, database: Database) -> None:
        """Return when the rows of a capture are in the database."""
        capture = event.content
        assert isinstance(capture, FilesystemTimestamps)
        key = path_key(capture.host, capture.files[0].file_path)
        recall = Recall(database)
        deadline = monotonic() + _STORED_SECONDS
        while True:
            newest = (await recall.newest_files([key])).get(key)
            if newest is not None and newest.captured_at_us >= microseconds(capture.captured_at):
                return
            if monotonic() > deadline:
                raise UserError(f"worker: a capture of {BULK_FILES} files is not stored after {_STORED_SECONDS} s")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _document(self, name: str, text: str) -> Document:
        path = self._scratch.root / "docs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read_document(path, self._scratch.root)

    def _measured(self, events: list[Event]) -> list[Event]:
        self.measured_events.update(event.event_id for event in events)
        self._captured(events)
        return events

    def _captured(self, events: list[Event]) -> list[Message]:
        self.files += sum(
            len(event.content.files) for event in events if isinstance(event.content, FilesystemTimestamps)
        )
        return _messages(events)

    def _write(self, name: str) -> Path:
        path = self._scratch.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("written by scripts/demo, and safe to delete\n", encoding="utf-8")
        return path


def _messages(events: Iterable[Event]) -> list[Message]:
    return [event.message for event in events]
