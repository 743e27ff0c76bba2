"""What may become of an incident: which steps there are, when its subject has passed, what a waiver covers. Pure.

All times are microseconds since the epoch. An incident is one fingerprint: a standard, a subject, a field.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from streams.errors import UserError
from streams.identity import path_key
from streams.standards.fields import AppliesTo
from streams.standards.patterns import PatternSet, glob_pattern
from streams.standards.standard import Standard
from streams.times import microseconds

IncidentStatus = Literal["open", "acknowledged", "resolved", "waived", "false_positive"]
STATUSES: tuple[IncidentStatus, ...] = ("open", "acknowledged", "resolved", "waived", "false_positive")
LIVE: tuple[IncidentStatus, ...] = ("open", "acknowledged")
"""Where an incident is work: these are resolved by passing and taken by waivers."""

STEPS: dict[IncidentStatus, tuple[IncidentStatus, ...]] = {
    "open": ("acknowledged", "resolved", "waived", "false_positive"),
    "acknowledged": ("open", "resolved", "waived", "false_positive"),
    "resolved": ("open", "false_positive"),
    "waived": (),
    "false_positive": ("open",),
}
"""What a person may do. A waived incident is given back by `unwaive` or its waiver's end, and by nothing else."""

AHEAD_US = 3_600_000_000
"""An event dated more than this after its arrival has no place in its subject's order: see `flows/file_history.py`."""

SETTLE_US = 10_000_000
"""From a change of a rule to the last worker that judges by it: a poll, and the batch on its way."""

_MOST_COLONS = 16


@dataclass(frozen=True, slots=True)
class Incident:
    """The part of an incident that is decided by."""

    fingerprint: str
    code: str
    subject: str
    field: str
    status: IncidentStatus
    episode: int
    occurrences: int
    last_seen_us: int
    first_detected_us: int
    last_detected_us: int
    logged_status: IncidentStatus = "open"
    logged_episode: int = 1
    waiver_id: str | None = None


class Passing(NamedTuple):
    """The newest stored record of a subject, without a violation of the incident."""

    seen_at_us: int
    recorded_us: int
    topic: str
    partition: int
    offset: int


class Lifeline(NamedTuple):
    """A span in which some version of a standard was active; `end_us` is None while it lasts."""

    begin_us: int
    end_us: int | None


@dataclass(frozen=True, slots=True)
class Waiver:
    """What is forgiven until when: one incident, or all within a scope."""

    id: str
    fingerprint: str | None
    code: str | None
    field: str | None
    subject_glob: str | None
    ends_at_us: int
    """Of a revoked one, when it was revoked."""
    revoked: bool = False

    def is_running(self, now_us: int) -> bool:
        """Whether it holds now."""
        return not self.revoked and now_us < self.ends_at_us

    def covers(self, incident: Incident) -> bool:
        """Whether the incident is within its scope."""
        return self.takes_in(incident.fingerprint, incident.code, incident.field, incident.subject)

    def takes_in(self, fingerprint: str, code: str, field: str, subject: str) -> bool:
        """Whether what has this fingerprint, of a standard, a field and a subject, is within its scope."""
        if self.fingerprint is not None:
            return self.fingerprint == fingerprint
        return (
            self.code in (None, code)
            and self.field in (None, field)
            and (self.subject_glob is None or in_glob(self.subject_glob, subject))
        )


def seen_at(applies_to: AppliesTo, event_time_us: int, arrived_us: int) -> int:
    """The time by which a record stands in its subject's order.

    A clock's reading was not taken after it arrived, as its judge has it. Any other event is taken at its word, but
    not when it claims to be from a future that its subject's next records would never reach.
    """
    if applies_to == "clock":
        return min(event_time_us, arrived_us)
    return event_time_us if event_time_us <= arrived_us + AHEAD_US else arrived_us


def require_step(incident: Incident, to: IncidentStatus) -> None:
    """Raise UserError unless a person may move the incident there."""
    if to in STEPS[incident.status]:
        return
    name = f"incident {incident.fingerprint}: is {incident.status}"
    if to == incident.status:
        raise UserError(f"{name} already: `cockpit violations show {incident.fingerprint}` tells who made it so")
    if incident.status == "waived":
        raise UserError(f"{name}: cannot become {to}: end its waiver {incident.waiver_id} with unwaive first")
    possible = " or ".join(STEPS[incident.status])
    raise UserError(f"{name}: cannot become {to}, only {possible} (reopen it first)")


def lifelines(steps: Iterable[tuple[int, int, str]]) -> list[Lifeline]:
    """The spans in which a standard judged, from its history: (time, version, new status), in order.

    A version that takes another's place in the same change leaves no gap.
    """
    active: set[int] = set()
    spans: list[Lifeline] = []
    ordered = sorted(steps, key=lambda step: step[0])  # stable: what one change did stays in its order
    for place, (at_us, version, status) in enumerate(ordered):
        (active.add if status == "active" else active.discard)(version)
        if place + 1 < len(ordered) and ordered[place + 1][0] == at_us:
            continue
        lives = bool(spans) and spans[-1].end_us is None
        if active and not lives:
            spans.append(Lifeline(at_us, None))
        elif lives and not active:
            spans[-1] = Lifeline(spans[-1].begin_us, at_us)
    return spans


def judging(standard: Standard, steps: Sequence[tuple[int, int, str]]) -> list[Lifeline]:
    """The spans in which the standard judged: its history within its effective dates.

    A standard without a history was put into the table by hand and has not been met by a worker or a command yet.
    """
    spans = lifelines(steps) if steps else [Lifeline(0, None)] if standard.status == "active" else []
    first = 0 if standard.effective_from is None else microseconds(standard.effective_from)
    last = None if standard.effective_until is None else microseconds(standard.effective_until)
    cut = [Lifeline(max(begin, first), last if end is None else min(end, last or end)) for begin, end in spans]
    return [span for span in cut if span.end_us is None or span.begin_us < span.end_us]


def has_passed(incident: Incident, passing: Passing, spans: Sequence[Lifeline]) -> bool:
    """Whether the record shows that the subject is in order now.

    It must be newer than the newest violation: `last_seen` is the greatest of all of them, so that a newer record
    has none. And the rule must have been judging when the record was stored: since long enough for all workers to
    know it, or without a break since it found a violation of this incident.
    """
    if passing.seen_at_us <= incident.last_seen_us:
        return False
    for begin_us, end_us in spans:
        if begin_us <= passing.recorded_us and (end_us is None or passing.recorded_us < end_us):
            found = (incident.first_detected_us, incident.last_detected_us)
            since_found = any(begin_us - SETTLE_US <= each <= passing.recorded_us for each in found)
            return since_found or begin_us + SETTLE_US <= passing.recorded_us
    return False


def concerns(standard: Standard, subject: str) -> bool:
    """Whether the standard's path glob takes the subject in; a rule that looks away has not been passed."""
    if standard.path_glob is None:
        return True
    if standard.applies_to == "filesystem":
        return any(in_glob(standard.path_glob, path) for _, path in hosts_and_paths(subject))
    return standard.applies_to == "clock" or in_glob(standard.path_glob, subject)


def in_glob(glob: str, text: str) -> bool:
    """Whether the glob takes the text; raises PatternError for a glob that is not one."""
    return bool(_compiled(glob).matches(text.encode("utf-8", "replace")))


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> PatternSet:
    return PatternSet([glob_pattern(glob)])


def hosts_and_paths(subject: str) -> list[tuple[str, str]]:
    """Every way to read `host:path`: a host may hold colons, and so may a path."""
    parts = subject.split(":", _MOST_COLONS)
    return [(":".join(parts[:cut]), ":".join(parts[cut:])) for cut in range(1, len(parts))]


def path_keys(subject: str) -> list[bytes]:
    """The keys under which the captures of `host:path` may be stored."""
    return [path_key(host, path) for host, path in hosts_and_paths(subject)]


def pending(incident: Incident) -> tuple[IncidentStatus, IncidentStatus] | None:
    """The step that a violation caused in its own transaction and that the log does not know yet."""
    if (incident.logged_status, incident.logged_episode) == (incident.status, incident.episode):
        return None
    return incident.logged_status, incident.status


def covering(waivers: Iterable[Waiver], incident: Incident, now_us: int) -> Waiver | None:
    """Of the running waivers that cover the incident the one that lasts longest."""
    fit = [waiver for waiver in waivers if waiver.is_running(now_us) and waiver.covers(incident)]
    return max(fit, key=lambda waiver: waiver.ends_at_us, default=None)
