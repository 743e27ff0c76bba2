"""A small HTTP server for probes and scrapes, in a thread of its own: it answers also while the worker's loop hangs.

Whoever reaches the port may ask as often and as slowly as he likes, and must not slow the worker down or keep a kubelet
from its answer. So everything has a limit: connections a second (each costs the interpreter's lock half a millisecond),
connections at a time (the oldest gives way, for an honest one is over in milliseconds), bytes of a request, seconds
until it is there and the answer is taken. A request's body is never read.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from streams.errors import UserError

CONNECTIONS_A_SECOND = 100
CONNECTIONS = 64
REQUEST_BYTES = 8192
REQUEST_SECONDS = 5.0
_BACKLOG = 128
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, whole."""

    status: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain; charset=utf-8"),)


@dataclass(frozen=True, slots=True)
class Request:
    """A GET or HEAD; header names are in lower case, and of two with one name the later counts."""

    path: str
    headers: dict[str, str]


class HttpServer:
    """Serves `answer(request)` on an address until closed; raises UserError when it cannot listen there."""

    def __init__(self, host: str, port: int, answer: Callable[[Request], Answer]) -> None:
        self._answer = answer
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise UserError(
                f"COCKPIT_METRICS_PORT: cannot listen on {host}:{port}: {error.strerror}; choose another port"
            ) from None
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._loop = asyncio.SelectorEventLoop()
        self._open: dict[asyncio.Task[None], None] = {}
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        accepting = asyncio.create_task(self._accept())
        await self._stop.wait()
        for task in (accepting, *self._open):
            task.cancel()
        await asyncio.gather(accepting, *self._open, return_exceptions=True)
        self._listener.close()

    async def _accept(self) -> None:
        while True:
            try:
                connection, _ = await self._loop.sock_accept(self._listener)
            except OSError:  # the other side is gone already, or there is no descriptor left: see again
                await asyncio.sleep(1 / CONNECTIONS_A_SECOND)
                continue
            if len(self._open) >= CONNECTIONS:
                next(iter(self._open)).cancel()
            task = asyncio.create_task(self._converse(connection))
            self._open[task] = None
            task.add_done_callback(self._open.pop)
            await asyncio.sleep(1 / CONNECTIONS_A_SECOND)

    async def _converse(self, connection: socket.socket) -> None:
        """One request and its answer; nobody is told of what goes wrong on the way."""
        with connection, suppress(OSError):  # of which a timeout is one
            connection.setblocking(False)
            async with asyncio.timeout(REQUEST_SECONDS):
                if (head := await self._head(connection)) is not None:
                    await self._loop.sock_sendall(connection, self._response(head))

    async def _head(self, connection: socket.socket) -> bytes | None:
        """Request line and headers; None when the connection ends before they do. Longer than allowed is cut."""
        head = b""
        while _END not in head and len(head) <= REQUEST_BYTES:
            if not (more := await self._loop.sock_recv(connection, REQUEST_BYTES)):
                return None
            head += more
        return head

    def _response(self, head: bytes) -> bytes:
        begin, end, _ = head.partition(_END)
        line, *lines = begin.decode("latin-1").split("\r\n")
        words = line.split(" ")
        if not end or len(head) > REQUEST_BYTES:
            answer = Answer("431 Request Header Fields Too Large", f"at most {REQUEST_BYTES} bytes\n".encode())
        elif len(words) != 3 or not words[2].startswith("HTTP/1."):
            answer = Answer("400 Bad Request", b"only HTTP/1\n")
        elif words[0] not in ("GET", "HEAD"):
            answer = Answer("405 Method Not Allowed", b"only GET\n")
        else:
            pairs = (line.partition(":") for line in lines)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            answer = self._answer(Request(words[1].partition("?")[0], headers))
        headers_out = (*answer.headers, ("Content-Length", str(len(answer.body))), ("Connection", "close"))
        text = f"HTTP/1.1 {answer.status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers_out)
        return text.encode("latin-1") + b"\r\n" + (b"" if words[0] == "HEAD" else answer.body)
