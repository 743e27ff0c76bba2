"""The rows that must be there, computed from the messages that were sent and from nothing that a worker did.

It knows the rules that the traffic breaks, from their documents (`docs/forensics.md`, the standards' descriptions):

    mtime after ctime (H1)                         TS-MTIME-AFTER-CTIME
    mtime other than before, ctime the same (H3)   TS-MTIME-CHANGED-CTIME-NOT
    |offset| of an NTP clock over 10 ms            CLK-OFFSET, and one firing alert for as long as it lasts
    a version that is none                         SUB-META-001, verdict rejected
    other content under the same submission_id     SUB-CONFLICT, verdict rejected
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.traffic import CLOCKS, FILES, SUBMISSIONS
from tests.e2e.events import Message

_DRIFTING_MICROSECONDS = 10_000
_REQUIRED = {
    FILES: {"event_id", "host", "captured_at", "files"},
    CLOCKS: {"event_id", "component_name", "protocol", "offset_microseconds", "last_sync_at"},
    SUBMISSIONS: {"event_id", "submission_id", "submitter", "submitted_at", "documents"},
}

File = tuple[str, str, str, int, int, int]
"""event_id, host, file_path, atime_ns, mtime_ns, ctime_ns"""


@dataclass
class Oracle:
    """What `sent` so far must lead to; repetitions change nothing."""

    files: Counter[File] = field(default_factory=Counter)
    readings: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """event_id, component_name, offset_microseconds"""
    verdicts: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """event_id to submission_id, verdict, reason"""
    violations: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """event_id, code of the standard, subject"""
    dead_letters: Counter[bytes | None] = field(default_factory=Counter)
    drifting: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)
    _last_times: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)

    def sent(self, messages: Iterable[Message]) -> None:
        """Messages of one key must come in the order in which they were sent."""
        for topic, _, value in messages:
            event = _read(topic, value)
            if event is None:
                self.dead_letters[value] += 1
            elif event["event_id"] not in self._seen:
                self._seen.add(event["event_id"])
                {FILES: self._files, CLOCKS: self._reading, SUBMISSIONS: self._submission}[topic](event)

    @property
    def rows(self) -> int:
        """Rows of the three tables that records become."""
        return self.files.total() + self.readings.total() + len(self.verdicts)

    def _files(self, event: dict[str, Any]) -> None:
        event_id, host = event["event_id"], event["host"]
        for file in event["files"]:
            path, mtime, ctime = file["file_path"], file["mtime_ns"], file["ctime_ns"]
            self.files[event_id, host, path, file["atime_ns"], mtime, ctime] += 1
            if mtime > ctime:
                self.violations[event_id, "TS-MTIME-AFTER-CTIME", f"{host}:{path}"] += 1
            previous = self._last_times.get((host, path))
            if previous is not None and previous[0] != mtime and previous[1] == ctime:
                self.violations[event_id, "TS-MTIME-CHANGED-CTIME-NOT", f"{host}:{path}"] += 1
            self._last_times[host, path] = mtime, ctime

    def _reading(self, event: dict[str, Any]) -> None:
        component, offset = event["component_name"], event["offset_microseconds"]
        self.readings[event["event_id"], component, offset] += 1
        if abs(offset) > _DRIFTING_MICROSECONDS:
            self.violations[event["event_id"], "CLK-OFFSET", component] += 1
            self.drifting.add(component)

    def _submission(self, event: dict[str, Any]) -> None:
        name, (document,) = event["submission_id"], event["documents"]
        content = json.dumps(event["documents"], sort_keys=True)
        if self._owners.setdefault(name, content) != content:
            self.violations[event["event_id"], "SUB-CONFLICT", name] += 1
            self.verdicts[event["event_id"]] = name, "rejected", "conflict"
        elif document["metadata"]["version"].count(".") != 2:
            self.violations[event["event_id"], "SUB-META-001", document["path"]] += 1
            self.verdicts[event["event_id"]] = name, "rejected", "checks_failed"
        else:
            self.verdicts[event["event_id"]] = name, "accepted", "all_checks_passed"


def _read(topic: str, value: bytes | None) -> dict[str, Any] | None:
    try:
        event = json.loads(value or b"")
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.keys() >= _REQUIRED[topic] else None
