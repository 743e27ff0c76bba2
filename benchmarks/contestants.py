"""The programs that are compared: the product's worker, and the peers, each a process that is started and stopped."""

import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from time import monotonic

from benchmarks.stack import CHECKOUT, TOPIC, BenchError, BenchStack, plain_environment

COCKPIT, FLOOR, LOOP, TAKE, STOCK = "cockpit", "floor", "aiokafka_loop", "faust_take", "faust_event"
NO_HISTORY = "cockpit_no_history"
_STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Contestant:
    """`settings` are those of the product, by their names after COCKPIT_; a peer has none."""

    name: str
    title: str
    python: str
    module: tuple[str, ...]
    lacks: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_cockpit(self) -> bool:
        return self.module == ("streams", "worker")

    @property
    def is_floor(self) -> bool:
        return self.name == FLOOR

    @property
    def installed(self) -> bool:
        return Path(self.python).exists()

    def named(self, name: str, title: str, **settings: str) -> "Contestant":
        """The same program under another name and with other settings."""
        return replace(self, name=name, title=title, settings={**self.settings, **settings})


def cockpit(**settings: str) -> Contestant:
    """The product, as its operator starts it."""
    return Contestant(COCKPIT, "cockpit", sys.executable, ("streams", "worker"), settings=settings)


def all_contestants() -> list[Contestant]:
    """The product, every peer, and the floor."""
    from benchmarks.peers import PEERS

    peers = [
        Contestant(peer.name, peer.title, str(CHECKOUT / peer.python), (f"benchmarks.peers.{peer.name}",), peer.lacks)
        for peer in PEERS
    ]
    without_history = cockpit().named(NO_HISTORY, "cockpit without history", FILE_HISTORY="0")
    return [cockpit(), without_history, *peers]


def chosen(names: Iterable[str]) -> list[Contestant]:
    """Contestants by their names; raises BenchError for one that does not exist."""
    known = {contestant.name: contestant for contestant in all_contestants()}
    if unknown := [name for name in names if name not in known]:
        raise BenchError(f"{unknown[0]}: no such contestant; known are {', '.join(known)}")
    return [known[name] for name in names]


class Running:
    """A contestant's process."""

    def __init__(self, contestant: Contestant, process: "subprocess.Popen[bytes]", log: Path, group: str) -> None:
        self.contestant = contestant
        self.group = group
        self.pid = process.pid
        self._process = process
        self._log = log
        self._started = monotonic()

    @property
    def age_seconds(self) -> float:
        return monotonic() - self._started

    def require_alive(self) -> bool:
        """True; raises BenchError with the end of its log when the process has ended."""
        if self._process.poll() is not None:
            raise BenchError(f"{self.contestant.name}: ended with {self._process.returncode}: {self.last_words()}")
        return True

    def last_words(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:500] if lines else "its log is empty"

    def stop(self) -> None:
        """SIGTERM, after which everything written is committed; raises BenchError unless it exits with 0."""
        self.require_alive()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.contestant.name}: did not stop within {_STOP_SECONDS:.0f} s") from None
        if code != 0:
            raise BenchError(f"{self.contestant.name}: stopped with {code}: {self.last_words()}")

    def kill(self) -> None:
        """Leave no process, whatever state it is in."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def new_group(contestant: Contestant) -> str:
    return f"{contestant.name}-{token_hex(3)}"


@contextmanager
def running(stack: BenchStack, contestant: Contestant, prefix: str, group: str) -> Iterator[Running]:
    """Start a contestant on the topics of a prefix; on any way out no process stays."""
    environment = (
        stack.cockpit_environment(prefix, group, **contestant.settings)
        if contestant.is_cockpit
        else plain_environment(
            BENCH_BOOTSTRAP=stack.kafka_bootstrap,
            BENCH_DATABASE_URL=stack.database_url,
            BENCH_TOPIC=prefix + TOPIC,
            BENCH_GROUP=group,
        )
    )
    path = stack.directory / f"{group}.log"
    with path.open("ab") as log:
        # A session of its own: Ctrl-C is meant for the harness, which then ends its contestants.
        process = subprocess.Popen(
            [contestant.python, "-m", *contestant.module],
            cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    started = Running(contestant, process, path, group)
    try:
        yield started
    finally:
        started.kill()
