"""One atomic verdict over all checks of all documents of a submission ("The Bin")."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from schemas.events import Submission
from schemas.findings import SEVERITIES
from schemas.verdicts import Check, CheckStatus, ItemVerdict
from streams.identity import fingerprint
from streams.judges.findings import Finding
from streams.judges.incidents import Waiver
from streams.judges.standards import check_document, finding_of, shadow_findings
from streams.standards.ruleset import CheckResult, Ruleset
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
    items: list[ItemVerdict]
    counts: dict[CheckStatus, int]
    findings: list[Finding]


def content_sha256(submission: Submission) -> str:
    """What makes two submissions the same: who submits and what, not when, in which event or whether dry."""
    content = [submission.submitter, [document.model_dump(mode="json") for document in submission.documents]]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def judge_submission(submission: Submission, rules: Ruleset, waivers: Sequence[Waiver] = ()) -> Decision:
    """Run every check of every document, then decide once.

    What one of `waivers`, which run now, takes in is a violation as ever, and does not reject.
    """
    items: list[ItemVerdict] = []
    findings: list[Finding] = []
    counts: Counter[CheckStatus] = Counter()
    for index, document in enumerate(submission.documents):
        checks = []
        evidence = {"submission_id": submission.submission_id, "document": index}
        for result in check_document(document, submission, rules):
            waiver = _waiver(result, document.path, waivers)
            status = "waived" if waiver else _status(result)
            counts[status] += 1
            checks.append(_check(result, status, waiver))
            if result.status == "fail":
                forgiven = {"waiver_id": waiver.id} if waiver else {}
                findings.append(finding_of(result, document.path, evidence | forgiven))
        findings += shadow_findings(document, submission, rules, evidence)
        items.append(ItemVerdict(index=index, path=document.path, checks=checks))
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
    if result.status != "fail" or not waivers:
        return None
    code, field = result.standard.code, result.standard.field
    name = fingerprint(code, path, field)
    fit = [waiver for waiver in waivers if waiver.takes_in(name, code, field, path)]
    return max(fit, key=lambda waiver: waiver.ends_at_us, default=None)


def _status(result: CheckResult) -> CheckStatus:
    if result.status != "fail":
        return result.status
    return "fail" if SEVERITIES.index(result.standard.severity) >= _REJECTING_FROM else "warn"


def _check(result: CheckResult, status: CheckStatus, waiver: Waiver | None) -> Check:
    standard = result.standard
    observed = result.observed
    until = f" (waived until {from_microseconds(waiver.ends_at_us):%Y-%m-%dT%H:%M:%SZ}, {waiver.id})" if waiver else ""
    return Check(
        standard_code=standard.code,
        standard_version=standard.version,
        severity=standard.severity,
        field=standard.field,
        status=status,
        message=result.message + until,
        observed=None if observed is None else observed[:_OBSERVED_CHARACTERS],
        expected=standard.wants[:_OBSERVED_CHARACTERS],
    )
