"""The local stack as a whole: Kafka and MariaDB, started together, found again by any later command, stopped together.

<directory>/artifacts/    the programs            <directory>/stack.json   pids, ports, command lines
<directory>/kafka/        data and log            <directory>/stack.env    the addresses, read by streams.settings
<directory>/mariadb/      data, log, passwords    <directory>/stack.lock   one start or stop at a time
"""

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streams.local import artifacts
from streams.local.kafka import KafkaServer
from streams.local.mariadb import MariaDBServer
from streams.local.server import Server, write_private
from streams.settings import STACK_ENV

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StackAddresses:
    """Where the servers are: COCKPIT_KAFKA_BOOTSTRAP and COCKPIT_DATABASE_URL."""

    kafka_bootstrap: str
    database_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What one server is doing; `pid` and `port` are None unless its process runs."""

    name: str
    running: bool
    answers: bool
    pid: int | None
    port: int | None
    log: Path


class Stack:
    """The servers under one directory.

    Args:
        directory: Where all of it lives, made when missing.
        artifacts_directory: Where the programs are, when another stack shares them.
        kafka_bootstrap: A Kafka that is there already: none is started.
        database_url: A database that is there already: none is started.
        database_options: Of mariadbd, for a database that is more than a developer's.
    """

    def __init__(
        self,
        directory: Path,
        *,
        artifacts_directory: Path | None = None,
        kafka_bootstrap: str | None = None,
        database_url: str | None = None,
        database_options: tuple[str, ...] = (),
    ) -> None:
        self.directory = directory.resolve()
        self._artifacts_directory = artifacts_directory or self.directory / "artifacts"
        self._kafka_bootstrap = kafka_bootstrap
        self._database_url = database_url
        self._state_file = self.directory / "stack.json"
        self.env_file = self.directory / STACK_ENV.name
        self.kafka = KafkaServer(self.directory / "kafka", self._artifacts_directory)
        self.mariadb = MariaDBServer(self.directory / "mariadb", self._artifacts_directory, database_options)
        self._attach()

    def start(self, progress: Progress = lambda _: None) -> StackAddresses:
        """Start what does not run yet and return when all of it answers.

        On an error (UserError) or an interrupt, whatever this call started is stopped again.
        """
        with self._lock():
            self._attach()
            missing = [server for server in self._ours() if not server.is_running()]
            if missing:
                artifacts.fetch(self._artifacts_directory, progress)
                progress(f"starting {' and '.join(server.name for server in missing)}")
            try:
                # Both are launched before either is waited for, so that they start side by side.
                for server in missing:
                    server.launch()
                    self._save()
                for server in self._ours():
                    server.wait_until_ready()
                self._write_env()
            except BaseException:
                for server in missing:
                    server.kill()
                self._save()
                raise
        return StackAddresses(
            self._kafka_bootstrap or self.kafka.bootstrap,
            self._database_url or self.mariadb.url,
        )

    def stop(self, *, wipe: bool = False) -> list[str]:
        """Stop what runs and return its names; the data stays unless it shall be wiped."""
        if not self.directory.exists():
            return []
        with self._lock():
            self._attach()
            running = [server for server in self._servers() if server.is_running()]
            for server in running:
                server.stop()
            self._save()
            if wipe:
                for server in self._servers():
                    shutil.rmtree(server.directory, ignore_errors=True)
        return [server.name for server in running]

    def status(self) -> list[ServerStatus]:
        """The state of every server that this stack would start."""
        self._attach()
        return [self._status(server) for server in self._ours()]

    @staticmethod
    def _status(server: Server) -> ServerStatus:
        running = server.is_running()
        return ServerStatus(
            server.name,
            running,
            running and server.answers(),
            server.pid if running else None,
            server.port if running else None,
            server.log,
        )

    def _servers(self) -> list[Server]:
        # MariaDB first: it is launched in no time, and then starts while Kafka formats its storage.
        return [self.mariadb, self.kafka]

    def _ours(self) -> list[Server]:
        given = {self.mariadb.name: self._database_url, self.kafka.name: self._kafka_bootstrap}
        return [server for server in self._servers() if given[server.name] is None]

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _attach(self) -> None:
        """Take over what an earlier command started; a server that this object runs itself is left alone."""
        if not self._state_file.exists():
            return
        state = json.loads(self._state_file.read_text(encoding="utf-8"))
        for server in self._servers():
            if server.name in state and not server.is_running():
                server.attach(state[server.name])

    def _save(self) -> None:
        """Write down what runs; where nothing does, no file stays that says otherwise."""
        state = {server.name: server.state() for server in self._servers() if server.is_running()}
        if state:
            write_private(self._state_file, json.dumps(state, indent=1))
        else:
            self._state_file.unlink(missing_ok=True)
            self.env_file.unlink(missing_ok=True)

    def _write_env(self) -> None:
        """Tell `streams.settings` of the servers that we run; it holds the database's password."""
        lines = []
        if self.kafka.is_running():
            lines.append(f"COCKPIT_KAFKA_BOOTSTRAP={self.kafka.bootstrap}\n")
        if self.mariadb.is_running():
            lines.append(f"COCKPIT_DATABASE_URL={self.mariadb.url}\n")
        if lines:
            write_private(self.env_file, "".join(lines))
