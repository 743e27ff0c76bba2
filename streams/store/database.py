"""Connections to the database: a pool that never hands out a connection it cannot trust."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiomysql

from streams.errors import UserError
from streams.settings import Settings
from streams.store import tls
from streams.store.failures import classify, is_access_error

_SESSION = (
    "SET time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)
_CONNECT_SECONDS = 10
_RECYCLE_SECONDS = 300
"""TiDB Cloud may cut connections that are older than half an hour."""


class Database:
    """A pool of connections in UTC, strict mode and autocommit, to one database.

    A connection is returned to the pool only when the block that borrowed it ended well; after an error or a
    cancellation its protocol state is unknown and it is closed.
    """

    def __init__(self, settings: Settings, *, connections: int | None = None) -> None:
        self._address = settings.database
        self._statement_seconds = settings.database_statement_timeout_seconds
        self._pool: aiomysql.Pool | None = None
        self._connections = connections or settings.database_connections

    async def __aenter__(self) -> "Database":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Make the pool and its first connection; raises UserError (refused) or RetriableError (away)."""
        address = self._address
        self._pool = await aiomysql.create_pool(
            minsize=0,
            maxsize=self._connections,
            echo=False,
            pool_recycle=_RECYCLE_SECONDS,
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            db=address.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
            init_command=_SESSION,
            ssl=tls.context(address),
            local_infile=False,
        )
        async with self.connection():
            pass

    async def close(self) -> None:
        """Close every connection; the object can be opened again."""
        if self._pool is not None:
            self._pool.terminate()
            await self._pool.wait_closed()
            self._pool = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[aiomysql.Connection]:
        """Borrow a connection; driver errors leave the block as ours where they mean "try again" or "never"."""
        pool = self._pool
        assert pool is not None, "open() first"
        try:
            async with asyncio.timeout(_CONNECT_SECONDS + 5):
                connection = await pool.acquire()
        except Exception as error:
            raise self._refused(error) from error
        healthy = False
        try:
            yield connection
            healthy = True
        except Exception as error:
            if (known := classify(error)) is not None:
                raise known from error
            raise
        finally:
            if not healthy:
                connection.close()
            pool.release(connection)

    def _refused(self, error: Exception) -> Exception:
        if isinstance(error, tls.NotOffered):
            return UserError(
                f"COCKPIT_DATABASE_URL: {self._address}: {error}: we would send the password in plain text"
            )
        if isinstance(error.__cause__, ssl.SSLError):
            reason = getattr(error.__cause__, "verify_message", None) or error.__cause__.reason
            return UserError(f"COCKPIT_DATABASE_URL: {self._address}: TLS: {reason}: check host, ca= and the server")
        if is_access_error(error):
            code, text = error.args[:2]
            return UserError(f"COCKPIT_DATABASE_URL: {self._address} refuses us: {code} {text}")
        if (known := classify(error)) is not None:
            return known
        return error

    async def fetch_all(self, sql: str, arguments: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one query and return its rows as dicts of column to value."""
        async with self.connection() as connection, connection.cursor(aiomysql.DictCursor) as cursor:
            async with asyncio.timeout(self._statement_seconds):
                await cursor.execute(sql, arguments or None)
            rows: list[dict[str, Any]] = await cursor.fetchall()
            return rows

    async def execute(self, sql: str, arguments: Sequence[Any] = ()) -> int:
        """Run one statement in a transaction of its own and return the number of rows it changed."""
        async with self.connection() as connection, connection.cursor() as cursor:
            async with asyncio.timeout(self._statement_seconds):
                await cursor.execute(sql, arguments or None)
            return int(cursor.rowcount)
