"""What the keeper must know: live incidents page by page, and the newest record of what they are about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from streams.identity import derived_id, fingerprint
from streams.judges.incidents import Incident, IncidentStatus, Lifeline, Passing, Waiver, judging, path_keys
from streams.standards.standard import Standard
from streams.store import rows
from streams.store.database import Database
from streams.store.incident_work import incident_of, utc_us
from streams.store.replays import known_violations
from streams.store.statements import statement

_KEYS_PER_QUERY = 900


class Rule(NamedTuple):
    """A standard as the registry shows it, and when it judged."""

    standard: Standard
    spans: list[Lifeline]


class Verdict(NamedTuple):
    """The place and time of one verdict, and the incidents that its passed checks speak of."""

    id: str
    decided_at: datetime
    passing: Passing
    passed: set[str]


async def live_page(database: Database, status: IncidentStatus, after: str, most: int) -> list[Incident]:
    """The next incidents of a status, in the order of their fingerprints."""
    found = await database.fetch_all(statement("incidents", "live_page"), (status, after, most))
    return [incident_of(row) for row in found]


async def live_among(database: Database, fingerprints: Iterable[str]) -> list[Incident]:
    """Those of the incidents that are open or acknowledged."""
    return [incident_of(row) for row in await _rows(database, "live_among", map(rows.text, sorted(fingerprints)))]


async def rules(database: Database, codes: Iterable[str]) -> dict[str, Rule]:
    """The standards by code, with their history."""
    literals = [rows.text(code) for code in sorted(set(codes))]
    steps: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for row in await _rows(database, "history", literals):
        steps[row["code"]].append((utc_us(row["created_at"]), row["version"], row["to_status"]))
    standards = [Standard.from_row(row) for row in await _rows(database, "standards_of", literals)]
    return {standard.code: Rule(standard, judging(standard, steps[standard.code])) for standard in standards}


async def file_passings(database: Database, incidents: Sequence[Incident], topic: str) -> dict[str, list[Passing]]:
    """By fingerprint, the newest capture of each incident's path."""
    keys = {incident.fingerprint: path_keys(incident.subject) for incident in incidents}
    literals = sorted({rows.binary(key) for group in keys.values() for key in group})
    newest: dict[bytes, Passing] = {}
    for row in await _rows(database, "newest_captures", literals):
        recorded = row["recorded_at"] or row["captured_at"]  # the column is younger than some captures
        place = topic, row["source_partition"], row["source_offset"]
        newest.setdefault(row["path_key"], Passing(utc_us(row["captured_at"]), utc_us(recorded), *place))
    return {
        name: [max(known)] if (known := [newest[key] for key in group if key in newest]) else []
        for name, group in keys.items()
    }


async def clock_passings(database: Database, incidents: Sequence[Incident], topic: str) -> dict[str, list[Passing]]:
    """By fingerprint, the newest readings of each incident's component that are newer than its violations.

    None where a clock of the component, by whatever protocol, has not been read since it violated.
    """
    clocks: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in await _rows(database, "clocks", sorted({rows.text(each.subject) for each in incidents})):
        clocks[row["component_name"]].append(row)
    older = {
        incident.fingerprint: [row for row in clocks[incident.subject] if not _is_newer(row, incident)]
        for incident in incidents
    }
    ids = {
        incident.fingerprint: [_violation_id(row, incident) for row in older[incident.fingerprint]]
        for incident in incidents
    }
    violating = await known_violations(database, [each for group in ids.values() for each in group if each])
    passings: dict[str, list[Passing]] = {}
    for incident in incidents:
        blocked = any(each is None or each in violating for each in ids[incident.fingerprint])
        newer = [] if blocked else [row for row in clocks[incident.subject] if _is_newer(row, incident)]
        passings[incident.fingerprint] = [_clock_passing(row, topic) for row in newer]
    return passings


async def verdicts(
    database: Database, since: datetime, after_id: str, most: int, live: Mapping[str, Incident], topic: str
) -> list[Verdict]:
    """The next verdicts in the order of their decisions, with those of the live incidents that they pass."""
    subjects = {incident.subject for incident in live.values()}
    found = await database.fetch_all(statement("incidents", "verdicts"), (since, since, after_id, most))
    answer = []
    for row in found:
        place = topic, row["source_partition"], row["source_offset"]
        passing = Passing(utc_us(row["submitted_at"]), utc_us(row["decided_at"]), *place)
        passed = {
            name
            for item in orjson.loads(row["verdict_document"])["items"]
            if item["path"] in subjects
            for check in item["checks"]
            if check["status"] == "pass"
            and (name := fingerprint(check["standard_code"], item["path"], check["field"])) in live
        }
        answer.append(Verdict(row["id"], row["decided_at"], passing, passed))
    return answer


def waiver_of(row: Mapping[str, Any]) -> Waiver:
    """The part of a row that is decided by."""
    scope = row["fingerprint"], row["code"], row["field"], row["subject_glob"]
    ends_at, revoked_at = row["ends_at"], row["revoked_at"]
    return Waiver(row["id"], *scope, utc_us(min(ends_at, revoked_at or ends_at)), revoked_at is not None)


def _is_newer(row: Mapping[str, Any], incident: Incident) -> bool:
    return utc_us(row["last_sync_at"]) > incident.last_seen_us


def _violation_id(row: Mapping[str, Any], incident: Incident) -> str | None:
    """The id that a violation of the reading has, whether there is one or not; None where the reading is unknown."""
    if row["reading_id"] is None:
        return None
    return derived_id(row["reading_id"], incident.code, incident.field, incident.subject)


def _clock_passing(row: Mapping[str, Any], topic: str) -> Passing:
    recorded = row["recorded_at"] or row["last_sync_at"]
    place = topic, row["source_partition"], row["source_offset"]
    return Passing(utc_us(row["last_sync_at"]), utc_us(recorded), *place)


async def _rows(database: Database, name: str, literals: Iterable[str]) -> list[dict[str, Any]]:
    wanted, answer = list(literals), []
    for start in range(0, len(wanted), _KEYS_PER_QUERY):
        query = statement("incidents", name).replace("%s", ",".join(wanted[start : start + _KEYS_PER_QUERY]), 1)
        answer += await database.fetch_all(query)
    return answer
