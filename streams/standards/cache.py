"""The standards that a worker judges by: in memory, compiled, and replaced whole when the registry changes.

A set that does not compile is refused and the last good one stays; a worker that starts beside a bad table
takes the last good set from the database, so that all workers judge alike.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import mode
import structlog

from streams.errors import RetriableError, UserError
from streams.observability import metrics
from streams.standards.ruleset import Ruleset, RulesetError, content_digest
from streams.standards.standard import Standard
from streams.store import registry
from streams.store import standards as store
from streams.store.database import Database

log = structlog.get_logger(__name__)

_ATTEMPTS = 10


class StandardsCache(mode.Service):  # type: ignore[misc]
    """`current()` is the live ruleset; a poll replaces it within a second or two of a change."""

    def __init__(self, database: Database, poll_seconds: float, most_milliseconds: float | None = None) -> None:
        """A set with a rule that takes longer than `most_milliseconds` for a long value is refused."""
        super().__init__()
        self._most_milliseconds = most_milliseconds
        self._database = database
        self._poll_seconds = poll_seconds
        self._ruleset: Ruleset | None = None
        self._seen: object = None
        self._refused = False

    def current(self) -> Ruleset:
        """The live ruleset; `load` must have succeeded once."""
        assert self._ruleset is not None, "load() first"
        return self._ruleset

    async def load(self) -> Ruleset:
        """Load for the first time; falls back to the last good set, and raises UserError if there is none."""
        try:
            await self._reload()
        except RulesetError as error:
            self._refuse(error)
            last_good = await store.last_good_revision(self._database)
            if last_good is None:
                raise
            revision, standards = last_good
            now, _ = await store.fingerprint(self._database)
            self._install((await _compile(standards, now)).numbered(revision))
            metrics.STANDARDS_VERIFIED_AT.set_to_current_time()  # from now on it grows old, until the table is mended
        if not self.current().standards:
            raise UserError("metadata_standards: holds no active standard: run `cockpit migrate` to seed them")
        return self.current()

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _poll(self) -> None:
        await self.sleep(self._poll_seconds)
        while not self.should_stop:
            await self.refresh()
            await self.sleep(self._poll_seconds)

    async def refresh(self) -> None:
        """Look for a change once; whatever goes wrong, the last good set stays."""
        try:
            now, seen = await store.fingerprint(self._database)
            due = self.current().next_change_at
            if seen == self._seen and (due is None or due > now):
                metrics.STANDARDS_RELOAD.labels("unchanged").inc()
                if not self._refused:  # a refused set stays refused, however often it is found unchanged
                    metrics.STANDARDS_VERIFIED_AT.set_to_current_time()
                return
            await self._reload()
        except RulesetError as error:
            self._refuse(error)
        except RetriableError as error:
            metrics.STANDARDS_RELOAD.labels("failed").inc()
            log.warning("standards_not_read", error=str(error))

    async def _reload(self) -> None:
        """Compile what the registry holds, and judge by it once it has its number.

        The number is given only while the registry still holds what was compiled. A set with effective dates has
        another content when its hour comes, by the database's clock: so all workers number alike.
        """
        for _ in range(_ATTEMPTS):
            # Read before the rules are: a change in between is then noticed by the next poll.
            _, self._seen = await store.fingerprint(self._database)
            now, rules = await store.load_evaluated(self._database)
            current = self._ruleset
            if current is not None and content_digest(rules, now) == current.content_sha256:
                ruleset = current
            else:
                ruleset = await _compile(rules, now, self._most_milliseconds)
            revision = await registry.register(self._database, ruleset.content_sha256)
            if revision is not None:
                self._install(ruleset.numbered(revision))
                self._refused = False
                metrics.STANDARDS_VERIFIED_AT.set_to_current_time()
                return
        self._seen = None
        raise RetriableError("metadata_standards: changes faster than it can be compiled; trying again")

    def _install(self, ruleset: Ruleset) -> None:
        if self._ruleset is None or ruleset.revision != self._ruleset.revision:
            log.info("standards_live", revision=ruleset.revision, standards=len(ruleset.standards))
        self._ruleset = ruleset
        metrics.STANDARDS_REVISION.set(ruleset.revision)
        metrics.STANDARDS_RELOAD.labels("changed").inc()

    def _refuse(self, error: RulesetError) -> None:
        self._refused = True
        metrics.STANDARDS_RELOAD.labels("refused").inc()
        kept = self._ruleset.revision if self._ruleset else None
        log.error("standards_refused", error=str(error), kept_revision=kept)


async def _compile(standards: Iterable[Standard], now: datetime, most_milliseconds: float | None = None) -> Ruleset:
    """In a thread: ten thousand rules take seconds to compile, and batches go on meanwhile."""
    return await asyncio.to_thread(Ruleset.compile, standards, 0, now, most_milliseconds=most_milliseconds)
