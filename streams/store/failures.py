"""What an error of the database means: try again, give this data up, or a bug.

Codes are those of MySQL, MariaDB and TiDB. A lost connection at COMMIT leaves the outcome unknown; trying
again is right there too, because every row's id is derived from what caused it.
"""

import asyncio

from pymysql import err

from streams.errors import CockpitError, PermanentError, RetriableError

RETRIABLE_CODES = frozenset(
    {
        1021, 1114, 3,  # disk or table space full: an operator frees it
        1040, 1203, 1226,  # too many connections
        1053, 1077, 1079, 1152, 1153, 1158, 1159, 1160, 1161, 1184, 1927, 4031,  # shutting down or connection killed
        1105,  # unknown error: TiDB wraps storage errors in it
        1205, 1213, 1317, 3024, 1969, 1020, 1180,  # lock wait, deadlock, interrupted, statement timeout, conflict
        1290, 1792, 1836, 1209, 3100,  # read-only: a failover is going on
        2002, 2003, 2006, 2013, 2014, 2027, 2055,  # the connection could not be made or was lost
        8002, 8005, 8022, 8027, 8028, 8120, 8147, 8229, 8252,  # TiDB: conflict, schema changed, quota
        9001, 9002, 9003, 9004, 9005, 9006, 9007, 9008, 9010, 9012, 9013,  # TiDB: PD, TiKV or TiFlash busy or away
    }
)  # fmt: skip

DATA_CODES = frozenset(
    {
        1048, 1118, 1264, 1265, 1292, 1300, 1364, 1366, 1406, 1411, 1416, 1451, 1452,
        1644, 3140, 3141, 3819, 3988, 4025, 4078, 8004, 8025,
    }
)  # fmt: skip
"""The data itself is refused: out of range, too long, wrong character set, a constraint, a trigger's SIGNAL."""

_ACCESS_CODES = frozenset({1044, 1045, 1049, 1130, 1142, 1143, 1146, 1054, 1227, 1370, 3159})


def classify(error: BaseException) -> CockpitError | None:
    """Turn an error of the driver into one of ours; None: not a database matter, or a bug of ours.

    Errors of access or schema (wrong password, missing table) are None too once the worker runs: they crash
    it with the server's own words, because no waiting mends them.
    """
    code = error_code(error)
    text = _one_line(error)
    if isinstance(
        error, TimeoutError | asyncio.TimeoutError | ConnectionError | EOFError | asyncio.IncompleteReadError
    ):
        return RetriableError(text or error.__class__.__name__)
    if code in RETRIABLE_CODES:
        return RetriableError(text)
    if code in DATA_CODES or isinstance(error, err.DataError):
        return PermanentError(text, code)
    if isinstance(error, err.InterfaceError | err.InternalError) and code not in _ACCESS_CODES:
        return RetriableError(text)  # the driver lost step with the server: only a new connection helps
    if isinstance(error, OSError) and not isinstance(error, err.MySQLError):
        return RetriableError(text)
    return None


def error_code(error: BaseException) -> int | None:
    """The server's error number, where the driver gave one."""
    if isinstance(error, err.MySQLError) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    return None


def is_access_error(error: BaseException) -> bool:
    """Whether the server refused who we are or what we ask for (wrong password, no such database or table)."""
    return error_code(error) in _ACCESS_CODES


def _one_line(error: BaseException) -> str:
    text = " ".join(str(part) for part in error.args) or error.__class__.__name__
    return " ".join(text.split())[:500]
