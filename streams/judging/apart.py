"""The worker's side of the processes that judge for it."""

import asyncio
import socket
import sys
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from typing import Any

import mode

from streams.errors import CockpitError
from streams.judging import wire
from streams.judging.child import MESSAGE_BUFFER_BYTES, read_message
from streams.plan import Plan, Record
from streams.standards.ruleset import Ruleset

_END_SECONDS = 5.0


class JudgeEnded(CockpitError):
    """A judging process is gone, and with it what it remembers: the worker must end too, and start again."""


class JudgesApart(mode.Service):  # type: ignore[misc]
    """A `Judging` by `processes` processes; a partition always goes to the same one, and all work at once."""

    def __init__(self, processes: int, rules: Callable[[], Ruleset], database_is_away: Callable[[str], None]) -> None:
        """`rules` are those that all must have caught up with; `database_is_away` is told what a process could not."""
        super().__init__()
        self._rules = rules
        self._judges = [_Judge(database_is_away) for _ in range(processes)]

    async def on_start(self) -> None:
        """Start all and wait until each has loaded the standards; raises JudgeEnded if one does not."""
        await asyncio.gather(*[judge.start() for judge in self._judges])
        for judge in self._judges:
            self.add_future(self._watch(judge))

    async def _watch(self, judge: "_Judge") -> None:
        code = await judge.wait()
        if not self.should_stop:
            raise _ended(code)

    async def on_stop(self) -> None:
        """Let all end."""
        await asyncio.gather(*[judge.stop() for judge in self._judges])

    async def plans(self, batches: Sequence[Sequence[Record]]) -> list[list[Plan]]:
        """Each batch judged by the process of its partition."""
        revision = self._rules().revision
        shares: dict[int, list[int]] = {}
        for index, records in enumerate(batches):
            shares.setdefault(records[0].partition % len(self._judges), []).append(index)
        judged: list[list[Plan]] = [[] for _ in batches]

        async def judge(number: int, share: list[int]) -> None:
            answer = await self._judges[number].plans([batches[index] for index in share], revision)
            for index, plans in zip(share, answer, strict=True):
                judged[index] = plans

        await asyncio.gather(*[judge(number, share) for number, share in shares.items()])
        return judged

    def forget(self) -> None:
        """With their next question all look everything up again."""
        for judge in self._judges:
            judge.must_forget = True


class _Judge:
    """One process."""

    def __init__(self, database_is_away: Callable[[str], None]) -> None:
        self._database_is_away = database_is_away
        self.must_forget = False
        self._reading = asyncio.Lock()
        self._process: Process | None = None
        self._reader: StreamReader
        self._writer: StreamWriter

    async def start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "streams.judging.child",
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=MESSAGE_BUFFER_BYTES)
        await self._next_message()

    async def stop(self) -> None:
        if self._process is None:
            return
        self._writer.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def plans(self, batches: Sequence[Sequence[Record]], revision: int) -> list[list[Plan]]:
        """Ask; answers come in the order of the questions, of which several may be on their way."""
        question = wire.question(batches, self.must_forget, revision)
        self.must_forget = False
        self._writer.write(question)
        async with self._reading:  # its waiters go on in the order in which they came
            answer = await self._next_message()
            while isinstance(answer, wire.DatabaseAway):
                self._database_is_away(answer.reason)
                answer = await self._next_message()
        return [
            [wire.plan_of(record, plain) for record, plain in zip(records, plans, strict=True)]
            for records, plans in zip(batches, answer, strict=True)
        ]

    async def _next_message(self) -> Any:
        try:
            return wire.unpack(await read_message(self._reader))
        except (IncompleteReadError, ConnectionError):
            raise _ended(await self.wait()) from None

    async def wait(self) -> int:
        """The exit code, once there is one."""
        assert self._process is not None
        return await self._process.wait()


def _ended(code: int) -> JudgeEnded:
    return JudgeEnded(f"a judging process ended with exit code {code}: the worker stops")
