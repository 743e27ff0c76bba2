"""One server program of the local stack: started in its own session, found again by its pid, always stoppable."""

import os
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from streams.errors import UserError
from streams.local.artifacts import Artifacts, fetch

LOOPBACK = "127.0.0.1"
_PORTS = range(20_000, 30_000)
"""Below the kernel's ephemeral ports: a client that retries against a stopped server on an ephemeral port can get
that very port as its own, connect to itself, and keep the server from starting again."""
_LOOK_AGAIN_SECONDS = 0.03


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    for _ in range(1000):
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise UserError(f"local stack: no free port in {_PORTS.start}..{_PORTS.stop - 1}")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    # A temporary file has mode 0600 from its first byte.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).replace(path)


def _start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since the boot; None when all of it has ended."""
    process = Path(f"/proc/{pid}")
    try:
        fields = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        threads = len(list((process / "task").iterdir()))
    except OSError:
        return None
    # A dead main thread is not the end while others still hold the ports.
    ended = fields[0] in "ZX" and threads <= 1
    return None if ended else int(fields[19])


@contextmanager
def uninterrupted() -> Iterator[None]:
    """SIGINT and SIGTERM wait for the block's end: amid Popen they would leave a process that nobody knows."""
    if threading.current_thread() is not threading.main_thread():  # the only one that is interrupted
        yield
        return
    waiting: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, lambda number, _: waiting.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for waited in waiting:
            signal.raise_signal(waited)


class Server(ABC):
    """A server with its data, log and ports; `start` after `stop` or `kill` brings it back on the same ports."""

    name: str
    port_names: tuple[str, ...]
    start_seconds = 60.0
    stop_seconds = 30.0

    def __init__(self, directory: Path, artifacts_directory: Path) -> None:
        self.directory = directory.resolve()
        self._artifacts_directory = artifacts_directory
        self.ports: dict[str, int] = {}
        self.pid: int | None = None
        self._command: list[str] = []
        self._start_ticks: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def port(self) -> int:
        """The port that clients use; known once the server was launched."""
        return self.ports[self.port_names[0]]

    @property
    def log(self) -> Path:
        """The file that the program's output is appended to."""
        return self.directory / f"{self.name}.log"

    @abstractmethod
    def _prepare(self, artifacts: Artifacts) -> list[str]:
        """Make the data and configuration that are missing; return the command line."""

    @abstractmethod
    def answers(self) -> bool:
        """True when a client would be served now; one attempt."""

    def start(self) -> None:
        """Launch and wait until the server answers; on an error or an interrupt nothing stays running."""
        try:
            self.launch()
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start the process without waiting for it; does nothing when it runs. Raises UserError."""
        if self.is_running():
            return
        artifacts = fetch(self._artifacts_directory)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        while len(set(self.ports.values())) < len(self.port_names):
            self.ports = {name: free_port() for name in self.port_names}
        self._command = self._prepare(artifacts)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            # A session of its own: Ctrl-C in the terminal is meant for the command, not for the servers.
            try:
                with uninterrupted():
                    self._child = subprocess.Popen(
                        self._command,
                        cwd=self.directory,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                    self.pid = self._child.pid
                    self._start_ticks = _start_ticks(self.pid)
            except OSError as error:
                raise UserError(f"{self.name}: cannot run {self._command[0]}: {error.strerror}") from None

    def wait_until_ready(self) -> None:
        """Return when the server answers; raises UserError with the log's last line when it ended or is late."""
        deadline = time.monotonic() + self.start_seconds
        while not self.answers():
            if not self.is_running():
                raise UserError(f"{self.name}: ended while starting: {self._last_words()} (log: {self.log})")
            if time.monotonic() > deadline:
                raise UserError(
                    f"{self.name}: no answer within {self.start_seconds:.0f} s: {self._last_words()} (log: {self.log})"
                )
            time.sleep(_LOOK_AGAIN_SECONDS)

    def is_running(self) -> bool:
        """True when the pid is alive and really is this server, not a process that got its number later."""
        if self._child is not None and self._child.pid == self.pid:
            # Its command line is empty for a moment after the launch; a child can be asked, which also reaps it.
            return self._child.poll() is None
        if self.pid is None or self._start_ticks is None:
            return False
        return _start_ticks(self.pid) == self._start_ticks and self._is_our_command(self.pid)

    def _is_our_command(self, pid: int) -> bool:
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        except OSError:
            return False
        # A process that is ending loses its command line first and its ports last.
        return arguments in ([os.fsencode(part) for part in self._command], [])

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after a deadline; returns when the process is gone."""
        if not self._signal_and_wait(signal.SIGTERM, self.stop_seconds):
            self.kill()

    def kill(self) -> None:
        """SIGKILL, as a crash would; returns when the process is gone. Data and ports stay."""
        if not self._signal_and_wait(signal.SIGKILL, self.stop_seconds):
            raise UserError(f"{self.name}: process {self.pid} does not end: look at it with `ps {self.pid}`")

    def _signal_and_wait(self, number: signal.Signals, timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        if self.is_running():
            assert self.pid is not None
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
        while self.is_running():
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_AGAIN_SECONDS)
        self.pid = None
        return True

    def state(self) -> dict[str, Any]:
        """What another process needs to find this server again, for JSON."""
        return {
            "pid": self.pid,
            "ports": self.ports,
            "command": self._command,
            "start_ticks": self._start_ticks,
        }

    def attach(self, state: dict[str, Any]) -> None:
        """Take over the process that `state()` describes; `is_running` says whether it is still there."""
        self.pid, self.ports, self._command = state["pid"], state["ports"], state["command"]
        self._start_ticks = state.get("start_ticks")

    def _last_words(self) -> str:
        """The last line of this run's log that tells of an error, else its last line."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
            errors = [line for line in lines if "ERROR" in line or "Exception" in line or "error while" in line]
            # MariaDB closes every failure with a line that says no more than this.
            told = [line for line in errors if not line.endswith("Aborting")]
            return (told or lines or ["it wrote nothing"])[-1]
        return "it has no log"
