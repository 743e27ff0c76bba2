"""A judging process: `python -m streams.judging.child FD`, started by the worker, with a socket to it as FD.

It answers one question after another and ends when the worker does, however that ends: its socket closes then.
"""

import asyncio
import signal
import socket
import sys
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from streams.collector import spare_the_collector
from streams.errors import RetriableError
from streams.flows.filesystem import FilesystemFlow
from streams.judging import wire
from streams.judging.here import JudgesHere, Retrying
from streams.observability import logs
from streams.plan import Plan
from streams.settings import Settings, load_settings
from streams.standards.cache import StandardsCache
from streams.store.database import Database
from streams.store.recall import Recall
from streams.store.retrying import until_it_answers

MESSAGE_BUFFER_BYTES = 8 << 20


def main(descriptor: int) -> None:
    """Judge until the worker is gone. It is the worker that is told to stop, so signals mean nothing here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settings = load_settings()
    logs.configure(settings)
    uvloop.run(_serve(settings, socket.socket(fileno=descriptor)))


async def _serve(settings: Settings, connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection, limit=MESSAGE_BUFFER_BYTES)
    async with Database(settings, connections=2) as database:
        standards = StandardsCache(database, settings.standards_poll_seconds)
        await standards.load()
        spare_the_collector()
        async with standards:
            flow = FilesystemFlow.of(settings, Recall(database))
            judging = JudgesHere(flow, standards.current, settings.max_record_bytes, _retrying(writer))
            writer.write(wire.pack("ready"))
            await _answer_all(reader, writer, judging, standards)


async def _answer_all(
    reader: StreamReader, writer: StreamWriter, judging: JudgesHere, standards: StandardsCache
) -> None:
    """Begin with each question when it comes, and answer in their order."""
    answers: asyncio.Queue[asyncio.Task[list[list[Plan]]]] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(_answer_in_order(answers, writer))
        while True:
            try:
                question = wire.read_question(await read_message(reader))
            except (IncompleteReadError, ConnectionError):  # the worker is gone
                break
            if question.forget:
                judging.forget()
            await standards.catch_up(question.revision)
            answers.put_nowait(tasks.create_task(judging.plans(question.batches)))
        answering.cancel()


def _retrying(writer: StreamWriter) -> Retrying:
    """Tries for as long as the database is away, and lets the worker know."""

    async def retrying(operation: Callable[[], Awaitable[Any]]) -> Any:
        async def attempt() -> Any:
            try:
                return await operation()
            except RetriableError as error:
                writer.write(wire.pack(wire.DatabaseAway(str(error))))
                raise

        return await until_it_answers(attempt)

    return retrying


async def _answer_in_order(answers: "asyncio.Queue[asyncio.Task[list[list[Plan]]]]", writer: StreamWriter) -> None:
    while True:
        writer.write(wire.answer(await (await answers.get())))
        await writer.drain()


async def read_message(reader: StreamReader) -> bytes:
    """The next message, without its length; raises IncompleteReadError when the other side is gone."""
    length = int.from_bytes(await reader.readexactly(wire.LENGTH_BYTES), "big")
    return await reader.readexactly(length)


if __name__ == "__main__":
    main(int(sys.argv[1]))
