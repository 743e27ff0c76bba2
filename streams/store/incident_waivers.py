"""Waivers: they take live incidents in, and give them back when they end."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime

from streams.errors import UserError
from streams.judges.incidents import LIVE, Incident, Waiver, covering
from streams.store import incident_work as work
from streams.store.database import Database
from streams.store.incident_facts import live_page, waiver_of
from streams.store.incident_work import COCKPIT, Move, incident_of, utc_us
from streams.store.statements import statement
from streams.times import from_microseconds

_PAGE = 500
_RELEASED_AFTER_US = 60_000_000
"""A waiver is done with so long after its end: whoever read it before that has acted by then."""


def naive(value_us: int) -> datetime:
    """What the database takes for these microseconds."""
    return from_microseconds(value_us).replace(tzinfo=None)


async def now_us(database: Database) -> int:
    """The database's time, by which waivers begin and end."""
    return utc_us((await database.fetch_all(statement("incidents", "now")))[0]["at"])


async def unreleased(database: Database) -> list[Waiver]:
    """Waivers that run, or ended and may still hold incidents."""
    return [waiver_of(row) for row in await database.fetch_all(statement("incidents", "unreleased_waivers"))]


async def cover(database: Database, incidents: Iterable[Incident], waivers: Sequence[Waiver], now: int) -> int:
    """Waive those of the live incidents that a running waiver covers; returns how many."""
    taken = {
        incident.fingerprint: waiver
        for incident in incidents
        if incident.status in LIVE and (waiver := covering(waivers, incident, now)) is not None
    }

    def decide(incident: Incident) -> Move | None:
        if incident.status not in LIVE:
            return None
        waiver = taken[incident.fingerprint]
        return Move("waived", COCKPIT, f"within waiver {waiver.id}", waiver.id)

    return len(await work.move(database, taken, decide)) if taken else 0


async def release(database: Database, waivers: Sequence[Waiver], now: int, most: int) -> int:
    """Give back what waivers hold that have ended, to another one that covers it or as open; returns how many."""
    moved = 0
    for ended in (waiver for waiver in waivers if not waiver.is_running(now)):

        def decide(incident: Incident, ended: Waiver = ended) -> Move | None:
            if incident.status != "waived" or incident.waiver_id != ended.id:
                return None
            how = "was revoked" if ended.revoked else "has ended"
            other = covering(waivers, incident, now)
            if other is not None:
                return Move("waived", COCKPIT, f"waiver {ended.id} {how}, {other.id} covers it too", other.id)
            return Move("open", COCKPIT, f"waiver {ended.id} {how}", ended.id)

        found = await database.fetch_all(statement("incidents", "waived_by"), (ended.id, most))
        if found:
            moved += len(await work.move(database, [row["fingerprint"] for row in found], decide))
        elif ended.ends_at_us + _RELEASED_AFTER_US < now:
            await database.execute(statement("incidents", "released"), (ended.id,))
    return moved


async def create(
    database: Database, waiver: Waiver, owner: str, reason: str, actor: str, require: Callable[[Incident], None]
) -> int:
    """Write a waiver and take in what it covers now; returns how many incidents.

    Raises:
        UserError: `require` refuses the one incident that it is for; nothing was written.
    """
    if waiver.fingerprint is not None:
        (one,) = await _incidents(database, [waiver.fingerprint])
        require(one)
    scope = waiver.fingerprint, waiver.code, waiver.field, waiver.subject_glob
    arguments = (waiver.id, *scope, owner, reason, actor, naive(waiver.ends_at_us))
    await database.execute(statement("incidents", "add_waiver"), arguments)

    def decide(incident: Incident) -> Move | None:
        return Move("waived", actor, reason, waiver.id) if incident.status in LIVE else None

    moved = 0
    async for page in _pages(database, waiver):
        wanted = [incident.fingerprint for incident in page if waiver.covers(incident)]
        moved += len(await work.move(database, wanted, decide))
        while await work.settle(database, wanted):
            pass
    return moved


async def revoke(database: Database, waiver_id: str, actor: str, reason: str) -> int:
    """End a waiver and give back what it holds; returns how many incidents. Raises UserError where it does not run."""
    arguments = (actor, reason, waiver_id)
    if not waiver_id.isascii() or not await database.execute(statement("incidents", "revoke_waiver"), arguments):
        raise UserError(f"waiver {waiver_id!a}: does not run: `cockpit violations waivers --all` shows all")
    moved = 0
    while True:
        waivers, now = await unreleased(database), await now_us(database)
        held = await database.fetch_all(statement("incidents", "waived_by"), (waiver_id, _PAGE))
        if not held:
            return moved
        moved += await release(database, [w for w in waivers if w.id == waiver_id or w.is_running(now)], now, _PAGE)
        names = [row["fingerprint"] for row in held]
        while await work.settle(database, names):
            pass


async def _pages(database: Database, waiver: Waiver) -> AsyncIterator[list[Incident]]:
    if waiver.fingerprint is not None:
        yield await _incidents(database, [waiver.fingerprint])
        return
    while behind := await work.unsettled(database, _PAGE):
        await work.settle(database, behind)
    for status in LIVE:
        after = ""
        while page := await live_page(database, status, after, _PAGE):
            after = page[-1].fingerprint
            yield page


async def _incidents(database: Database, fingerprints: Iterable[str]) -> list[Incident]:
    found = [await database.fetch_all(statement("incidents", "one"), (each,)) for each in fingerprints]
    return [incident_of(row) for rows in found for row in rows]
