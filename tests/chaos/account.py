"""What is there, held against what the oracle says must be there."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from streams.settings import Settings
from tests.chaos.oracle import Oracle
from tests.chaos.traffic import CLOCKS, FILES, SUBMISSIONS
from tests.e2e.worker import read_all

Row = TypeVar("Row", bound=Hashable)
Fetch = Callable[[str], list[dict[str, Any]]]
"""Answers one query."""
_SHOWN = 3

_FILES = "SELECT event_id, host, file_path, atime_ns, mtime_ns, ctime_ns FROM filesystem_timestamps"
_READINGS = """SELECT event_id, component_name, offset_microseconds FROM clock_sync_status
WHERE last_sync_at > '2000-01-01'"""  # not the initial records of the components
_SUBMISSIONS = "SELECT event_id, submission_id, verdict, reason FROM submissions"
_VIOLATIONS = """SELECT v.event_id, s.code, v.subject FROM metadata_violations AS v
JOIN metadata_standards AS s ON s.id = v.standard_id"""
_MISCOUNTED = """SELECT i.fingerprint FROM violation_incidents AS i
WHERE i.occurrences <> (SELECT COUNT(*) FROM metadata_violations AS v WHERE v.fingerprint = i.fingerprint)"""


@dataclass
class Account:
    """Numbers of records, rows and messages; all but `repeated` must be 0."""

    lost: int = 0
    doubled: int = 0
    verdicts_missing: int = 0
    verdicts_contradicting: int = 0
    dead_letters: int = 0
    """Dead letters of records that should have been stored."""
    unannounced: int = 0
    repeated: int = 0
    """Messages of ours that were sent again with the same content, which at-least-once allows."""
    remarks: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not any(
            (self.lost, self.doubled, self.verdicts_missing, self.verdicts_contradicting, self.dead_letters,
             self.unannounced)
        )  # fmt: skip

    def compare(self, what: str, expected: Counter[Row], found: Counter[Row]) -> None:
        """Count what is missing as lost, and what is too many as doubled."""
        for kind, difference in (("lost", expected - found), ("doubled", found - expected)):
            if difference:
                setattr(self, kind, getattr(self, kind) + difference.total())
                self.remarks.append(f"{kind} {difference.total()} {what}: {list(difference)[:_SHOWN]}")

    def remark(self, kind: str, items: list[str]) -> None:
        if items:
            setattr(self, kind, getattr(self, kind) + len(items))
            self.remarks.append(f"{kind} {len(items)}: {items[:_SHOWN]}")


async def account(settings: Settings, fetch: Fetch, oracle: Oracle) -> Account:
    """Read every table and topic; nothing must be on its way any more."""
    found = Account()
    files = [tuple(row.values()) for row in fetch(_FILES)]
    readings = [tuple(row.values()) for row in fetch(_READINGS)]
    violations = [tuple(row.values()) for row in fetch(_VIOLATIONS)]
    decided = fetch(_SUBMISSIONS)
    found.compare("file rows", oracle.files, Counter(files))
    found.compare("readings", oracle.readings, Counter(readings))
    found.compare("violations", oracle.violations, Counter(violations))
    found.compare("submissions", Counter(list(oracle.verdicts)), Counter([row["event_id"] for row in decided]))
    found.remark("doubled", [row["fingerprint"] for row in fetch(_MISCOUNTED)])
    await _verdicts(found, settings, oracle)
    await _violations_announced(found, settings, fetch)
    await _alerts(found, settings, oracle)
    await _dead_letters(found, settings, oracle)
    return found


async def _verdicts(found: Account, settings: Settings, oracle: Oracle) -> None:
    """One decision for each submission, the same however often it was sent."""
    given: dict[str, list[bytes]] = defaultdict(list)
    for record in await read_all(settings, "verdicts.v1"):
        given[json.loads(record.value)["event_id"]].append(record.value)
    found.remark("verdicts_missing", [event_id for event_id in oracle.verdicts if event_id not in given])
    found.repeated += sum(len(values) - 1 for values in given.values())
    contradicting = []
    for event_id, values in given.items():
        said = {(v["submission_id"], v["verdict"], v["reason"]) for v in map(json.loads, values)}
        if len(set(values)) > 1 or said != {oracle.verdicts.get(event_id)}:
            contradicting.append(f"{event_id}: {said}, expected {oracle.verdicts.get(event_id)}")
    found.remark("verdicts_contradicting", contradicting)


async def _violations_announced(found: Account, settings: Settings, fetch: Fetch) -> None:
    announced = Counter([json.loads(record.value)["id"] for record in await read_all(settings, "violations.v1")])
    stored = {row["id"] for row in fetch("SELECT id FROM metadata_violations")}
    found.remark("unannounced", sorted(stored - set(announced)))
    found.remark("doubled", sorted(set(announced) - stored))
    found.repeated += announced.total() - len(announced)


async def _alerts(found: Account, settings: Settings, oracle: Oracle) -> None:
    """A clock that is fast from its first reading to its last has one alert about its offset, which never ends."""
    fired: dict[str, list[str]] = defaultdict(list)
    for alert in [json.loads(record.value) for record in await read_all(settings, "drift-alerts.v1")]:
        if alert["kind"] == "offset":
            fired[alert["component_name"]].append(f"{alert['alert_id']} {alert['state']}")
    found.remark("unannounced", sorted(oracle.drifting - set(fired)))
    found.remark("doubled", [f"{name}: {said}" for name, said in fired.items() if len(set(said)) > 1])
    found.remark("doubled", sorted(set(fired) - oracle.drifting))
    found.repeated += sum(len(said) - len(set(said)) for said in fired.values())


async def _dead_letters(found: Account, settings: Settings, oracle: Oracle) -> None:
    letters = [letter for topic in (FILES, CLOCKS, SUBMISSIONS) for letter in await read_all(settings, topic + ".dlq")]
    places = {}
    for letter in letters:
        headers = dict(letter.headers)
        place = tuple(headers[f"__dlq.errors.{part}"] for part in ("topic", "partition", "offset"))
        places[place] = letter.value, headers["dlq.reason"]
    unexpected = [reason.decode() for value, reason in places.values() if value not in oracle.dead_letters]
    found.remark("dead_letters", unexpected)
    missing = oracle.dead_letters - Counter([value for value, _ in places.values()])
    found.remark("lost", [repr(value) for value in missing.elements()])
    found.repeated += len(letters) - len(places)
