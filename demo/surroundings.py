"""The demo's own servers and worker: fresh at the start, gone at the end, and apart from a developer's stack."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from streams.errors import UserError
from streams.local.stack import Progress, Stack
from streams.settings import PREFIX, STACK_ENV, Settings, load_settings

_READY_SECONDS, _STOP_SECONDS, _LOOK_AGAIN_SECONDS = 60, 40, 0.05
_LOG_CHARACTERS = 600


class Surroundings:
    """Everything under one folder: the stack's data, the worker's log, the scratch tree.

    The folder is laid out as a folder in which `cockpit up` was run, so that every cockpit command started in it
    finds the demo's servers.
    """

    def __init__(self, home: Path, artifacts: Path) -> None:
        self.home = home.resolve()
        self.scratch = self.home / "scratch"
        self.worker_log = self.home / "worker.log"
        self.metrics_port = 0
        self._stack = Stack(self.home / STACK_ENV.parent, artifacts_directory=artifacts)
        self._worker: subprocess.Popen[bytes] | None = None
        self._worker_note = self.home / "worker.pid"

    def start_servers(self, progress: Progress) -> Settings:
        """End what an earlier `--keep` left, delete its data, start empty servers; returns their settings."""
        self._end_kept_worker()
        self._stack.stop(wipe=True)
        self.home.mkdir(parents=True, exist_ok=True)
        self.worker_log.unlink(missing_ok=True)
        addresses = self._stack.start(progress)
        return load_settings(
            _env_file=None, kafka_bootstrap=addresses.kafka_bootstrap, database_url=addresses.database_url
        )

    async def cockpit(self, *arguments: str) -> str:
        """Run one cockpit command as a person would, in the demo's folder; returns its last line."""
        process = await asyncio.create_subprocess_exec(
            *_command(*arguments),
            cwd=self.home,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        lines = output.decode(errors="replace").strip().splitlines() or [""]
        if process.returncode != 0:
            raise UserError(f"cockpit {' '.join(arguments)}: exit code {process.returncode}: {lines[-1]}")
        return lines[-1]

    def start_worker(self) -> None:
        """Launch `cockpit worker`; its JSON log goes to a file, its metrics to a free port."""
        environment = _environment(METRICS_HOST="127.0.0.1", METRICS_PORT="0")
        with self.worker_log.open("wb") as log:
            # A session of its own: Ctrl-C is meant for the demo, which then stops the worker in good order.
            self._worker = subprocess.Popen(
                _command("worker"),
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._worker_note.write_text(str(self._worker.pid), encoding="ascii")

    async def wait_for_worker(self) -> int:
        """Wait until the worker says which port its metrics have; returns the port."""
        deadline = monotonic() + _READY_SECONDS
        while monotonic() < deadline:
            self.require_worker()
            for line in self.worker_log.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError):
                    entry = json.loads(line)
                    if isinstance(entry, dict) and entry.get("event") == "worker_starts":
                        self.metrics_port = int(entry["metrics_port"])
                        return self.metrics_port
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        raise UserError(f"worker: says nothing within {_READY_SECONDS} s: {self._last_words()}")

    def require_worker(self) -> None:
        """Raise a UserError with the worker's last words if it has ended."""
        assert self._worker is not None
        if (code := self._worker.poll()) is not None:
            raise UserError(f"worker: ended with exit code {code}: {self._last_words()} (log: {self.worker_log})")

    @property
    def worker_pid(self) -> int:
        """The worker's process id."""
        assert self._worker is not None
        return self._worker.pid

    def stop(self, *, wipe: bool) -> int:
        """Stop the worker, then the servers; returns the worker's exit code. Without `wipe` logs and data stay."""
        try:
            return self._stop_worker()
        finally:
            self._stack.stop(wipe=wipe)
            if wipe:
                shutil.rmtree(self.scratch, ignore_errors=True)

    def _stop_worker(self) -> int:
        if self._worker is None:
            return 0
        if self._worker.poll() is None:
            self._worker.send_signal(signal.SIGTERM)
            try:
                self._worker.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._worker.kill()
        self._worker_note.unlink(missing_ok=True)
        return self._worker.wait()

    def _end_kept_worker(self) -> None:
        """End the worker of an earlier `--keep`, if its process is still the one that was noted down."""
        with suppress(OSError, ValueError):
            pid = int(self._worker_note.read_text(encoding="ascii"))
            for number in (signal.SIGTERM, signal.SIGKILL):
                deadline = monotonic() + _STOP_SECONDS
                if self._is_our_worker(pid):
                    os.kill(pid, number)
                while self._is_our_worker(pid) and monotonic() < deadline:
                    sleep(_LOOK_AGAIN_SECONDS)
        self._worker_note.unlink(missing_ok=True)

    def _is_our_worker(self, pid: int) -> bool:
        """Whether this process is a worker that runs in our folder, and not one that got the number later."""
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            folder = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            return False
        return arguments[-4:-1] == [b"-m", b"streams", b"worker"] and folder == self.home

    def _last_words(self) -> str:
        """The last error in the worker's log, else its last line."""
        with suppress(OSError):
            lines = self.worker_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            errors = [line for line in lines if '"level": "error"' in line or line.startswith("cockpit: ")]
            return ([*lines, *errors] or ["it wrote nothing"])[-1][:_LOG_CHARACTERS]
        return "it has no log"


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "streams", *arguments]


def _environment(**settings: str) -> dict[str, str]:
    """This environment with nothing of the product's in it but what is given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, **{PREFIX + name: value for name, value in settings.items()}}
