"""filesystem-timestamps.v1: every file held against the standards and against its own past."""

from collections.abc import Sequence
from time import perf_counter

from schemas.events import FilesystemTimestamps, FileTimes
from streams.flows.memory import Memory
from streams.identity import digest_of, id_of, path_key
from streams.judges import standards
from streams.judges.mac_times import Capture, FileState, judge_file
from streams.observability import metrics
from streams.plan import Plan, Record
from streams.standards.ruleset import Ruleset
from streams.store import rows
from streams.store.recall import Recall
from streams.times import microseconds
from streams.violations import add_findings

_BASELINE_AHEAD_US = 3_600_000_000
"""A capture dated more than this after its arrival is stored and judged, but is no baseline: it would make
every later capture look late. The look-up of newest records has the same bound."""


class FilesystemFlow:
    """Remembers the newest record of each path within a bound; the database knows the rest."""

    topic = "filesystem-timestamps.v1"
    model = FilesystemTimestamps

    def __init__(self, recall: Recall, remembered_paths: int) -> None:
        self._recall = recall
        self._newest: Memory[bytes, FileState] = Memory(remembered_paths)

    async def recall(self, events: Sequence[tuple[Record, FilesystemTimestamps]]) -> None:
        """Look up the newest record of every path of the batch that memory lacks."""
        self._newest.trim()
        keys = self._newest.missing(path_key(event.host, file.file_path) for _, event in events for file in event.files)
        found = await self._recall.newest_files(keys)
        for key in keys:
            self._newest.put(key, found.get(key))

    def judge(self, record: Record, event: FilesystemTimestamps, rules: Ruleset, now_us: int) -> Plan:
        """One row a file, and what each file breaks."""
        captured_at_us = microseconds(event.captured_at)
        capture = Capture(event.host, captured_at_us, event.platform, event.filesystem_type)
        shared = rows.file_shared(event, captured_at_us, record.partition, record.offset)
        plan = Plan(record, anchor_table="filesystem_timestamps")
        file_rows = plan.rows["filesystem_timestamps"] = []
        started = perf_counter()
        cause = _cause(event, captured_at_us)
        for index, file in enumerate(event.files):
            row_id = id_of(f"{cause}\0{index}")
            key = path_key(event.host, file.file_path)
            file_rows.append(rows.file_row(row_id, file, key, event, shared))
            plan.anchor = plan.anchor or row_id
            previous = self._newest.get(key)
            findings = [
                *standards.judge_file(file, event, rules),
                *judge_file(file, capture, previous, rules.builtins),
            ]
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
            self._remember(key, file, captured_at_us, record, previous)
        metrics.STANDARDS_LOOKUP.observe(perf_counter() - started)
        return plan

    def _remember(
        self, key: bytes, file: FileTimes, captured_at_us: int, record: Record, previous: FileState | None
    ) -> None:
        """Move the baseline forward, never back: a late or repeated capture leaves it."""
        if captured_at_us > record.timestamp * 1000 + _BASELINE_AHEAD_US:
            return
        if previous is None or previous.captured_at_us < captured_at_us:
            source = (record.partition, record.offset)
            state = FileState(captured_at_us, file.mtime_ns, file.ctime_ns, file.inode, file.device, source)
            self._newest.put(key, state)

    def forget(self) -> None:
        """Drop the baselines; the database has them."""
        self._newest.expire()


def _cause(event: FilesystemTimestamps, captured_at_us: int) -> str:
    """What the ids of an event's rows are made of: all that it says, so that an event id used twice loses nothing.

    Two events share either all their rows or none, and the first row's id tells whether an event is stored.
    """
    said = "\0".join([f"{file.file_path}\0{file.atime_ns}\0{file.mtime_ns}\0{file.ctime_ns}" for file in event.files])
    return f"file\0{event.event_id.lower()}\0{event.host}\0{captured_at_us}\0{digest_of(said)}"
