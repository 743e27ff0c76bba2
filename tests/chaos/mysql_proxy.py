"""A proxy that speaks enough of MySQL's protocol to answer in the server's place, statement by statement.

A packet is three bytes of length, one of sequence, and a payload; a command has the sequence 0 and begins with its
kind. The server answers each statement of a text with a packet of its own, whose first byte tells success (0) or an
error (255); a flag in it tells whether more answers follow.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.tcp_proxy import TcpProxy, first_of

_QUERY = 3
_OK, _ERROR = 0, 255
_MORE_RESULTS = 8


@dataclass(frozen=True)
class Refuse:
    """The server's error in place of the statement's execution."""

    code: int
    message: str = "injected"


@dataclass(frozen=True)
class RefuseAtCommit:
    """All of the transaction runs, and its COMMIT is answered by this error: nothing is stored."""

    code: int
    message: str = "injected"


@dataclass(frozen=True)
class CutInside:
    """The connection breaks while the text is on its way: the server gets half of it."""


@dataclass(frozen=True)
class CutAtCommit:
    """The connection breaks after COMMIT and before its answer: stored, and the client does not know."""


@dataclass(frozen=True)
class Delay:
    """The statement reaches the server so much later."""

    seconds: float


Action = Refuse | RefuseAtCommit | CutInside | CutAtCommit | Delay
Rule = Callable[[bytes], Action | None]


def writes(text: bytes) -> bool:
    """Whether this is the text of a transaction of ours that stores records."""
    return text.rstrip().endswith(b"COMMIT") and b"INSERT INTO" in text


class MySqlProxy(TcpProxy):
    """`rule` sees the text of every statement and says what becomes of it; None: it passes."""

    rule: Rule | None = None
    acted = 0
    """How often the rule did something."""
    written = 0
    """Texts of transactions that store records, passed or not."""

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream_reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        session = _Session(self, reader, writer, upstream_reader, upstream)
        await first_of(session.requests(), session.answers())


class _Session:
    def __init__(
        self,
        proxy: MySqlProxy,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream_reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        self._proxy, self._reader, self._writer = proxy, reader, writer
        self._upstream_reader, self._upstream = upstream_reader, upstream
        self._at_commit: RefuseAtCommit | CutAtCommit | None = None

    async def requests(self) -> None:
        while True:
            sequence, payload = await _packet(self._reader)
            if sequence != 0 or payload[:1] != bytes([_QUERY]):
                await self._proxy.pass_on(self._upstream, _framed(sequence, payload))
                continue
            self._proxy.written += writes(payload)
            action = self._proxy.rule(payload[1:]) if self._proxy.rule else None
            self._proxy.acted += action is not None
            if isinstance(action, Refuse):
                await self._proxy.pass_on(self._writer, _error(1, action.code, action.message))
            elif isinstance(action, CutInside):
                self._upstream.write(_framed(0, payload)[: len(payload) // 2])
                await self._upstream.drain()
                return
            else:
                await self._forward(payload, action)

    async def _forward(self, payload: bytes, action: Action | None) -> None:
        if isinstance(action, Delay):
            await asyncio.sleep(action.seconds)
        elif isinstance(action, RefuseAtCommit):
            payload = payload.rstrip().removesuffix(b"COMMIT") + b"ROLLBACK"
            self._at_commit = action
        elif isinstance(action, CutAtCommit):
            self._at_commit = action
        await self._proxy.pass_on(self._upstream, _framed(0, payload))

    async def answers(self) -> None:
        while True:
            sequence, payload = await _packet(self._upstream_reader)
            action = self._at_commit
            if action is not None and not _more_follow(payload):
                self._at_commit = None
                if payload[0] != _ERROR:  # else the server was faster with an error of its own
                    if isinstance(action, CutAtCommit):
                        return
                    await self._proxy.pass_on(self._writer, _error(sequence, action.code, action.message))
                    continue
            await self._proxy.pass_on(self._writer, _framed(sequence, payload))


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    header = await reader.readexactly(4)
    return header[3], await reader.readexactly(int.from_bytes(header[:3], "little"))


def _framed(sequence: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def _error(sequence: int, code: int, message: str) -> bytes:
    return _framed(sequence, bytes([_ERROR]) + code.to_bytes(2, "little") + b"#HY000" + message.encode())


def _more_follow(answer: bytes) -> bool:
    """The status flags stand behind two numbers of one to nine bytes."""
    if answer[0] != _OK:
        return False
    at = 1
    for _ in range(2):
        at += {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(answer[at], 1)
    return bool(int.from_bytes(answer[at : at + 2], "little") & _MORE_RESULTS)
