"""What became of everything that was sent: read from the database, the output topics and the worker's metrics."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from demo.gauges import Snapshot
from demo.scratch import Tampering
from demo.wire import Wire
from schemas.findings import SEVERITIES
from streams.kafka.dead_letters import SUFFIX
from streams.kafka.topics import INPUTS
from streams.settings import Settings
from streams.store.database import Database
from streams.store.transaction import TABLES

_EXAMPLES = 3
_SEVERITIES = list(SEVERITIES)
_TIMESTOMPING = "timestomping"
FATES = ("stored", "duplicate", "dead_lettered")


@dataclass(slots=True)
class BrokenStandard:
    """One standard that was broken, and some of those that broke it."""

    code: str
    category: str
    severity: str
    """The highest that was given: gates lower some of them."""
    count: int = 0
    examples: list[tuple[str, str | None]] = field(default_factory=list)
    """(subject, observed), of different subjects."""


@dataclass(frozen=True, slots=True)
class Found:
    """One tampering and the standards that found it."""

    tampering: Tampering
    codes: tuple[str, ...]

    @property
    def as_expected(self) -> bool:
        """Whether the rules saw what they should see; what they do not cover may go unseen, and may not."""
        return self.tampering.expected is None or self.tampering.expected in self.codes


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything the report shows of the stream."""

    sent: Mapping[str, int]
    fates: Mapping[tuple[str, str], int]
    """(input topic, what became of its records) to records, as the worker counts them."""
    rows: Mapping[str, int]
    broken: list[BrokenStandard]
    measured_violations: int
    """Violations of the events that were sent to be measured; not among `broken`."""
    found: list[Found]
    accused_honest: list[str]
    """Honest files of the scratch tree that a timestomping rule accuses; a note (info) is no accusation."""
    alerts: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    dead_letters: Mapping[tuple[str, str], int]
    """(input topic, reason) to records."""


class Reader:
    """Reads the outcome; table sizes are counted from where they were when it was made."""

    def __init__(self, wire: Wire, database: Database, settings: Settings) -> None:
        self._wire = wire
        self._database = database
        self._settings = settings
        self._rows_before: Mapping[str, int] = {}
        self.violations: list[ConsumerRecord] = []

    async def begin(self) -> None:
        """Count the rows that are there before anything is sent."""
        self._rows_before = await self._rows()

    async def read(
        self,
        metrics: Snapshot,
        tamperings: Iterable[Tampering],
        honest: Collection[str],
        measured_events: Collection[str],
    ) -> Outcome:
        """Read everything that the agents wrote and announced.

        Args:
            metrics: the worker's.
            tamperings: what was done to the scratch tree.
            honest: paths of files that nobody tampered with.
            measured_events: ids of the events that were sent to be measured.
        """
        self.violations = await self._wire.read("violations.v1")
        # Announced at least once: a repeated one has the same id.
        violations = list({v["id"]: v for v in (orjson.loads(record.value) for record in self.violations)}.values())
        real = [violation for violation in violations if violation["event_id"] not in measured_events]
        codes = _timestomping_by_path(real)
        accused = _timestomping_by_path(violation for violation in real if violation["severity"] != "info")
        rows = await self._rows()
        return Outcome(
            sent=dict(self._wire.sent),
            fates=self._fates(metrics),
            rows={table: rows[table] - self._rows_before[table] for table in rows},
            broken=_broken(real),
            measured_violations=len(violations) - len(real),
            found=[Found(tampering, codes.get(str(tampering.path), ())) for tampering in tamperings],
            accused_honest=[path for path in honest if path in accused],
            alerts=[orjson.loads(record.value) for record in await self._wire.read("drift-alerts.v1")],
            verdicts=[orjson.loads(record.value) for record in await self._wire.read("verdicts.v1")],
            dead_letters=await self._dead_letters(),
        )

    async def _rows(self) -> dict[str, int]:
        tables = [*TABLES, "outbox"]
        counts = {}
        for table in tables:
            found = await self._database.fetch_all(f"SELECT COUNT(*) AS n FROM {table}")  # noqa: S608 - our own names
            counts[table] = int(found[0]["n"])
        return counts

    def _fates(self, metrics: Snapshot) -> dict[tuple[str, str], int]:
        counted = metrics.labelled("cockpit_records_total", "topic", "outcome")
        return {
            (topic, fate): counted.get((self._settings.topic(topic), fate), 0) for topic in INPUTS for fate in FATES
        }

    async def _dead_letters(self) -> dict[tuple[str, str], int]:
        reasons: Counter[tuple[str, str]] = Counter()
        for topic in INPUTS:
            for record in await self._wire.read(topic + SUFFIX):
                reasons[topic, dict(record.headers)["dlq.reason"].decode()] += 1
        return reasons


def _broken(violations: Iterable[Mapping[str, Any]]) -> list[BrokenStandard]:
    by_code: dict[str, BrokenStandard] = {}
    for violation in violations:
        code = violation["standard_code"]
        standard = by_code.setdefault(code, BrokenStandard(code, violation["category"], violation["severity"]))
        standard.count += 1
        standard.severity = max(standard.severity, violation["severity"], key=_SEVERITIES.index)
        subjects = [subject for subject, _ in standard.examples]
        if len(subjects) < _EXAMPLES and violation["subject"] not in subjects:
            standard.examples.append((violation["subject"], violation["observed"]))
    return sorted(by_code.values(), key=lambda standard: (-standard.count, standard.code))


def _timestomping_by_path(violations: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    codes: dict[str, set[str]] = defaultdict(set)
    for violation in violations:
        if violation["category"] == _TIMESTOMPING:
            codes[violation["evidence"]["file_path"]].add(violation["standard_code"])
    return {path: tuple(sorted(found)) for path, found in codes.items()}


def disappointments(
    outcome: Outcome,
    files: int,
    expected_verdicts: Mapping[str, list[str]],
    expected_dead_letters: Mapping[tuple[str, str], int],
) -> list[str]:
    """What should have happened and did not, one line each; empty when all is well.

    `files` is how many were captured; `expected_verdicts` maps a submission_id to the verdicts that it must get,
    in their order.
    """
    lines = []
    for topic, sent in outcome.sent.items():
        counted = sum(outcome.fates[topic, fate] for fate in FATES)
        if counted != sent:
            lines.append(f"{topic}: {sent} records were sent, but {counted} are accounted for")
    if outcome.rows["filesystem_timestamps"] != files:
        lines.append(f"{files} files were captured, but {outcome.rows['filesystem_timestamps']} are stored")
    announced = sum(standard.count for standard in outcome.broken) + outcome.measured_violations
    if announced != outcome.rows["metadata_violations"]:
        lines.append(f"violations: {outcome.rows['metadata_violations']} are stored, but {announced} were announced")
    lines += [f"{f.tampering.path}: {f.tampering.expected} did not find it" for f in outcome.found if not f.as_expected]
    lines += [f"{path}: is honest and was accused" for path in outcome.accused_honest]
    for submission_id, verdicts in expected_verdicts.items():
        given = [verdict["verdict"] for verdict in outcome.verdicts if verdict["submission_id"] == submission_id]
        if given != verdicts:
            lines.append(f"submission {submission_id}: got the verdicts {given} and not {verdicts}")
    if outcome.dead_letters != expected_dead_letters:
        lines.append(f"dead letters: {dict(outcome.dead_letters)} and not {dict(expected_dead_letters)}")
    return lines
