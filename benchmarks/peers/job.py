"""The job that every peer does: from the bytes of one event to the very rows that the product writes for it.

The models and the judges are the product's pure parts, so that no peer wins or loses by its rules. All around them
is what a good hand would write with the usual libraries: tuples for `executemany`, `uuid.uuid5` for the ids.
"""

from collections.abc import Iterable
from time import time
from typing import Any
from uuid import uuid5

import orjson

from benchmarks.peers.binary import Binary
from schemas.events import FilesystemTimestamps, FileTimes
from streams.identity import NAMESPACE, digest_of, fingerprint, path_key
from streams.judges import standards
from streams.judges.findings import Finding
from streams.judges.timestamps import Capture, judge_capture
from streams.standards.ruleset import Ruleset
from streams.times import clamped_timestamp_text, microseconds, timestamp_text

Row = tuple[Any, ...]

_FILE_COLUMNS = (
    "id, file_path, path_key, atime, mtime, ctime, atime_ns, mtime_ns, ctime_ns, git_commit_sha, git_committed_at, "
    "birthtime_ns, size_bytes, inode, device, sha256, host, captured_at, platform, filesystem_type, event_id, "
    "source_partition, source_offset"
)
_VIOLATION_COLUMNS = (
    "id, standard_id, standard_version, subject, field, observed, expected, severity, fingerprint, evidence, "
    "ruleset_revision, event_id, source_topic, source_partition, source_offset, event_time, detected_at"
)


def _insert(table: str, columns: str) -> str:
    # In one line and with nothing but %s between the brackets: only so does executemany make one statement of many
    # rows. What is there already is left as it is, for every id is derived from its cause.
    values = ", ".join("%s" for _ in columns.split(","))
    return f"INSERT INTO {table} ({columns}) VALUES ({values}) ON DUPLICATE KEY UPDATE id = id"


FILES_SQL = _insert("filesystem_timestamps", _FILE_COLUMNS)
VIOLATIONS_SQL = _insert("metadata_violations", _VIOLATION_COLUMNS)


class Job:
    """Judges events of one topic by one set of rules; knows no previous record of any file."""

    def __init__(self, ruleset: Ruleset, topic: str) -> None:
        self._ruleset = ruleset
        self._topic = topic

    def rows(self, value: bytes, partition: int, offset: int) -> tuple[list[Row], list[Row]]:
        """The rows of `filesystem_timestamps` and of `metadata_violations`; raises ValidationError for a bad event."""
        event = FilesystemTimestamps.model_validate_json(value)
        captured_at_us = microseconds(event.captured_at)
        capture = Capture(event.host, captured_at_us, event.platform, event.filesystem_type)
        cause = _cause(event, captured_at_us)
        shared = (
            event.host,
            timestamp_text(captured_at_us),
            event.platform,
            event.filesystem_type,
            event.event_id,
            partition,
            offset,
        )
        source = (event.event_id, self._topic, partition, offset, timestamp_text(captured_at_us))
        judged = judge_capture(event.files, [None] * len(event.files), capture, self._ruleset.builtins)
        files, violations = [], []
        for index, file in enumerate(event.files):
            row_id = str(uuid5(NAMESPACE, f"{cause}\0{index}"))
            files.append((row_id, *_file_columns(file, event.host), *shared))
            found = [*standards.judge_file(file, event, self._ruleset), *judged.findings.get(index, ())]
            violations += [self._violation(finding, row_id, source) for finding in found]
        return files, violations

    def rows_of(self, records: Iterable[tuple[bytes, int, int]]) -> tuple[list[Row], list[Row]]:
        """The rows of a batch of (value, partition, offset)."""
        files: list[Row] = []
        violations: list[Row] = []
        for value, partition, offset in records:
            of_files, of_violations = self.rows(value, partition, offset)
            files += of_files
            violations += of_violations
        return files, violations

    def _violation(self, finding: Finding, cause: str, source: Row) -> Row:
        standard = finding.standard
        return (
            str(uuid5(NAMESPACE, f"{cause}\0{standard.code}\0{finding.field}\0{finding.subject}")),
            standard.id,
            standard.version,
            finding.subject,
            finding.field,
            finding.observed_clipped,
            finding.expected[:1024],
            finding.severity,
            fingerprint(standard.code, finding.subject, finding.field),
            orjson.dumps(finding.evidence).decode(),
            self._ruleset.revision,
            *source,
            timestamp_text(int(time() * 1_000_000)),
        )


def _file_columns(file: FileTimes, host: str) -> Row:
    committed = None if file.git_committed_at is None else timestamp_text(microseconds(file.git_committed_at))
    return (
        file.file_path,
        Binary(path_key(host, file.file_path)),
        clamped_timestamp_text(file.atime_ns),
        clamped_timestamp_text(file.mtime_ns),
        clamped_timestamp_text(file.ctime_ns),
        file.atime_ns,
        file.mtime_ns,
        file.ctime_ns,
        file.git_commit_sha,
        committed,
        file.birthtime_ns,
        file.size_bytes,
        file.inode,
        file.device,
        file.sha256,
    )


def _cause(event: FilesystemTimestamps, captured_at_us: int) -> str:
    """The name from which the product derives the ids of an event's rows."""
    said = "\0".join([f"{file.file_path}\0{file.atime_ns}\0{file.mtime_ns}\0{file.ctime_ns}" for file in event.files])
    return f"file\0{event.event_id.lower()}\0{event.host}\0{captured_at_us}\0{digest_of(said)}"
