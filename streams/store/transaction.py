"""The one transaction in which a group of records is stored: all rows of each, or nothing."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from time import perf_counter

import aiomysql
import structlog
from pymysql import err

from streams.crash_points import reach
from streams.observability import metrics
from streams.plan import Plan, Violated
from streams.store import outbox, rollup, rows
from streams.store.database import Database
from streams.store.failures import error_code
from streams.store.incidents import incident_rows, keep_statement
from streams.store.replays import known_violations
from streams.store.statements import statement
from streams.store.steps import Step, calls, chunks

log = structlog.get_logger(__name__)

TABLES = (
    "filesystem_timestamps",
    "clock_sync_status",
    "submissions",
    "clock_states",
    "clock_peer_alerts",
    "metadata_violations",
)
"""In the order in which they are written; every transaction locks in this order."""

_DUPLICATE_KEY = 1062


class AlreadyStored(Exception):
    """Some record of the group has rows in the database already; nothing was written."""


class Transactions:
    """Writes groups of plans. The database says what went wrong by the errors of `streams.errors`."""

    def __init__(self, database: Database, statement_seconds: float, *, reopen_seconds: float = 604_800) -> None:
        """A violation reopens an incident resolved at most `reopen_seconds` ago; later it begins a new episode."""
        self._database = database
        self._statement_seconds = statement_seconds
        self._keep_incidents = keep_statement(reopen_seconds)
        self._adds_counts = False

    async def prepare(self) -> None:
        """Learn whether this database keeps counts of violations; without that its triggers count each row."""
        self._adds_counts = await rollup.is_kept(self._database)

    async def write(
        self,
        plans: Sequence[Plan],
        announced: Iterable[str] = (),
        packages: Sequence[outbox.Package] | None = None,
        *,
        over_old_violations: bool = False,
    ) -> list[str]:
        """Commit all rows of the plans and their announcements.

        The whole transaction is one text of many statements, from BEGIN to COMMIT: one round trip for a small
        group instead of six. The server stops at the first statement that fails and never sees the COMMIT.

        Args:
            plans: none of them a duplicate or a dead letter.
            announced: ids of outbox rows that Kafka has acknowledged; they are deleted along the way.
            packages: the plans' announcements. Whoever writes again because the outcome is unknown gives the same:
                if they are in the outbox, all of it was committed then, and this is the answer to it.
            over_old_violations: leave violations that are there already as they are, and let the triggers count
                those that are not: for records whose own rows were deleted and whose violations were kept.

        Returns:
            The ids of the outbox rows that now hold the plans' announcements.

        Raises:
            AlreadyStored: nothing was written; ask `known_ids` which record it was.
            RetriableError, PermanentError: nothing was written, or the outcome is unknown and the same
                write is safe to repeat.
        """
        packages = outbox.packages_of(plans) if packages is None else packages
        violated = [seen for plan in plans for seen in plan.violations]
        new = await self._not_recorded(violated) if over_old_violations else violated
        inserts = [*self._incidents(new), *_inserts(plans, over_old_violations)]
        adds_counts = self._adds_counts and not over_old_violations
        if adds_counts and (counts := rollup.counts_statement(violated)):
            inserts.append(Step(counts))
        steps = [Step("BEGIN"), *inserts, *_outbox_steps(packages, announced), Step("COMMIT")]
        started = perf_counter()
        try:  # an error closes the connection: nothing stays behind
            async with self._database.connection() as connection, connection.cursor() as cursor:
                if violated and (who_counts := rollup.who_counts(connection, adds_counts)):
                    steps = [Step(who_counts), *steps]
                await self._run(cursor, steps)
        except AlreadyStored:
            if not await self._holds(packages):
                raise
            log.info("commit_recognised", records=len(plans))
        reach("after_commit")
        metrics.STORE.labels("transaction").observe(perf_counter() - started)
        for step in inserts:
            if step.table:
                metrics.ROWS_WRITTEN.labels(step.table).inc(step.rows)
        return [package.id for package in packages]

    async def _holds(self, packages: Sequence[outbox.Package]) -> bool:
        """Whether these packages were committed, and nobody has swept them up since: the first tells for all."""
        return bool(packages and await self._database.fetch_all(statement("record", "held"), (packages[0].id,)))

    async def _not_recorded(self, violated: Sequence[Violated]) -> list[Violated]:
        known = await known_violations(self._database, [seen.id for seen in violated])
        return [seen for seen in violated if seen.id not in known]

    def _incidents(self, violated: Iterable[Violated]) -> Iterator[Step]:
        """Before the violations: whoever changes the status of violations locks their incident first, too."""
        before, after = self._keep_incidents
        for chunk in chunks(incident_rows(violated)):
            yield Step(before + ",".join(chunk) + after)

    async def _run(self, cursor: aiomysql.Cursor, steps: Sequence[Step]) -> None:
        clock = asyncio.get_running_loop().time
        async with asyncio.timeout(None) as limit:
            for call in calls(steps):
                # The text holds values already, so it must not be formatted: no arguments are passed.
                advance = cursor.execute(";".join([step.sql for step in call]))
                for step in call:
                    started = perf_counter()
                    limit.reschedule(clock() + self._statement_seconds)
                    try:
                        await advance
                        reach("in_transaction")
                    except err.IntegrityError as error:
                        if error_code(error) != _DUPLICATE_KEY:
                            raise
                        raise AlreadyStored from None
                    if step.table:
                        metrics.STORE.labels(f"insert_{step.table}").observe(perf_counter() - started)
                    advance = cursor.nextset()
                await advance  # past the last: there is none, and the connection is free


def _inserts(plans: Sequence[Plan], over_old_violations: bool) -> Iterator[Step]:
    """Multi-row INSERTs, by table in the order of TABLES."""
    by_table: dict[str, list[str]] = {table: [] for table in TABLES}
    for plan in plans:
        for table, literals in plan.rows.items():
            by_table[table] += literals
    for table, literals in by_table.items():
        before, after = statement("record", table).split("(%s)")
        if over_old_violations and table == "metadata_violations":
            after += "\nON DUPLICATE KEY UPDATE id = id"
        for chunk in chunks(literals):
            yield Step(before + ",".join(chunk) + after, table, len(chunk))
    before, after = statement("record", "standard_shadow_counts").split("(%s)")
    for chunk in chunks(_shadow_rows(plans)):
        yield Step(before + ",".join(chunk) + after)


def _shadow_rows(plans: Sequence[Plan]) -> list[str]:
    """What rules in shadow would have found, added up: a row a rule, day and partition, in the order of their key."""
    counts: Counter[tuple[str, int, str, int]] = Counter()
    for plan in plans:
        for (code, version), count in plan.shadow.items():
            counts[code, version, plan.record.topic, plan.record.partition] += count
    if not counts:
        return []
    day = datetime.now(UTC).date().isoformat()
    return [
        rows.row(rows.text(code), str(version), f"'{day}'", rows.repeated_text(topic), str(partition), str(count))
        for (code, version, topic, partition), count in sorted(counts.items())
    ]


def _outbox_steps(packages: Iterable[outbox.Package], announced: Iterable[str]) -> Iterator[Step]:
    for package_id, package in packages:
        yield Step(statement("record", "outbox").replace("%s", f"'{package_id}',{rows.binary(package)}", 1))
    if ids := ",".join(f"'{package_id}'" for package_id in announced):
        yield Step(statement("record", "forget_announced").replace("%s", ids, 1))
