"""A server that speaks MySQL's protocol and answers what `cockpit tiflash` asks as a TiDB with TiFlash does.

No TiDB runs where the tests run. What it answers is written after TiDB's documentation and sources (8.5): the version
string, information_schema.tiflash_replica, plans whose task names the storage, error 1105 for more replicas than
nodes, error 9012 where TiFlash gave up waiting for its replica. A statement that it does not expect is a syntax error.
"""

import re
import socketserver
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

VERSION = "8.0.11-TiDB-v8.5.4"
_CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000
_AUTOCOMMIT = 0x2
_TEXT, _NUMBER, _REAL = 0xFD, 0x08, 0x05
_OK = b"\x00\x00\x00" + struct.pack("<HH", _AUTOCOMMIT, 0)

Rows = list[dict[str, Any]]


class ServerError(Exception):
    """Sent to the client as MySQL's error packet."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class TiDB:
    """The server's state, which a test may change at any time."""

    tiflash_nodes: int = 1
    lag_seconds: float = 0.0
    wait_seconds: float = 0.2
    """How long TiFlash waits for its replica before it gives up; really five minutes."""
    follows_hints: bool = True
    empty_tables: set[str] = field(default_factory=set)
    replicas: dict[str, int] = field(default_factory=dict)
    progress: dict[str, float] = field(default_factory=dict)
    canary: int | None = None
    has_canary_table: bool = False
    statements: list[str] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)
    port: int = 0
    _lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"mysql://cockpit:secret@127.0.0.1:{self.port}/devguide_cockpit"

    def build_all(self) -> None:
        """Let every replica be built."""
        self.progress = dict.fromkeys(self.replicas, 1.0)

    def answer(self, sql: str) -> Rows | None:
        """The rows of a query, or None for a statement without any; raises ServerError."""
        with self._lock:
            self.statements.append(sql)
        text = " ".join(sql.split())
        for pattern, handler in _HANDLERS:
            if match := re.fullmatch(pattern, text, re.IGNORECASE):
                return handler(self, *match.groups())
        raise ServerError(1064, f"You have an error in your SQL syntax; check the manual near {text[:40]!r}")

    def _version(self) -> Rows:
        return [{"version": VERSION}]

    def _alter(self, table: str, count: str) -> None:
        wanted = int(count)
        if wanted > self.tiflash_nodes:
            raise ServerError(
                1105,
                f"the tiflash replica count: {wanted} should be less than the total tiflash server count:"
                f" {self.tiflash_nodes}",
            )
        self.replicas[table], self.progress[table] = wanted, 0.0

    def _create(self) -> None:
        self.has_canary_table = True

    def _list(self) -> Rows:
        return [
            {
                "table_name": table,
                "replicas": count,
                "available": int(self.progress[table] >= 1),
                "progress": self.progress[table],
            }
            for table, count in self.replicas.items()
            if count
        ]

    def _sing(self, seq: str) -> None:
        if not self.has_canary_table:
            raise ServerError(1146, "Table 'devguide_cockpit.tiflash_canary' doesn't exist")
        self.canary = max(self.canary or 0, int(seq))

    def _some(self, table: str) -> Rows:
        return [] if table in self.empty_tables else [{"id": "6f1c1f0e-0000-5000-8000-000000000000"}]

    def _explain(self, table: str, rest: str) -> Rows:
        task = "mpp[tiflash]" if self._in_tiflash(table) else "cop[tikv]"
        steps = (("HashAgg_20", "root"), ("└─TableReader_22", "root"), ("  └─TableFullScan_21", task))
        names = ("id", "estRows", "task", "access object", "operator info")
        return [dict(zip(names, (name, "1.00", task, f"table:{table}", ""), strict=True)) for name, task in steps]

    def _hear(self, table: str, rest: str) -> Rows:
        if self._in_tiflash(table):
            self.stopping.wait(min(self.lag_seconds, self.wait_seconds))
            if self.lag_seconds > self.wait_seconds:
                raise ServerError(9012, "TiFlash server timeout")
        if match := re.search(r"seq >= (\d+)", rest):
            return [{"seen": int(self.canary is not None and self.canary >= int(match[1]))}]
        return [{"seen": 1}]

    def _in_tiflash(self, table: str) -> bool:
        return self.follows_hints and self.progress.get(table, 0) >= 1

    def _nothing(self) -> None:
        return None


_READ = r"SELECT /\*\+ READ_FROM_STORAGE\(TIFLASH\[(\w+)\]\) \*/ COUNT\(\*\) AS seen (FROM .*)"
_HANDLERS: tuple[tuple[str, Any], ...] = (
    (r"(?:SET|COMMIT|ROLLBACK|BEGIN)\b.*", TiDB._nothing),
    (r"SELECT VERSION\(\) AS version", TiDB._version),
    (r"ALTER TABLE (\w+) SET TIFLASH REPLICA (\d+)", TiDB._alter),
    (r"CREATE TABLE IF NOT EXISTS tiflash_canary .*", TiDB._create),
    (r"SELECT TABLE_NAME AS table_name, .* FROM information_schema.tiflash_replica WHERE .*", TiDB._list),
    (r"INSERT INTO tiflash_canary \(id, seq\) VALUES \(1, (\d+)\) .*", TiDB._sing),
    (r"SELECT id FROM (\w+) WHERE id >= '.*' ORDER BY id LIMIT 1", TiDB._some),
    (_READ, TiDB._hear),
    ("EXPLAIN " + _READ, TiDB._explain),
)


class _Connection(socketserver.BaseRequestHandler):
    """One client: the handshake, then a packet for a packet. Whoever knows the address is let in."""

    server: "_Server"

    def handle(self) -> None:
        self._sequence = 0
        self._send(_greeting())
        if self._receive() is None:
            return
        self._send(_OK)
        while packet := self._receive():
            command, body = packet[0], packet[1:]
            if command == 0x01:  # quit
                return
            if command == 0x03:  # query
                self._query(body.decode())
            else:  # ping
                self._send(_OK)

    def _query(self, sql: str) -> None:
        try:
            rows = self.server.tidb.answer(sql)
        except ServerError as error:
            self._send(b"\xff" + struct.pack("<H", error.code) + b"#HY000" + str(error).encode())
            return
        if rows is None:
            self._send(_OK)
            return
        columns = list(rows[0]) if rows else ["empty"]
        self._send(bytes([len(columns)]))
        for name in columns:
            self._send(_column(name, rows[0][name] if rows else ""))
        self._send(_END)
        for row in rows:
            self._send(b"".join(_text(str(value)) for value in row.values()))
        self._send(_END)

    def _send(self, payload: bytes) -> None:
        self.request.sendall(struct.pack("<I", len(payload))[:3] + bytes([self._sequence]) + payload)
        self._sequence = (self._sequence + 1) % 256

    def _receive(self) -> bytes | None:
        head = self._exactly(4)
        if head is None:
            return None
        self._sequence = (head[3] + 1) % 256
        return self._exactly(int.from_bytes(head[:3], "little"))

    def _exactly(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                piece = self.request.recv(size - len(data))
            except OSError:
                return None
            if not piece:
                return None
            data += piece
        return data


_END = b"\xfe" + struct.pack("<HH", 0, _AUTOCOMMIT)


def _greeting() -> bytes:
    low, high = _CAPABILITIES & 0xFFFF, _CAPABILITIES >> 16
    return (
        b"\x0a" + VERSION.encode() + b"\0" + struct.pack("<I", 1) + b"12345678\0"
        + struct.pack("<HBHHB", low, 46, _AUTOCOMMIT, high, 21) + bytes(10) + b"123456789012\0"
        + b"mysql_native_password\0"
    )  # fmt: skip


def _column(name: str, value: Any) -> bytes:
    kind = _NUMBER if isinstance(value, int) else _REAL if isinstance(value, float) else _TEXT
    names: Sequence[str] = ("def", "", "", "", name, name)
    return b"".join(map(_text, names)) + b"\x0c" + struct.pack("<HIBHB", 46, 1024, kind, 0, 0) + bytes(2)


def _text(value: str) -> bytes:
    data = value.encode()
    assert len(data) < 251
    return bytes([len(data)]) + data


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    tidb: TiDB


@contextmanager
def tidb_server(**state: Any) -> Iterator[TiDB]:
    """A running server; its state is what the block gets."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        server.tidb = TiDB(**state)
        server.tidb.port = server.server_address[1]
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.tidb
        finally:
            server.tidb.stopping.set()
            server.shutdown()
            thread.join()
