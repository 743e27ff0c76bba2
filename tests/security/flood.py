"""How late a worker's loop is while eight clients scrape /metrics as fast as they can.

`python -m tests.security.flood` prints it, without and with the flood, for a loop that works 3 ms of every 13.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from streams.local.server import LOOPBACK
from streams.observability.clock_gauges import CLOCKS
from streams.observability.health import Health, HealthServer

_SECONDS = 8.0
_COMPONENTS = 500
_CLIENTS = """
import socket, sys, threading, time
port, until = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
answers = [0] * 8
def scrape(number):
    while time.monotonic() < until:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\\r\\nAccept-Encoding: gzip\\r\\n\\r\\n")
            while connection.recv(65536):
                pass
            answers[number] += 1
threads = [threading.Thread(target=scrape, args=(number,)) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum(answers))
"""


@asynccontextmanager
async def flooded(port: int, seconds: float) -> AsyncIterator[list[int]]:
    """Scrapes in a process of its own; when it has ended, the list holds how many were answered."""
    answered: list[int] = []
    clients = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENTS, str(port), str(seconds), stdout=subprocess.PIPE
    )
    try:
        yield answered
        answered.append(int((await clients.communicate())[0]))
    finally:
        if clients.returncode is None:
            clients.kill()
            await clients.wait()


async def lateness_ms(seconds: float) -> list[float]:
    """How late each turn of a loop was that wants one every 10 ms, sorted."""
    late, until = [], monotonic() + seconds
    while (began := monotonic()) < until:
        await asyncio.sleep(0.01)
        late.append((monotonic() - began - 0.01) * 1000)
        while monotonic() - began < 0.013:
            pass
    return sorted(late)


async def _measure() -> None:
    for number in range(_COMPONENTS):
        CLOCKS.tell(f"component-{number}", "NTP", read_at=1.0, offset_seconds=0.0, state=0)
    server = HealthServer(Health(stall_seconds=60), LOOPBACK, 0)
    _print("quiet", await lateness_ms(_SECONDS))
    async with flooded(server.port, _SECONDS + 1) as answered:
        late = await lateness_ms(_SECONDS)
    _print(f"flood, {answered[0]} scrapes answered", late)
    server.close()


def _print(what: str, late: list[float]) -> None:
    median, p99 = late[len(late) // 2], late[len(late) * 99 // 100]
    sys.stdout.write(f"{what}: late by {median:.1f} ms at the median, {p99:.1f} ms at p99, {late[-1]:.1f} ms at most\n")


if __name__ == "__main__":
    asyncio.run(_measure())
