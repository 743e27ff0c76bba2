"""How a group gets into the database, whatever the database says to it.

write ─┬─ database away         wait and write the same again; nothing is dead-lettered
       ├─ lost at COMMIT        write the same again: what was committed is recognised, and still to be announced
       ├─ record there already  it is a duplicate: write the rest
       └─ data refused          halve the group until the one record is alone: it is a dead letter
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

import structlog

from streams.errors import PermanentError, RetriableError
from streams.kafka.lease import Lease
from streams.observability import metrics
from streams.observability.health import Health
from streams.plan import DeadLetter, Plan
from streams.store import outbox
from streams.store.recall import Recall
from streams.store.retrying import until_it_answers
from streams.store.transaction import AlreadyStored, Transactions

log = structlog.get_logger(__name__)
Result = TypeVar("Result")


class Abandoned(Exception):
    """The group's partitions were given to another worker: it must not be written by us."""


class Storing:
    """Writes one group after the other, and remembers which outbox rows may go with the next."""

    def __init__(self, transactions: Transactions, recall: Recall, health: Health, lease: Lease) -> None:
        self._transactions = transactions
        self._recall = recall
        self._health = health
        self._lease = lease
        self._announced: list[str] = []
        self._replaying = False

    async def store(self, plans: Sequence[Plan], is_ours: Callable[[], bool]) -> list[str]:
        """Commit every plan that is neither duplicate nor dead; mark those that turn out to be either.

        Returns the ids of the outbox rows that hold what is to be announced.
        """
        live = [plan for plan in plans if not plan.duplicate and plan.dead_letter is None]
        if self._replaying:
            live = await self._without_known(live)
        over_old_violations = False
        while live:
            try:
                return await self._write(live, is_ours, over_old_violations)
            except AlreadyStored:
                rest = await self._without_known(live)
                if len(rest) == len(live) and over_old_violations:
                    raise RuntimeError(
                        f"rows collide with other rows than their own: {live[0].anchor_table} {live[0].anchor}"
                    ) from None
                over_old_violations = len(rest) == len(live)
                live = rest
            except PermanentError as error:
                if len(live) == 1:
                    live[0].dead_letter = DeadLetter("refused_by_database", "store", str(error))
                    return []
                half = len(live) // 2
                first = await self.store(live[:half], is_ours)
                return first + await self.store(live[half:], is_ours)
        return []

    async def _write(self, live: Sequence[Plan], is_ours: Callable[[], bool], over_old_violations: bool) -> list[str]:
        async def attempt() -> list[str]:
            if not (await self._lease.holds() and is_ours()):
                raise Abandoned
            return await self._transactions.write(live, announced, packages, over_old_violations=over_old_violations)

        # Made once, not in each attempt: by their ids an attempt recognises that one before it was committed.
        packages = outbox.packages_of(live)
        announced, self._announced = self._announced, []
        try:
            return await self.retrying(attempt)
        except BaseException:
            self._announced += announced
            raise

    async def _without_known(self, live: Sequence[Plan]) -> list[Plan]:
        """Mark the plans whose rows are in the database as duplicates; the others are returned."""
        anchors = defaultdict(list)
        for plan in live:
            if plan.from_timer:
                continue
            anchors[plan.anchor_table].append(plan.anchor)
        known: set[str] = set()
        for table, ids in anchors.items():
            known |= await self.retrying(partial(self._recall.known_ids, table, ids))
        for plan in live:
            if plan.anchor in known:
                plan.become_duplicate()
        self._replaying = bool(known)
        return [plan for plan in live if not plan.duplicate]

    def announced(self, packages: Iterable[str]) -> None:
        """Kafka has what these outbox rows hold: they are deleted along with the next group."""
        self._announced += packages

    async def forget_announced(self) -> None:
        """Delete the outbox rows that are announced, for no group comes."""
        if not self._announced:
            return
        announced, self._announced = self._announced, []
        try:
            await self._transactions.write((), announced)
        except RetriableError:
            self._announced += announced

    async def retrying(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        """The operation's result, however long the database is away; every other error is raised."""
        try:  # without the machinery of retries, which costs as much as the round trip of a small query
            return await self._observed(operation)
        except RetriableError:
            pass
        return await until_it_answers(partial(self._observed, operation))

    async def _observed(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        try:
            result = await operation()
        except RetriableError as error:
            self._health.database_answers = False
            metrics.STORE_RETRIES.inc()
            log.warning("database_away", error=str(error))
            raise
        self._health.database_answers = True
        return result
