"""filesystem-timestamps.v1: every file held against the standards and against its own past."""

from collections.abc import Mapping, Sequence
from time import perf_counter

from schemas.events import FilesystemTimestamps, FileTimes
from streams.flows.file_history import FileHistory, Foreseen, path_keys
from streams.flows.file_neighbours import Neighbours, neighbours_of, of_host
from streams.identity import digest_of, id_of
from streams.judges import standards
from streams.judges.host_clock import UNKNOWN_CLOCK
from streams.judges.timestamps import NOTHING_FOUND, Capture, VolumePrecision, is_plain, judge_capture
from streams.plan import Plan, Record
from streams.settings import Settings
from streams.standards.ruleset import Ruleset
from streams.store import rows
from streams.store.recall import Recall
from streams.times import microseconds
from streams.violations import add_findings

_LOG_APPEND_TIME = 1
"""Kafka's name for a record's timestamp that the broker set and no producer can."""


class FilesystemFlow:
    """Remembers the newest record of each path within a bound; the database knows the rest."""

    topic = "filesystem-timestamps.v1"
    model = FilesystemTimestamps

    def __init__(
        self, recall: Recall, remembered_paths: int, *, with_history: bool = True, unwritten_batches: int = 8
    ) -> None:
        """`unwritten_batches` may be on their way to the database at once: their paths are never forgotten."""
        self._history = FileHistory(recall, remembered_paths, unwritten_batches) if with_history else None
        self._precision = VolumePrecision()
        self._recall = recall
        self._neighbours: Neighbours = {}

    @classmethod
    def of(cls, settings: Settings, recall: Recall) -> "FilesystemFlow":
        """The flow of a worker with these settings."""
        return cls(
            recall,
            settings.file_state_cache,
            with_history=settings.file_history,
            unwritten_batches=2 * settings.queued_groups + 3,
        )

    async def foresee(self, events: Sequence[tuple[Record, FilesystemTimestamps]]) -> Foreseen | None:
        """Look up the newest record of every path of the batch that memory does not know now."""
        if self._history is None:
            return None
        return await self._history.foresee([event for _, event in events])

    async def recall(
        self, events: Sequence[tuple[Record, FilesystemTimestamps]], foreseen: Foreseen | None = None
    ) -> None:
        """Look up what memory lacks: newest records of the batch's paths, clocks of its hosts, whom a file mimics."""
        if self._history is not None:
            captures = [event for _, event in events]
            await self._history.recall(captures, foreseen)
            self._neighbours = await neighbours_of(self._recall, captures, self._history.newest)

    def judge(self, record: Record, event: FilesystemTimestamps, rules: Ruleset, now_us: int) -> Plan:
        """One row a file, and what each file breaks."""
        captured_at_us = microseconds(event.captured_at)
        history = self._history
        shared = rows.file_shared(event, captured_at_us, record.partition, record.offset)
        plan = Plan(record, anchor_table="filesystem_timestamps")
        file_rows = plan.rows["filesystem_timestamps"] = []
        started = perf_counter()
        keys = (
            path_keys(record, event, captured_at_us) if history is None else history.keys(record, event, captured_at_us)
        )
        previous = [None] * len(keys) if history is None else [history.newest(key) for key in keys]
        learned_ns = self._precision.learn(event.host, event.filesystem_type, event.files)
        plain = is_plain(event.files, captured_at_us, previous) and record.timestamp_type != _LOG_APPEND_TIME
        if plain and not self._neighbours:
            judged = NOTHING_FOUND
        else:
            capture = self._capture(record, event, captured_at_us, learned_ns)
            judged = judge_capture(event.files, previous, capture, rules.builtins)
        cause = _cause(event, captured_at_us)
        for index, (file, key) in enumerate(zip(event.files, keys, strict=True)):
            row_id = id_of(f"{cause}\0{index}")
            file_rows.append(rows.file_row(row_id, file, key, event, shared))
            plan.anchor = plan.anchor or row_id
            findings = standards.judge_file(file, event, rules)
            if index in judged.findings:
                findings += judged.findings[index]
            if findings:
                add_findings(
                    plan,
                    findings,
                    cause=row_id,
                    event_id=event.event_id,
                    event_time_us=captured_at_us,
                    detected_at_us=now_us,
                    ruleset_revision=rules.revision,
                )
        if history is not None:
            history.remember(keys, event.files, captured_at_us, record)
        plan.indeterminate = judged.indeterminate
        plan.lookup_seconds = perf_counter() - started
        return plan

    def _capture(
        self, record: Record, event: FilesystemTimestamps, captured_at_us: int, learned_ns: Mapping[int | None, int]
    ) -> Capture:
        appended = record.timestamp_type == _LOG_APPEND_TIME
        return Capture(
            event.host,
            captured_at_us,
            event.platform,
            event.filesystem_type,
            UNKNOWN_CLOCK if self._history is None else self._history.clock(event.host),
            appended_ns=record.timestamp * 1_000_000 if appended else None,
            learned_ns=learned_ns,
            topic=record.topic,
            neighbours=of_host(self._neighbours, event.host),
        )

    def forget(self) -> None:
        """Drop the baselines; the database has them."""
        if self._history is not None:
            self._history.forget()


def _cause(event: FilesystemTimestamps, captured_at_us: int) -> str:
    """What the ids of an event's rows are made of: all that it says, so that an event id used twice loses nothing.

    Two events share either all their rows or none, and the first row's id tells whether an event is stored.
    """
    files = event.files
    said = _said(files[0]) if len(files) == 1 else "\0".join([_said(file) for file in files])
    return f"file\0{event.event_id.lower()}\0{event.host}\0{captured_at_us}\0{digest_of(said)}"


def _said(file: FileTimes) -> str:
    return f"{file.file_path}\0{file.atime_ns}\0{file.mtime_ns}\0{file.ctime_ns}"
