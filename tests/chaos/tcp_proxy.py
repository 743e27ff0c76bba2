"""A TCP proxy that is a bad network: cuts, delays, throttles, goes silent, or is not there at all."""

import asyncio
from contextlib import suppress
from time import monotonic

from streams.local.server import LOOPBACK, free_port

_CHUNK_BYTES = 65_536
_QUEUED_CHUNKS = 64


class TcpProxy:
    """Forwards connections to one port of 127.0.0.1; the attributes take effect on what is sent from then on."""

    def __init__(self, target_port: int, port: int | None = None) -> None:
        self.target_port = target_port
        self.port = port or free_port()
        self.refuses = False
        """Connections are closed as soon as they are made."""
        self.silent = False
        """Connections stay open and nothing passes."""
        self.delay_seconds = 0.0
        """Each way."""
        self.bytes_per_second: float | None = None
        """Each way of each connection."""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "TcpProxy":
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()

    def cut(self) -> int:
        """Reset every connection; returns how many."""
        cut = len(self._open)
        for writer in list(self._open):
            writer.transport.abort()
        return cut

    @property
    def ports_towards_target(self) -> set[int]:
        """The local ports of its connections, by which the target tells them from others."""
        return {writer.get_extra_info("sockname")[1] for writer in self._open if not writer.transport.is_closing()}

    def mend(self) -> None:
        """Be a good network again."""
        self.refuses = self.silent = False
        self.delay_seconds, self.bytes_per_second = 0.0, None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._open.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            if self.refuses:
                return
            upstream_reader, upstream = await asyncio.open_connection(LOOPBACK, self.target_port)
            self._open.add(upstream)
            await self._relay(reader, writer, upstream_reader, upstream)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # an end went away, or the proxy is closed
        finally:
            for end in filter(None, (writer, upstream)):
                self._open.discard(end)
                end.transport.abort()

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream_reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        """Until either end closes."""
        await first_of(self._pump(reader, upstream), self._pump(upstream_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUED_CHUNKS)

        async def read() -> None:
            while chunk := await reader.read(_CHUNK_BYTES):
                await chunks.put((monotonic() + self.delay_seconds, chunk))

        async def write() -> None:
            while True:
                due_at, chunk = await chunks.get()
                await asyncio.sleep(max(0.0, due_at - monotonic()))
                await self.pass_on(writer, chunk)

        await first_of(read(), write())

    async def pass_on(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Write, as slowly as the network is."""
        while self.silent:  # noqa: ASYNC110  # a flag that tests set reads better than an event
            await asyncio.sleep(0.02)
        if self.bytes_per_second:
            await asyncio.sleep(len(data) / self.bytes_per_second)
        writer.write(data)
        await writer.drain()


async def first_of(*coroutines: "asyncio._CoroutineLike[None]") -> None:
    """Until one of them ends; the others are cancelled."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
                await task
