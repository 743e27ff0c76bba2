"""The counts of violations by four hours, from which a compliance report is made at the same cost at any size."""

from collections import Counter
from collections.abc import Iterable
from weakref import WeakSet

import aiomysql
from pymysql.err import MySQLError

from streams.plan import Violated
from streams.store import rows
from streams.store.database import Database
from streams.store.failures import error_code
from streams.store.statements import statement

BUCKET_SECONDS = 14_400
"""Also in the triggers and in the report; a whole number of them makes a day of UTC."""

_BUCKET_US = BUCKET_SECONDS * 1_000_000
_TRIGGERS = 3
_count_themselves: WeakSet[aiomysql.Connection] = WeakSet()
"""Connections whose trigger was told not to count."""
_NOT_OURS_TO_ASK = frozenset({1305, 1370, 1044, 1142, 1128})
"""There is no such function (which TiDB may say as 1305 or 1128), or we may not call it."""


def counts_statement(violated: Iterable[Violated]) -> str:
    """The statement that adds new violations, all of them open, to the counts; empty for none.

    One row a bucket and standard, in the order of the key, so that two writers lock in the same order. It is for
    a transaction that inserts these very violations, and counts them in place of the insert trigger:

        SET @cockpit_counted = 1; BEGIN; INSERT INTO metadata_violations …; <this statement>; COMMIT

    The caller guarantees three things:

    * every violation is one row that the INSERT adds. One that is there already (`ON DUPLICATE KEY UPDATE id = id`
      leaves it) would be counted again. So a record that may be stored in part is written with the variable at 0
      and without this statement: the trigger counts what is really added, and nothing for a row that was there.
    * the variable is what `who_counts` made it before each transaction that inserts violations. A connection keeps it
      from one to the next, for setting it twice in each was half of what the counts cost.
    * it is used only where `is_kept`: else nothing would subtract what is resolved or deleted.
    """
    counts = Counter((seen.detected_at_us // _BUCKET_US * BUCKET_SECONDS, seen.standard_id) for seen in violated)
    literals = [
        f"({bucket_start},{rows.repeated_text(standard_id)},CONNECTION_ID() MOD 8,{count},0)"
        for (bucket_start, standard_id), count in sorted(counts.items())
    ]
    return statement("rollup", "add").replace("(%s)", ",".join(literals), 1) if literals else ""


def who_counts(connection: aiomysql.Connection, ourselves: bool) -> str:
    """The statement after which a connection's insert trigger counts violations or leaves it to us; often none.

    To be sent with the next transaction: a connection on which that fails is closed.
    """
    if ourselves == (connection in _count_themselves):
        return ""
    (_count_themselves.add if ourselves else _count_themselves.discard)(connection)
    return f"SET @cockpit_counted = {ourselves:d}"


async def is_kept(database: Database) -> bool:
    """Whether this database keeps the counts exact: it has all the triggers, which migrations make on MariaDB only.

    A user without the TRIGGER privilege on the table sees none of them and asks the function that the migrations made,
    as a worker's and a reader's user may; without it, the answer is no.
    """
    if (await database.fetch_all(statement("rollup", "triggers")))[0]["found"] == _TRIGGERS:
        return True
    try:
        return bool((await database.fetch_all(statement("rollup", "kept")))[0]["kept"])
    except MySQLError as error:
        if error_code(error) in _NOT_OURS_TO_ASK:
            return False
        raise


async def recount(database: Database) -> None:
    """Count all violations anew, exactly, while others write: they wait, or one of the two is told to try again.

    For what fires no trigger: TRUNCATE, and loads of whole files.
    """
    begin = ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN")  # its locks keep out what it has not counted
    async with database.connection() as connection, connection.cursor() as cursor:
        for sql in (*begin, statement("rollup", "forget"), statement("rollup", "recount"), "COMMIT"):
            await cursor.execute(sql)
