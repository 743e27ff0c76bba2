"""Stored history judged again under rules as they are now: what they would have found is recorded, tagged as replay.

Rows are read page by page and no offset of Kafka is touched. A violation has the id that the stream would have given
it, so what is recorded stays as it is, and a replay that runs twice changes nothing the second time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import uuid4

from schemas.events import ClockReading, FilesystemTimestamps, Submission
from streams.identity import derived_id
from streams.judges import standards as judge
from streams.judges.findings import Finding
from streams.judges.trials import trials_of
from streams.plan import Plan, Violated
from streams.settings import Settings
from streams.standards.fields import AppliesTo
from streams.standards.ruleset import Ruleset
from streams.standards.standard import Standard
from streams.store import replays, stored_events
from streams.store.database import Database
from streams.store.stored_events import TOPICS, StoredEvent
from streams.times import microseconds
from streams.violations import add_findings


@dataclass(frozen=True, slots=True)
class Request:
    """Which rules are held against which stored events; `actor` is None for a dry run, which writes nothing."""

    standards: tuple[Standard, ...]
    since: datetime
    until: datetime
    actor: str | None
    revision: int
    page_rows: int = 1000


@dataclass(slots=True)
class Tally:
    """How far a replay has come with one kind of event, and what it found."""

    applies_to: AppliesTo
    stored: int
    read: int = 0
    judged: int = 0
    unjudgeable: int = 0
    violations: int = 0
    recorded: int = 0
    """New violations: written, or in a dry run those that would be."""
    passing: int = 0
    """Recorded violations of these standards that the rules would not find now."""
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _PastRecord:
    """Where the event stood in Kafka: what a violation names as its source."""

    topic: str
    partition: int
    offset: int
    timestamp: int = 0
    timestamp_type: int | None = None
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


_EXAMPLES = 5


async def replay(
    database: Database, settings: Settings, request: Request, progress: Callable[[Tally], None]
) -> list[Tally]:
    """Judge every stored event of the span; `progress` is called after each page."""
    replay_id = str(uuid4())
    if request.actor is not None:
        rules = " ".join(f"{standard.code}@{standard.version}" for standard in request.standards)
        span = (request.since, request.until)
        await replays.begin(database, replay_id, rules, span, request.actor, request.revision)
    tallies: list[Tally] = []
    kinds = {standard.applies_to for standard in request.standards}
    for applies_to in (kind for kind in get_args(AppliesTo) if kind in kinds):
        tally = Tally(applies_to, await stored_events.count(database, applies_to))
        tallies.append(tally)
        pages = _Pages(database, settings, applies_to, request, replay_id)
        after = ""
        while page := await stored_events.page(database, applies_to, after, request.page_rows):
            after = page[-1].id
            await pages.judge(page, tally, tallies)
            progress(tally)
    if request.actor is not None:
        await replays.finish(database, replay_id)
    return tallies


class _Pages:
    """Judges pages of rows of one kind."""

    def __init__(
        self, database: Database, settings: Settings, applies_to: AppliesTo, request: Request, replay_id: str
    ) -> None:
        self._database = database
        self._topic = settings.topic(TOPICS[applies_to])
        self._reopen_seconds = settings.incident_reopen_seconds
        self._request = request
        self._replay_id = replay_id
        always = [replace(s, status="active", effective_from=None, effective_until=None) for s in request.standards]
        self._rules = Ruleset.compile(always, request.revision, datetime.now(UTC))
        self._by_code = {standard.code: standard for standard in request.standards}

    async def judge(self, page: Iterable[StoredEvent], tally: Tally, tallies: list[Tally]) -> None:
        found: dict[str, tuple[str, Violated]] = {}
        judged: list[str] = []
        for stored in page:
            tally.read += 1
            if not self._request.since <= stored.event_time < self._request.until:
                continue
            if stored.event is None:
                tally.unjudgeable += 1
                continue
            tally.judged += 1
            judged += self._possible_ids(stored, tally.applies_to)
            for literal, violated in self._violations(stored):
                found[violated.id] = (literal, violated)
        known = await replays.known_violations(self._database, judged)
        new = [violation_id for violation_id in found if violation_id not in known]
        tally.violations += len(found)
        tally.recorded += len(new)
        tally.passing += len(known - found.keys())
        tally.examples += [found[violation_id][1].subject for violation_id in new[: _EXAMPLES - len(tally.examples)]]
        if self._request.actor is not None:
            totals = sum(t.judged for t in tallies), sum(t.recorded for t in tallies)
            reopen_seconds = self._reopen_seconds
            await replays.record(
                self._database, self._replay_id, [found[each] for each in new], *totals, reopen_seconds=reopen_seconds
            )

    def _violations(self, stored: StoredEvent) -> Iterable[tuple[str, Violated]]:
        """Row literals of what the rules that were in force at the event's time find in it."""
        for cause, findings in _findings(stored, self._rules):
            for finding in findings:
                if not _covers(self._by_code[finding.standard.code], stored.event_time):
                    continue
                plan = Plan(_PastRecord(self._topic, stored.partition, stored.offset))
                tagged = finding._replace(evidence={**finding.evidence, "replay": self._replay_id})
                add_findings(
                    plan,
                    [tagged],
                    cause=cause,
                    event_id=stored.event_id,
                    event_time_us=microseconds(stored.event_time),
                    detected_at_us=microseconds(datetime.now(UTC)),
                    ruleset_revision=self._request.revision,
                )
                yield plan.rows["metadata_violations"][0], plan.violations[0]

    def _possible_ids(self, stored: StoredEvent, applies_to: AppliesTo) -> list[str]:
        """The ids that violations of these standards by this row have, whether there are any or not."""
        assert stored.event is not None
        standards = [standard for standard in self._request.standards if standard.applies_to == applies_to]
        subjects = [trial.subject for trial in trials_of(stored.event)]
        return [
            derived_id(f"{stored.id}/{place}" if applies_to == "submission" else stored.id, s.code, s.field, subject)
            for place, subject in enumerate(subjects)
            for s in standards
        ]


def _findings(stored: StoredEvent, rules: Ruleset) -> Iterable[tuple[str, list[Finding]]]:
    """What the rules find, with the cause that the stream names for it."""
    event: Any = stored.event
    if isinstance(event, FilesystemTimestamps):
        yield stored.id, judge.judge_file(event.files[0], event, rules)
    elif isinstance(event, ClockReading):
        yield stored.id, judge.judge_reading(event, rules)
    elif isinstance(event, Submission):
        for place, document in enumerate(event.documents):
            evidence = {"submission_id": event.submission_id, "document": place}
            failed = [r for r in judge.check_document(document, event, rules) if r.status == "fail"]
            yield f"{stored.id}/{place}", [judge.finding_of(result, document.path, evidence) for result in failed]


def _covers(standard: Standard, moment: datetime) -> bool:
    begun = standard.effective_from is None or standard.effective_from <= moment
    return begun and (standard.effective_until is None or moment < standard.effective_until)
