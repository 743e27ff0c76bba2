"""The floor: as little as can be done for a row of `filesystem_timestamps` from Python; no peer, for it judges nothing.

Raw getmany, one JSON decoding, tab-separated text, LOAD DATA LOCAL, commit. Nothing is checked, no violations, and
no id is derived: the event's id is the row's, and stands for the path's key too.
"""

from typing import Any

import aiomysql
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer
from aiomysql import connection as driver

from benchmarks.peers.database import options
from benchmarks.peers.settings import load_peer_settings
from benchmarks.peers.stopping import stop_requested
from streams.times import clamped_timestamp_text

_BATCH_RECORDS = 5000
_PACKET_BYTES = 1 << 20
_SQL = """
LOAD DATA LOCAL INFILE 'memory' INTO TABLE filesystem_timestamps CHARACTER SET utf8mb4
(id, file_path, path_key, atime, mtime, ctime, atime_ns, mtime_ns, ctime_ns, git_commit_sha, birthtime_ns, size_bytes,
 inode, device, sha256, host, captured_at, platform, filesystem_type, event_id, source_partition, source_offset)
"""


class MemoryFile:
    """Stands in for aiomysql's LoadLocalFile: whatever file the server asks for, it gets the text that is meant."""

    text = b""

    def __init__(self, filename: str, connection: aiomysql.Connection) -> None:
        self._connection = connection

    async def send_data(self) -> None:
        for start in range(0, len(self.text), _PACKET_BYTES):
            self._connection.write_packet(self.text[start : start + _PACKET_BYTES])
        self._connection.write_packet(b"")


driver.LoadLocalFile = MemoryFile


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _or_null(value: Any) -> Any:
    return "\\N" if value is None else value


def lines(value: bytes, partition: int, offset: int) -> list[str]:
    """A line of the file for each file of the event."""
    event = orjson.loads(value)
    event_id = event["event_id"]
    captured_at = event["captured_at"].removesuffix("Z")
    platform, filesystem_type = _or_null(event.get("platform")), _or_null(event.get("filesystem_type"))
    shared = f"{event['host']}\t{captured_at}\t{platform}\t{filesystem_type}\t{event_id}\t{partition}\t{offset}\n"
    made = []
    for index, file in enumerate(event["files"]):
        get = file.get
        row_id = f"{event_id[:-4]}{index:04x}" if index else event_id
        atime_ns, mtime_ns, ctime_ns = int(file["atime_ns"]), int(file["mtime_ns"]), int(file["ctime_ns"])
        made.append(
            f"{row_id}\t{_escaped(file['file_path'])}\t{row_id[-16:]}\t{clamped_timestamp_text(atime_ns)}\t"
            f"{clamped_timestamp_text(mtime_ns)}\t{clamped_timestamp_text(ctime_ns)}\t{atime_ns}\t{mtime_ns}\t"
            f"{ctime_ns}\t{_or_null(get('git_commit_sha'))}\t{_or_null(get('birthtime_ns'))}\t"
            f"{_or_null(get('size_bytes'))}\t{_or_null(get('inode'))}\t{_or_null(get('device'))}\t"
            f"{_or_null(get('sha256'))}\t{shared}"
        )
    return made


async def main() -> None:
    settings = load_peer_settings()
    known = options(settings) | {"autocommit": True, "local_infile": True}
    connection = await aiomysql.connect(db=known.pop("database"), **known)
    consumer = AIOKafkaConsumer(
        settings.topic,
        bootstrap_servers=settings.bootstrap,
        group_id=settings.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        stop = stop_requested()
        async with connection.cursor() as cursor:
            while not stop.is_set():
                fetched = await consumer.getmany(timeout_ms=200, max_records=_BATCH_RECORDS)
                if not fetched:
                    continue
                records = [record for batch in fetched.values() for record in batch]
                text = [line for r in records for line in lines(r.value, r.partition, r.offset)]
                MemoryFile.text = "".join(text).encode()
                await cursor.execute(_SQL)
                await consumer.commit()
    finally:
        await consumer.stop()
        connection.close()


if __name__ == "__main__":
    uvloop.run(main())
