"""filesystem-timestamps.v1: every file held against the standards and against its own past."""

from collections.abc import Mapping, Sequence
from itertools import islice
from time import perf_counter
from typing import NamedTuple

from schemas.events import FilesystemTimestamps, FileTimes
from streams.flows.file_history import FileHistory, Foreseen, path_keys
from streams.flows.file_neighbours import Neighbours, neighbours_of, of_host
from streams.flows.one_by_one import one_by_one
from streams.identity import digest_of, id_of
from streams.judges import standards
from streams.judges.findings import Finding
from streams.judges.host_clock import UNKNOWN_CLOCK
from streams.judges.timestamps import (
    NOTHING_FOUND,
    Capture,
    Judgement,
    States,
    VolumePrecision,
    is_plain,
    judge_capture,
)
from streams.judges.timestamps import judge_in_slices as judge_capture_in_slices
from streams.plan import Plan, Record
from streams.settings import Settings
from streams.slices import Slices
from streams.standards.ruleset import Ruleset
from streams.store import rows
from streams.store.recall import Recall
from streams.times import microseconds
from streams.violations import add_findings

_LOG_APPEND_TIME = 1
"""Kafka's name for a record's timestamp that the broker set and no producer can."""


class _Seen(NamedTuple):
    """An event, and what was known of its files before it."""

    record: Record
    event: FilesystemTimestamps
    captured_at_us: int
    keys: list[bytes]
    previous: States
    learned_ns: Mapping[int | None, int]


class FilesystemFlow:
    """Remembers the newest record of each path within a bound; the database knows the rest."""

    topic = "filesystem-timestamps.v1"
    model = FilesystemTimestamps

    def __init__(
        self,
        recall: Recall,
        remembered_paths: int,
        *,
        known_paths: int = 0,
        with_history: bool = True,
        unwritten_batches: int = 8,
    ) -> None:
        """The records of `remembered_paths` are in memory; of up to `known_paths` it is known that they have any.

        `unwritten_batches` may be on their way to the database at once: their paths are never forgotten.
        """
        self._history = FileHistory(recall, remembered_paths, unwritten_batches, known_paths) if with_history else None
        self._precision = VolumePrecision()
        self._recall = recall
        self._neighbours: Neighbours = {}

    @classmethod
    def of(cls, settings: Settings, recall: Recall) -> "FilesystemFlow":
        """The flow of a worker with these settings."""
        return cls(
            recall,
            settings.file_state_cache,
            known_paths=settings.file_known_paths,
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

    def judge_all(
        self, events: Sequence[tuple[Record, FilesystemTimestamps]], rules: Ruleset, now_us: int
    ) -> list[Plan]:
        """A plan for each event, in their order.

        Each step is taken for all events before the next one is: the few instructions of a step and what they read
        stay in the core's nearest cache, which is a quarter of the time of going through all steps event by event.
        """
        seen = [self._against_its_past(record, event) for record, event in events]
        try:
            return self._plans(seen, rules, now_us)
        except Exception:  # noqa: BLE001  # whose bug it is shows one by one
            return one_by_one(lambda _, one: self._plans([one], rules, now_us)[0], [(one.record, one) for one in seen])

    def judge(self, record: Record, event: FilesystemTimestamps, rules: Ruleset, now_us: int) -> Plan:
        """One row a file, and what each file breaks."""
        return self._plans([self._against_its_past(record, event)], rules, now_us)[0]

    def judge_in_slices(self, record: Record, event: FilesystemTimestamps, rules: Ruleset, now_us: int) -> Slices[Plan]:
        """`judge`, of a large capture, with a pause after each file."""
        one = self._against_its_past(record, event)
        yield
        capture = self._capture(one)
        judgement = yield from judge_capture_in_slices(event.files, one.previous, capture, rules.builtins)
        row_ids = _row_ids(event, one.captured_at_us)
        plan = Plan(record, row_ids[0], "filesystem_timestamps", indeterminate=judgement.indeterminate)
        plan.rows["filesystem_timestamps"] = _file_rows(one, row_ids)
        yield
        started = perf_counter()
        suspects = standards.suspicious_files([(file, event) for file in event.files], rules)
        plan.lookup_seconds = perf_counter() - started
        for index, (row_id, file) in enumerate(zip(row_ids, event.files, strict=True)):
            started = perf_counter()
            found = standards.judge_file(file, event, rules) if index in suspects else []
            plan.lookup_seconds += perf_counter() - started
            if found := found + judgement.findings.get(index, []):
                _add(plan, found, one, row_id, rules, now_us)
            yield
        return plan

    def _against_its_past(self, record: Record, event: FilesystemTimestamps) -> _Seen:
        """What is remembered of an event's files and volumes; and they are remembered."""
        captured_at_us, files = microseconds(event.captured_at), event.files
        learned_ns = self._precision.learn(event.host, event.filesystem_type, files)
        previous: States = [None] * len(files)
        if self._history is None:
            keys = path_keys(record, event, captured_at_us)
        else:
            keys, previous = self._history.pass_on(record, event, captured_at_us)
        return _Seen(record, event, captured_at_us, keys, previous, learned_ns)

    def _plans(self, seen: Sequence[_Seen], rules: Ruleset, now_us: int) -> list[Plan]:
        judged = [self._judgement(one, rules) for one in seen]
        ids = [_row_ids(one.event, one.captured_at_us) for one in seen]
        written = [_file_rows(one, row_ids) for one, row_ids in zip(seen, ids, strict=True)]
        broken, seconds = _broken_standards(seen, rules)
        plans = []
        for one, judgement, row_ids, literals, findings in zip(seen, judged, ids, written, broken, strict=True):
            plan = Plan(one.record, row_ids[0], "filesystem_timestamps", {"filesystem_timestamps": literals})
            plan.lookup_seconds = seconds * len(row_ids)
            plan.indeterminate = judgement.indeterminate
            for index, (row_id, found) in enumerate(zip(row_ids, findings, strict=True)):
                if index in judgement.findings:
                    found = found + judgement.findings[index]
                if found:
                    _add(plan, found, one, row_id, rules, now_us)
            plans.append(plan)
        return plans

    def _judgement(self, one: _Seen, rules: Ruleset) -> Judgement:
        record, event = one.record, one.event
        appended = record.timestamp_type == _LOG_APPEND_TIME
        if not (appended or self._neighbours) and is_plain(event.files, one.captured_at_us, one.previous):
            return NOTHING_FOUND
        return judge_capture(event.files, one.previous, self._capture(one), rules.builtins)

    def _capture(self, one: _Seen) -> Capture:
        record, event = one.record, one.event
        return Capture(
            event.host,
            one.captured_at_us,
            event.platform,
            event.filesystem_type,
            UNKNOWN_CLOCK if self._history is None else self._history.clock(event.host),
            appended_ns=record.timestamp * 1_000_000 if record.timestamp_type == _LOG_APPEND_TIME else None,
            learned_ns=one.learned_ns,
            topic=record.topic,
            neighbours=of_host(self._neighbours, event.host),
        )

    def forget(self) -> None:
        """Drop the baselines; the database has them."""
        if self._history is not None:
            self._history.forget()


def _add(plan: Plan, found: Sequence[Finding], one: _Seen, row_id: str, rules: Ruleset, now_us: int) -> None:
    add_findings(
        plan,
        found,
        cause=row_id,
        event_id=one.event.event_id,
        event_time_us=one.captured_at_us,
        detected_at_us=now_us,
        ruleset_revision=rules.revision,
    )


def _row_ids(event: FilesystemTimestamps, captured_at_us: int) -> list[str]:
    """Made of all that an event says, so that an event id used twice loses nothing.

    Two events share either all their rows or none, and the first row's id tells whether an event is stored.
    """
    files = event.files
    said = _said(files[0]) if len(files) == 1 else "\0".join([_said(file) for file in files])
    cause = f"file\0{event.event_id.lower()}\0{event.host}\0{captured_at_us}\0{digest_of(said)}\0"
    return [id_of(f"{cause}{index}") for index in range(len(files))] if len(files) > 1 else [id_of(cause + "0")]


def _said(file: FileTimes) -> str:
    return f"{file.file_path}\0{file.atime_ns}\0{file.mtime_ns}\0{file.ctime_ns}"


def _file_rows(one: _Seen, row_ids: Sequence[str]) -> list[str]:
    event = one.event
    shared = rows.file_shared(event, one.captured_at_us, one.record.partition, one.record.offset)
    return [
        rows.file_row(row_id, file, key, event, shared)
        for row_id, file, key in zip(row_ids, event.files, one.keys, strict=True)
    ]


def _broken_standards(seen: Sequence[_Seen], rules: Ruleset) -> tuple[list[list[list[Finding]]], float]:
    """What each file of each event breaks, and how many seconds it took to see that for a file."""
    started = perf_counter()
    captured = [(file, one.event) for one in seen for file in one.event.files]
    suspects = standards.suspicious_files(captured, rules)
    found = iter(
        [
            standards.judge_file(file, event, rules) if index in suspects else []
            for index, (file, event) in enumerate(captured)
        ]
    )
    broken = [list(islice(found, len(one.event.files))) for one in seen]
    return broken, (perf_counter() - started) / len(captured)
