"""Changes of the registry, one at a time: under one lock the steps are written and the set of rules is numbered.

A change by hand, with an UPDATE of metadata_standards, is allowed and leaves a trace: whoever takes the lock next gives
it a version of its own.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import aiomysql

from streams.errors import UserError
from streams.standards.planning import Changes, Step, head, make_room, plan_changes
from streams.standards.ruleset import Ruleset, RulesetError, content_digest
from streams.standards.spec import StandardSpec
from streams.standards.standard import Standard, rules_json
from streams.store.database import Database
from streams.store.standards import evaluated, version_of
from streams.store.statements import statement
from streams.store.version_rows import content_row, head_row

_BY_HAND = "(table)"
_CHANGED_BY_HAND = "changed in metadata_standards by hand"

Registered = Mapping[str, list[Standard]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did."""

    changes: Changes
    revision: int
    """Of the set of rules that workers judge by now."""
    held_back: str = ""
    """Why that set is not the table's: another standard, which this change did not touch, keeps it from compiling."""


async def change(
    database: Database, actor: str, reason: str, plan: Callable[[Registered], Changes], expected: Changes | None = None
) -> Outcome:
    """Carry out what `plan` makes of the registry as it is under the lock.

    Raises:
        UserError: the plan's own, or what is planned would not compile together, or it is no longer what was
            `expected`; nothing was changed.
    """
    async with _locked(database) as registry:
        await registry.adopt()
        changes = plan(registry.versions)
        if expected is not None and changes.steps != expected.steps:
            raise UserError("the registry changed after the plan was shown: look at the new plan first")
        await registry.write(changes.steps, actor)
        outcome = await registry.outcome(changes)
        await registry.log(changes.steps, actor, reason, outcome.revision)
        return outcome


async def insert_missing(database: Database, specs: Iterable[StandardSpec]) -> int:
    """Add the standards whose code is not there yet and return their number; what a person changed stays."""
    wanted = list(specs)

    def plan(versions: Registered) -> Changes:
        return plan_changes(versions, [spec for spec in wanted if spec.code not in versions])

    return len((await change(database, "cockpit migrate", "ships with this version", plan)).changes.steps)


async def current(database: Database) -> Outcome:
    """The revision of the set of rules that the registry holds, numbered now if no worker has done so yet."""
    return await change(database, _BY_HAND, "", lambda _: Changes())


async def register(database: Database, content_sha256: str) -> int | None:
    """The number of the set of rules with this content; None when the registry holds another set by now.

    Workers that hold the same rules get the same number, and a number is given out only to what the registry holds at
    that moment: so no worker can bring an older set back under a higher number.
    """
    async with _locked(database) as registry:
        if await registry.adopt():
            return None
        now, rules = await registry.rules()
        return await registry.number(now, rules) if content_digest(rules, now) == content_sha256 else None


class _Registry:
    """The registry while its lock is held."""

    def __init__(self, cursor: aiomysql.DictCursor, revision: int, content_sha256: str) -> None:
        self._cursor = cursor
        self._revision = revision
        self._content_sha256 = content_sha256
        self.versions: dict[str, list[Standard]] = {}

    async def _fetch(self, name: str) -> list[dict[str, Any]]:
        await self._cursor.execute(statement("standards", name))
        rows: list[dict[str, Any]] = await self._cursor.fetchall()
        return rows

    async def _heads(self) -> list[Standard]:
        return [Standard.from_row(row) for row in await self._fetch("heads")]

    async def adopt(self) -> bool:
        """Read the registry; give what was changed by hand a version, and say whether there was any."""
        for row in await self._fetch("versions"):
            self.versions.setdefault(row["code"], []).append(version_of(row))
        steps = [step for standard in await self._heads() for step in _steps_by_hand(standard, self.versions)]
        await self.write(steps, _BY_HAND)
        await self.log(steps, _BY_HAND, _CHANGED_BY_HAND, None)
        return bool(steps)

    async def write(self, steps: Sequence[Step], actor: str) -> None:
        """Write versions and statuses, then what metadata_standards shows of every standard concerned."""
        fresh = [step.standard for step in steps if step.before is None]
        if fresh:
            await self._cursor.executemany(
                statement("standards", "add_version"), [content_row(standard, actor) for standard in fresh]
            )
        moved = [(s.standard.status, s.standard.code, s.standard.version) for s in steps if s.before is not None]
        if moved:
            await self._cursor.executemany(statement("standards", "set_status"), moved)
        for step in steps:
            _take(self.versions, step)
        heads = [head_row(head(self.versions[code])) for code in dict.fromkeys(s.standard.code for s in steps)]
        if heads:
            await self._cursor.executemany(statement("standards", "put_head"), heads)

    async def log(self, steps: Sequence[Step], actor: str, reason: str, revision: int | None) -> None:
        """Say in the history who did this and why."""
        rows = [
            (s.standard.code, s.standard.version, s.before, s.standard.status, actor, s.because or reason, revision)
            for s in steps
        ]
        if rows:
            await self._cursor.executemany(statement("standards", "add_history"), rows)

    async def rules(self) -> tuple[datetime, list[Standard]]:
        """The database's time (aware), and what is judged by or counted."""
        (now,) = await self._fetch("now")
        candidates = [version_of(row) for row in await self._fetch("shadow_candidates")]
        return now["at"].replace(tzinfo=UTC), evaluated(await self._heads(), candidates)

    async def outcome(self, changes: Changes) -> Outcome:
        """Compile what is to be judged by and number it; raises RulesetError where the change is what does not."""
        now, rules = await self.rules()
        try:
            await asyncio.to_thread(Ruleset.compile, rules, 0, now)
        except RulesetError as error:
            if error.code in (None, *(step.standard.code for step in changes.steps)):
                raise
            return Outcome(changes, self._revision, str(error))
        return Outcome(changes, await self.number(now, rules))

    async def number(self, now: datetime, rules: list[Standard]) -> int:
        """The revision of this set: the present one if it is the same set, else one more."""
        digest = content_digest(rules, now)
        newest = (await self._fetch("newest_revision"))[0]["revision"]
        revision = self._revision if digest == self._content_sha256 else max(self._revision, newest) + 1
        if revision > newest:
            compressed = gzip.compress(rules_json(rules), mtime=0).hex()  # the driver cannot pass bytes
            await self._cursor.execute(statement("standards", "add_revision"), (revision, digest, compressed))
        await self._cursor.execute(statement("standards", "set_revision"), (revision, digest))
        self._revision, self._content_sha256 = revision, digest
        return int(revision)


@asynccontextmanager
async def _locked(database: Database) -> AsyncIterator[_Registry]:
    async with database.connection() as connection, connection.cursor(aiomysql.DictCursor) as cursor:
        # What others committed before we got the lock must be seen, also by TiDB, whose snapshot is older than that.
        await cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        await connection.begin()
        await cursor.execute(statement("standards", "lock"))
        row = await cursor.fetchone()
        if row is None:
            raise UserError("standard_registry: its one row is gone: insert one with id 1 and revision 0")
        yield _Registry(cursor, row["revision"], row["content_sha256"])
        await connection.commit()


def with_hand_made(versions: Registered, shown: Iterable[Standard]) -> dict[str, list[Standard]]:
    """The versions as they will be once somebody takes the lock: with what was changed by hand."""
    known = {code: list(standards) for code, standards in versions.items()}
    for standard in shown:
        for step in _steps_by_hand(standard, known):
            _take(known, step)
    return known


def _take(versions: dict[str, list[Standard]], step: Step) -> None:
    known = versions.setdefault(step.standard.code, [])
    known[:] = [*(v for v in known if v.version != step.standard.version), step.standard]
    known.sort(key=lambda version: version.version)


def _steps_by_hand(shown: Standard, versions: Registered) -> list[Step]:
    """What makes the versions say what metadata_standards shows."""
    known = versions.get(shown.code, [])
    recorded = next((version for version in known if version.version == shown.version), None)
    if recorded is not None and replace(recorded, id=shown.id, status=shown.status) == shown:
        return [] if recorded.status == shown.status else [Step(shown, recorded.status)]
    newest = max((version.version for version in known), default=0)
    number = shown.version if shown.version > newest else newest + 1
    new = replace(shown, version=number)
    return [*make_room(known, new), Step(new, None)]
