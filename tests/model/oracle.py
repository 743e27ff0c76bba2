"""What the tables must hold, computed in memory from the log of what was sent: nothing of the product is used."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

FILES, CLOCKS, SUBMISSIONS = "filesystem-timestamps.v1", "clock-sync.v1", "submissions.v1"
FORBIDDEN_PREFIX = "/tmp/"
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
"""The two standards in force: no path under /tmp, and a version of three numbers."""


@dataclass(frozen=True)
class Sent:
    """One record of the log; `reason` is that of its dead letter where it is bad."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    reason: str = ""

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.value or b"{}")


def distinct(log: Iterable[Sent], topic: str) -> list[dict[str, Any]]:
    """Each honest event of a topic once, in the order in which it came first."""
    found: dict[str, dict[str, Any]] = {}
    for sent in log:
        if sent.topic == topic and not sent.reason:
            found.setdefault(json.dumps(sent.event, sort_keys=True), sent.event)
    return list(found.values())


def files(log: Iterable[Sent]) -> list[tuple[str, str, str, int]]:
    """Event, host, path and mtime of every row."""
    return sorted(
        (event["event_id"], event["host"], file["file_path"], file["mtime_ns"])
        for event in distinct(log, FILES)
        for file in event["files"]
    )


def readings(log: Iterable[Sent]) -> list[tuple[str, str, int]]:
    return sorted(
        (event["event_id"], event["component_name"], event["offset_microseconds"]) for event in distinct(log, CLOCKS)
    )


def clocks(log: Iterable[Sent]) -> dict[str, int]:
    """The offset that each clock showed last, by the time of its readings and not of their arrival."""
    newest = {}
    for event in sorted(distinct(log, CLOCKS), key=lambda event: event["last_sync_at"]):
        newest[event["component_name"]] = event["offset_microseconds"]
    return newest


def submissions(log: Iterable[Sent]) -> dict[tuple[str, str, bool], tuple[str, str]]:
    """Verdict and reason by submission, version and whether it was a question; the first content of an id owns it."""
    owners: dict[str, str] = {}
    verdicts = {}
    for event in distinct(log, SUBMISSIONS):
        name, version, dry = event["submission_id"], version_of(event), event["dry_run"]
        if (name, version, dry) in verdicts:  # what was answered gets the same answer, whatever came in between
            continue
        if owners.get(name, version) != version:
            verdict = ("rejected", "conflict")
        elif VERSION.fullmatch(version):
            verdict = ("accepted", "all_checks_passed")
        else:
            verdict = ("rejected", "checks_failed")
        if not dry and verdict[1] != "conflict":
            owners[name] = version
        verdicts[name, version, dry] = verdict
    return verdicts


def version_of(event: dict[str, Any]) -> str:
    return str(event["documents"][0]["metadata"]["version"])


def violations(log: Iterable[Sent]) -> list[tuple[str, str]]:
    """Standard and subject of every violation."""
    log = list(log)
    of_files = [
        ("FS-TEST-001", f"{host}:{path}") for _, host, path, _ in files(log) if path.startswith(FORBIDDEN_PREFIX)
    ]
    of_submissions = [
        ("SUB-TEST-001", "docs/a.md")
        for (_, _, dry), (_, reason) in submissions(log).items()
        if reason == "checks_failed" and not dry
    ]
    return sorted(of_files + of_submissions)


def dead(log: Iterable[Sent]) -> dict[tuple[str, int, int], str]:
    """The reason of each bad record, by its place."""
    return {(sent.topic, sent.partition, sent.offset): sent.reason for sent in log if sent.reason}
