"""Looks after incidents while nobody looks: what has passed is resolved, waivers begin and end, violations follow.

Nothing of it is on the way of a batch. Every worker keeps, one of them at a time; what is decided is decided again
under the incident's lock, so that two of them, or a person beside them, do nothing twice. A round looks at a bounded
number of incidents and the next goes on from there.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import mode
import structlog

from streams.errors import RetriableError
from streams.judges.incidents import LIVE, Incident, IncidentStatus, Passing, Waiver, concerns, has_passed
from streams.observability import metrics
from streams.settings import Settings
from streams.standards.standard import Standard
from streams.store import incident_facts as facts
from streams.store import incident_waivers as waiving
from streams.store import incident_work as work
from streams.store.database import Database
from streams.store.incident_work import COCKPIT, Move
from streams.store.statements import statement

log = structlog.get_logger(__name__)

_PAGE = 25
_PAGES = 20
_BREATH_SECONDS = 0.1
"""Between pages, so that they do not hold up what is judged and stored meanwhile."""
_VERDICTS = 50
_VERDICT_PAGES = 20
_OVERLAP = timedelta(seconds=10)
"""A verdict may be stored so long after it was decided: what is younger is read again."""
_FORGET_ROUNDS = 720
_COUNT_ROUNDS = 12
_LOCK = "cockpit-streams.incidents"
_LOCK_CHARACTERS = 64
"""Locks are of a server, and a server may hold several databases: the name ends with ours."""


class IncidentKeeper(mode.Service):  # type: ignore[misc]
    """A round every few seconds; one that fails is repeated with the next."""

    def __init__(self, settings: Settings, database: Database) -> None:
        super().__init__()
        self._settings = settings
        self._database = database
        self._lock = f"{_LOCK}.{settings.database.database}"[:_LOCK_CHARACTERS]
        self._held = {name.strip() for name in settings.incident_hold_categories.split(",") if name.strip()}
        self._after: dict[IncidentStatus, str] = dict.fromkeys(LIVE, "")
        self._documents: dict[str, Incident] = {}
        self._verdicts_since: tuple[datetime, str] | None = None
        self._rounds = 0
        self._rules: dict[str, facts.Rule] = {}

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        while not self.should_stop:
            try:
                await self.keep()
                if self._rounds % _COUNT_ROUNDS == 1:
                    await self._count()
            except RetriableError as error:
                log.warning("incidents_not_kept", error=str(error))
            await self.sleep(self._settings.incident_keeper_seconds)

    async def keep(self) -> int:
        """One round; returns how many incidents moved. Nothing while another worker is at it."""
        self._rounds += 1
        if self._rounds % _FORGET_ROUNDS == 0:  # what was waived meanwhile, or stored late, is looked for again
            self._documents.clear()
        async with self._database.connection() as connection, connection.cursor() as cursor:
            await cursor.execute("SELECT GET_LOCK(%s, 0)", (self._lock,))
            if (await cursor.fetchone())[0] != 1:
                return 0
            try:
                return await self._round()
            finally:
                await cursor.execute("SELECT RELEASE_LOCK(%s)", (self._lock,))

    async def _round(self) -> int:
        await self._settle()  # pages hold what is settled
        self._rules.clear()  # read once a round
        waivers = await waiving.unreleased(self._database)
        now_us = await waiving.now_us(self._database)
        moved = await waiving.release(self._database, waivers, now_us, _PAGE)
        for status in LIVE:
            for _ in range(_PAGES):
                page = await facts.live_page(self._database, status, self._after[status], _PAGE)
                self._after[status] = page[-1].fingerprint if len(page) == _PAGE else ""
                moved += await self._look_at(page, waivers, now_us)
                if len(page) < _PAGE:
                    break
                await asyncio.sleep(_BREATH_SECONDS)
        moved += await self._read_verdicts()
        await self._settle()
        return moved

    async def _settle(self) -> None:
        for _ in range(_PAGES):
            if not (behind := await work.unsettled(self._database, _PAGE)):
                break
            await work.settle(self._database, behind)
            await asyncio.sleep(_BREATH_SECONDS)

    async def _look_at(self, page: Sequence[Incident], waivers: Sequence[Waiver], now_us: int) -> int:
        moved = await waiving.cover(self._database, page, waivers, now_us)
        if codes := {incident.code for incident in page} - self._rules.keys():
            self._rules |= await facts.rules(self._database, codes)
        rules = self._rules
        of_kind: dict[str, list[Incident]] = {"filesystem": [], "clock": [], "submission": []}
        for incident in page:
            rule = rules.get(incident.code)
            if rule is not None and self._may_pass(rule.standard, incident):
                of_kind[rule.standard.applies_to].append(incident)
        passings = await facts.file_passings(
            self._database, of_kind["filesystem"], self._settings.topic("filesystem-timestamps.v1")
        )
        passings |= await facts.clock_passings(self._database, of_kind["clock"], self._settings.topic("clock-sync.v1"))
        passed = {}
        for incident in (*of_kind["filesystem"], *of_kind["clock"]):
            found, spans = passings[incident.fingerprint], rules[incident.code].spans
            if found and all(has_passed(incident, passing, spans) for passing in found):
                passed[incident.fingerprint] = (incident, max(found))
        self._remember_documents(of_kind["submission"])
        return moved + await self._resolve(passed)

    def _may_pass(self, standard: Standard, incident: Incident) -> bool:
        """Whether a record can show that the incident is over."""
        if standard.category in self._held or not concerns(standard, incident.subject):
            return False
        # Without history the judges of file times are not asked, and find nothing.
        return self._settings.file_history or (standard.kind, standard.applies_to) != ("builtin", "filesystem")

    async def _resolve(self, passed: dict[str, tuple[Incident, Passing]]) -> int:
        def decide(incident: Incident) -> Move | None:
            seen, passing = passed[incident.fingerprint]
            if (incident.status, incident.occurrences) != (seen.status, seen.occurrences):
                return None  # somebody was here, or it has violated again
            place = f"{passing.topic} {passing.partition}/{passing.offset}"
            return Move("resolved", COCKPIT, f"passed again: {place}", passed_at_us=passing.seen_at_us)

        return len(await work.move(self._database, passed, decide)) if passed else 0

    def _remember_documents(self, incidents: Iterable[Incident]) -> None:
        """Note whose passing verdicts are looked for, and from when on."""
        for incident in incidents:
            known = self._documents.get(incident.fingerprint)
            self._documents[incident.fingerprint] = incident
            if known is None or known.occurrences != incident.occurrences:
                begin = waiving.naive(incident.last_detected_us) - _OVERLAP
                if self._verdicts_since is None or begin < self._verdicts_since[0]:
                    self._verdicts_since = begin, ""

    async def _read_verdicts(self) -> int:
        if not self._documents or self._verdicts_since is None:
            return 0
        passed: dict[str, Passing] = {}
        topic = self._settings.topic("submissions.v1")
        settled = waiving.naive(await waiving.now_us(self._database)) - _OVERLAP
        since = self._verdicts_since
        for _ in range(_VERDICT_PAGES):
            page = await facts.verdicts(self._database, *since, _VERDICTS, self._documents, topic)
            for verdict in page:
                for name in verdict.passed:
                    passed[name] = max(passed.get(name, verdict.passing), verdict.passing)
                since = verdict.decided_at, verdict.id
                if verdict.decided_at < settled:
                    self._verdicts_since = since
            if len(page) < _VERDICTS:
                break
        live = {incident.fingerprint: incident for incident in await facts.live_among(self._database, passed)}
        rules = await facts.rules(self._database, {incident.code for incident in live.values()})
        right = {
            name: (incident, passed[name])
            for name, incident in live.items()
            if incident.code in rules and has_passed(incident, passed[name], rules[incident.code].spans)
        }
        for name in (passed.keys() - live.keys()) | right.keys():
            self._documents.pop(name, None)
        return await self._resolve(right)

    async def _count(self) -> None:
        found = await self._database.fetch_all(statement("incidents", "counts"))
        counts = {row["status"]: row["incidents"] for row in found}
        for status in metrics.INCIDENT_STATUSES:
            metrics.INCIDENTS.labels(status).set(counts.get(status, 0))
