"""What the database server must allow for our largest transactions to pass."""

from streams.errors import UserError
from streams.store.database import Database

LEAST_PACKET_BYTES = 16 << 20
"""A call of a transaction is 4 MB, or one statement: a million characters of rows, or a package of announcements, at
most 4 MB compressed and written as hexadecimal digits. MariaDB's default is this, MySQL 8's and TiDB's are 64 MB."""


async def require_packets(database: Database) -> None:
    """Raise UserError where a packet of ours would be refused: it would be sent again for ever."""
    (row,) = await database.fetch_all("SELECT @@max_allowed_packet AS packet_bytes")
    if (found := int(row["packet_bytes"])) < LEAST_PACKET_BYTES:
        raise UserError(
            f"database: max_allowed_packet is {found} bytes: set it to {LEAST_PACKET_BYTES} or more, or a group of"
            " large records would never be stored"
        )
