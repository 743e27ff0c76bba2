"""One atomic verdict over all checks of all documents of a submission ("The Bin")."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import orjson

from schemas.events import Submission
from schemas.findings import SEVERITIES
from schemas.verdicts import CheckStatus
from streams.identity import fingerprint
from streams.judges.findings import Finding
from streams.judges.incidents import Waiver
from streams.judges.standards import check_in_slices, finding_of, shadow_findings
from streams.slices import Slices
from streams.standards.ruleset import CheckResult, Ruleset
from streams.standards.standard import Standard
from streams.times import from_microseconds

_OBSERVED_CHARACTERS = 1024
_REJECTING_FROM = SEVERITIES.index("medium")
"""A broken standard of medium severity or more rejects; a lesser one warns."""

Reason = Literal["all_checks_passed", "passed_with_warnings", "passed_with_waivers", "checks_failed", "conflict"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a verdict says, before it is given an id, a time and a place."""

    verdict: Literal["accepted", "rejected"]
    reason: Reason
    items: list[bytes]
    """Of each document the JSON of its `schemas.verdicts.ItemVerdict`, made without that model: there may be tens of
    thousands of checks, and all of it comes from checked values."""
    counts: dict[CheckStatus, int]
    findings: list[Finding]


def content_sha256(submission: Submission) -> str:
    """What makes two submissions the same: who submits and what, not when, in which event or whether dry."""
    content = [submission.submitter, documents_of(submission)]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def documents_of(submission: Submission) -> list[dict[str, Any]]:
    """The documents as they were sent, without the fields that nobody knows."""
    return [
        {"path": document.path, "sha256": document.sha256, "metadata": document.metadata}
        for document in submission.documents
    ]


def judge_submission(submission: Submission, rules: Ruleset, waivers: Sequence[Waiver] = ()) -> Slices[Decision]:
    """Run every check of every document, then decide once.

    What one of `waivers`, which run now, takes in is a violation as ever, and does not reject.
    """
    items: list[bytes] = []
    findings: list[Finding] = []
    counts: Counter[CheckStatus] = Counter()
    wordings = _wordings(rules)
    for index, document in enumerate(submission.documents):
        checks = []
        evidence = {"submission_id": submission.submission_id, "document": index}
        for result in (yield from check_in_slices(document, submission, rules)):
            wording = wordings[result.standard.code]
            if result.status != "fail":
                counts[result.status] += 1
                checks.append(wording.passed(result) if result.status == "pass" else wording.not_applicable(result))
                continue
            waiver = _waiver(result, document.path, waivers) if waivers else None
            status = "waived" if waiver else wording.failed
            counts[status] += 1
            checks.append(wording.check(status, result.message + _until(waiver), result.observed))
            forgiven = {"waiver_id": waiver.id} if waiver else {}
            findings.append(finding_of(result, document.path, evidence | forgiven))
        findings += shadow_findings(document, submission, rules, evidence)
        items.append(b'{"index":%d,"path":%b,"checks":[%b]}' % (index, orjson.dumps(document.path), b",".join(checks)))
        yield
    if counts["fail"]:
        return Decision("rejected", "checks_failed", items, dict(counts), findings)
    reason: Reason = "passed_with_warnings" if counts["warn"] else "all_checks_passed"
    if counts["waived"]:
        reason = "passed_with_waivers"
    return Decision("accepted", reason, items, dict(counts), findings)


def judge_conflict(submission: Submission, content: str, owner: str, rules: Ruleset) -> Decision:
    """The same submission_id came before with other content: rejected, whatever its documents are like."""
    standard = rules.builtins.get("SUB-CONFLICT")
    findings = []
    if standard is not None:
        evidence = {
            "submission_id": submission.submission_id,
            "content_sha256": content,
            "first_content_sha256": owner,
        }
        findings = [
            Finding(
                standard,
                submission.submission_id,
                standard.field,
                content,
                f"content {owner}, as first submitted",
                standard.severity,
                evidence,
            )
        ]
    return Decision("rejected", "conflict", [], {}, findings)


def _waiver(result: CheckResult, path: str, waivers: Sequence[Waiver]) -> Waiver | None:
    """Of the waivers that take a failed check in the one that lasts longest."""
    code, field = result.standard.code, result.standard.field
    name = fingerprint(code, path, field)
    fit = [waiver for waiver in waivers if waiver.takes_in(name, code, field, path)]
    return max(fit, key=lambda waiver: waiver.ends_at_us, default=None)


def _until(waiver: Waiver | None) -> str:
    if waiver is None:
        return ""
    return f" (waived until {from_microseconds(waiver.ends_at_us):%Y-%m-%dT%H:%M:%SZ}, {waiver.id})"


class _Wording:
    """The JSON of one standard's checks (`schemas.verdicts.Check`), as far as it does not depend on the document."""

    __slots__ = ("_absent", "_end", "_passed", "_start", "failed")

    def __init__(self, standard: Standard) -> None:
        rejects = SEVERITIES.index(standard.severity) >= _REJECTING_FROM
        self.failed: CheckStatus = "fail" if rejects else "warn"
        start = {
            "standard_code": standard.code,
            "standard_version": standard.version,
            "severity": standard.severity,
            "field": standard.field,
        }
        self._start = orjson.dumps(start)[:-1]
        self._end = b',"expected":%b}' % orjson.dumps(standard.wants[:_OBSERVED_CHARACTERS])
        self._passed: bytes | None = None
        self._absent: dict[str, bytes] = {}

    def check(self, status: CheckStatus, message: str, observed: str | None) -> bytes:
        """A check that may say anything."""
        return self._until_observed(status, message) + _observed(observed) + self._end

    def passed(self, result: CheckResult) -> bytes:
        """A passed check: what passes is told in the same words each time."""
        if self._passed is None:
            self._passed = self._until_observed("pass", result.message)
        return self._passed + _observed(result.observed) + self._end

    def not_applicable(self, result: CheckResult) -> bytes:
        """A check of nothing, for one reason or the other."""
        if (check := self._absent.get(result.message)) is None:
            check = self._absent[result.message] = self.check("not_applicable", result.message, None)
        return check

    def _until_observed(self, status: CheckStatus, message: str) -> bytes:
        return b'%b,"status":"%b","message":%b,"observed":' % (self._start, status.encode(), orjson.dumps(message))


def _observed(value: str | None) -> bytes:
    return b"null" if value is None else orjson.dumps(value[:_OBSERVED_CHARACTERS])


@lru_cache(maxsize=1)
def _wordings(rules: Ruleset) -> dict[str, _Wording]:
    return {code: _Wording(standard) for code, standard in rules.standards.items()}
