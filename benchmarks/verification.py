"""Whether a contestant has stored exactly what was sent, up to the offsets that it has committed."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate
from operator import add, xor
from typing import Any
from zlib import crc32

from benchmarks.contestants import Contestant
from benchmarks.load import PARTITIONS, Load
from benchmarks.stack import BenchStack
from schemas.events import FilesystemTimestamps
from streams.judges import standards
from streams.judges.timestamps import Capture, judge_capture
from streams.standards.catalog import seed_standards
from streams.standards.ruleset import Ruleset
from streams.times import microseconds

COMPARED_OFFSETS = 100
"""The first records of every partition, whose rows are compared between contestants column by column."""
_UNLIKE = {
    "filesystem_timestamps": ("recorded_at",),
    "metadata_violations": ("detected_at", "created_at", "updated_at"),
}
"""Columns that depend on when a row was written."""


class Expectation:
    """What a topic that holds events 0 to `count` must become, for any number of records of each partition."""

    def __init__(self, load: Load, count: int, starts: list[int] | None = None) -> None:
        self._load = load
        self._starts = starts or [0] * PARTITIONS
        self.files = count * load.files_per_event
        self._numbers: list[list[int]] = [[] for _ in range(PARTITIONS)]
        for number in range(count):
            self._numbers[load.partition(number)].append(number)
        self.last_ids = [load.event(numbers[-1]).row_ids[-1] for numbers in self._numbers if numbers]
        self.last_event_ids = [load.event(numbers[-1]).event_id for numbers in self._numbers if numbers]

    @property
    def records(self) -> list[int]:
        """How many records each partition holds."""
        return [len(numbers) for numbers in self._numbers]

    @cached_property
    def _rules(self) -> Ruleset:
        return Ruleset.compile([spec.to_standard() for spec in seed_standards()], 1, datetime.now(UTC))

    @cached_property
    def _row_marks(self) -> list[list[int]]:
        """For each partition and number of records: all row ids, in one number."""
        return [self._running(xor, self._mark_of, numbers) for numbers in self._numbers]

    @cached_property
    def _violations(self) -> list[list[int]]:
        return [self._running(add, self._violations_of, numbers) for numbers in self._numbers]

    @staticmethod
    def _running(join: Callable[[int, int], int], of: Callable[[int], int], numbers: list[int]) -> list[int]:
        return list(accumulate((of(number) for number in numbers), join, initial=0))

    def _mark_of(self, number: int) -> int:
        mark = 0
        for row_id in self._load.event(number).row_ids:
            mark ^= crc32(row_id.encode())
        return mark

    def _violations_of(self, number: int) -> int:
        return len(judge(self._load.event(number).value, self._rules)) if self._load.violates(number) else 0

    def problems(self, stack: BenchStack, contestant: Contestant, committed: list[int]) -> list[str]:
        """What differs from the expectation, in words; nothing when all is well."""
        found: list[str] = []
        with stack.connect() as connection, connection.cursor() as cursor:
            for partition, (start, end) in enumerate(zip(self._starts, committed, strict=True)):
                records = max(0, end - start)
                where = f"WHERE source_partition = {partition} AND source_offset BETWEEN {start} AND {end - 1}"
                cursor.execute(f"SELECT COUNT(*), COALESCE(BIT_XOR(CRC32(id)), 0) FROM filesystem_timestamps {where}")
                rows, mark = cursor.fetchone()
                cursor.execute(f"SELECT COUNT(*) FROM metadata_violations {where}")
                (violations,) = cursor.fetchone()
                said = f"{contestant.name}: partition {partition}, {records} records committed"
                if rows != records * self._load.files_per_event:
                    found.append(f"{said}: {rows} rows of files, not {records * self._load.files_per_event}")
                elif contestant.is_floor:
                    continue
                elif mark != self._row_marks[partition][records]:
                    found.append(f"{said}: the ids of the rows are not those of the events sent")
                if violations != self._violations[partition][records]:
                    found.append(f"{said}: {violations} violations, not {self._violations[partition][records]}")
        return found


def judge(value: bytes, rules: Ruleset) -> list[Any]:
    """The findings in one event by the product's judges, for files that were never seen before."""
    event = FilesystemTimestamps.model_validate_json(value)
    capture = Capture(event.host, microseconds(event.captured_at), event.platform, event.filesystem_type)
    judged = judge_capture(event.files, [None] * len(event.files), capture, rules.builtins)
    return [
        finding
        for index, file in enumerate(event.files)
        for finding in (*standards.judge_file(file, event, rules), *judged.findings.get(index, ()))
    ]


def contents(stack: BenchStack, committed: list[int]) -> str | None:
    """A text that two contestants share when their first rows are equal; None when a partition has too few."""
    if min(committed) < COMPARED_OFFSETS:
        return None
    marks = []
    with stack.connect() as connection, connection.cursor() as cursor:
        for table, unlike in _UNLIKE.items():
            cursor.execute(f"SHOW COLUMNS FROM {table}")
            columns = [row[0] for row in cursor.fetchall() if row[0] not in unlike]
            joined = ", ".join(f"COALESCE({column}, 'NULL')" for column in columns)
            cursor.execute(
                f"SELECT COUNT(*), COALESCE(BIT_XOR(CRC32(CONCAT_WS('|', {joined}))), 0) FROM {table}"
                f" WHERE source_offset < {COMPARED_OFFSETS}"
            )
            rows, mark = cursor.fetchone()
            marks.append(f"{table}: {rows} rows, {int(mark):08x}")
    return "; ".join(marks)
