"""submissions.v1: one verdict a submission, recorded with its violations in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import orjson

from schemas.events import Submission
from streams.flows.memory import Memory
from streams.flows.one_by_one import one_by_one
from streams.identity import derived_id
from streams.judges.incidents import Waiver
from streams.judges.submissions import Decision, content_sha256, documents_of, judge_conflict, judge_submission
from streams.plan import Announcement, Plan, Record
from streams.slices import Slices, at_one_go
from streams.standards.ruleset import Ruleset
from streams.store import rows
from streams.store.recall import Recall
from streams.times import from_microseconds, microseconds
from streams.violations import add_findings, trace_headers

_REMEMBERED_SUBMISSIONS = 10_000


@dataclass(slots=True)
class Known:
    """What is known of one submission_id."""

    owner: str | None = None
    """content_sha256 of what came first under it."""
    verdicts: dict[str, bytes] = field(default_factory=dict)
    """Row id to the verdict given."""


class SubmissionFlow:
    """Remembers recent verdicts, so that the same submission gets the same answer also before it is stored."""

    topic = "submissions.v1"
    model = Submission

    def __init__(self, recall: Recall) -> None:
        self._recall = recall
        self._known: Memory[str, Known] = Memory(_REMEMBERED_SUBMISSIONS)
        self._waivers: list[Waiver] = []

    async def foresee(self, events: Sequence[tuple[Record, Submission]]) -> None:
        """Nothing: these are few, and looking them up costs little."""

    async def recall(self, events: Sequence[tuple[Record, Submission]], foreseen: None = None) -> None:
        """Look up what was decided under the batch's submission_ids, and what is forgiven."""
        self._waivers = await self._recall.waivers()
        self._known.trim()
        missing = self._known.missing(submission.submission_id for _, submission in events)
        found = {submission_id: Known() for submission_id in missing}
        for row in await self._recall.submissions(missing):
            known = found[row["submission_id"]]
            known.verdicts[row["id"]] = row["verdict_document"].encode()
            if row["claim"] is not None:
                known.owner = row["content_sha256"]
        for submission_id, known in found.items():
            self._known.put(submission_id, known)

    def judge_all(self, events: Sequence[tuple[Record, Submission]], rules: Ruleset, now_us: int) -> list[Plan]:
        """A plan for each event, in their order."""
        return one_by_one(self.judge, events, rules, now_us)

    def judge(self, record: Record, event: Submission, rules: Ruleset, now_us: int) -> Plan:
        """The stored verdict for what was submitted before; otherwise a new one, or a conflict."""
        return at_one_go(self.judge_in_slices(record, event, rules, now_us))

    def judge_in_slices(self, record: Record, event: Submission, rules: Ruleset, now_us: int) -> Slices[Plan]:
        """`judge`, with a pause after each document."""
        content = content_sha256(event)
        row_id = derived_id("submission", event.submission_id, content, event.dry_run)
        plan = Plan(record, row_id, "submissions")
        known = self._known.get(event.submission_id) or Known()
        if (given := known.verdicts.get(row_id)) is not None:
            plan.duplicate = True
            plan.announcements.append(_announcement(plan, event, given))
            return plan
        if known.owner not in (None, content):
            decision = judge_conflict(event, content, known.owner, rules)
        else:
            running = [waiver for waiver in self._waivers if waiver.is_running(now_us)]
            decision = yield from judge_submission(event, rules, running)
        violation_ids = yield from self._add_violations(plan, event, row_id, decision, rules, now_us)
        verdict = _verdict(record, event, content, row_id, decision, violation_ids, rules.revision, now_us)
        document, literal = b"".join(verdict), []
        for part in rows.text_of(part.decode() for part in verdict):
            literal.append(part)
            yield
        claims = not event.dry_run and decision.reason != "conflict"
        plan.rows["submissions"] = [_row(record, event, row_id, content, decision, literal, claims, now_us)]
        plan.announcements.append(_announcement(plan, event, document))
        known.verdicts[row_id] = document
        known.owner = content if claims else known.owner
        self._known.put(event.submission_id, known)
        return plan

    def _add_violations(
        self, plan: Plan, event: Submission, row_id: str, decision: Decision, rules: Ruleset, now_us: int
    ) -> Slices[list[str]]:
        if event.dry_run:  # a question, not a submission: it is answered and leaves no violation behind
            return []
        ids: list[str] = []
        # The same path may stand twice in a submission: the document's place tells the two apart.
        for document, findings in groupby(decision.findings, lambda finding: finding.evidence.get("document", "")):
            ids += add_findings(
                plan,
                findings,
                cause=f"{row_id}/{document}",
                event_id=event.event_id,
                event_time_us=microseconds(event.submitted_at),
                detected_at_us=now_us,
                ruleset_revision=rules.revision,
            )
            yield
        return ids

    def forget(self) -> None:
        """Drop the verdicts; the database has them."""
        self._known.expire()


def _announcement(plan: Plan, event: Submission, document: bytes) -> Announcement:
    return Announcement("verdicts.v1", event.submission_id, document, trace_headers(plan))


def _verdict(
    record: Record,
    event: Submission,
    content: str,
    row_id: str,
    decision: Decision,
    violation_ids: list[str],
    revision: int,
    now_us: int,
) -> list[bytes]:
    """The JSON of `schemas.verdicts.Verdict` in parts of some kilobytes; see `Decision.items`."""
    before = {
        "decision_id": row_id,
        "submission_id": event.submission_id,
        "submitter": event.submitter,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "dry_run": event.dry_run,
        "content_sha256": content,
        "ruleset_revision": revision,
    }
    after = {
        "counts": decision.counts,
        "violation_ids": violation_ids,
        "evaluated_at": from_microseconds(now_us),
        "latency_milliseconds": max(0.0, now_us / 1000 - record.timestamp),
        "retry_after_seconds": None,
        "event_id": event.event_id,
        "source": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
        "schema_version": 1,
    }
    separators = (b"," if index else b"" for index in range(len(decision.items)))
    return [
        orjson.dumps(before)[:-1] + b',"items":[',
        *(separator + item for separator, item in zip(separators, decision.items, strict=True)),
        b"]," + orjson.dumps(after, option=orjson.OPT_UTC_Z)[1:],
    ]


def _row(
    record: Record,
    event: Submission,
    row_id: str,
    content: str,
    decision: Decision,
    verdict: Sequence[str],
    claims: bool,
    now_us: int,
) -> str:
    before = (
        f"'{row_id}'",
        rows.text(event.submission_id),
        rows.text(event.submission_id if claims else None),
        f"'{content}'",
        rows.text(event.submitter),
        rows.instant(microseconds(event.submitted_at)),
        str(int(event.dry_run)),
        str(len(event.documents)),
        f"'{decision.verdict}'",
        f"'{decision.reason}'",
    )
    after = (
        f"'{event.event_id}'",
        str(record.partition),
        str(record.offset),
        rows.instant(now_us),
        rows.json(documents_of(event)),
    )
    # One copy of what may be ten megabytes.
    return "".join(["(", ",".join(before), ",", *verdict, ",", ",".join(after), ")"])
