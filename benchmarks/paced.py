"""Parts of the harness that are processes of their own, so that they keep their pace whatever the rest does."""

import json
import subprocess
import sys
from typing import Any

from benchmarks.stack import CHECKOUT, BenchError, plain_environment


class Part:
    """A sender or an observer, which prints one JSON document when it is done."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        self.name = name
        self._process = process

    def require_alive(self) -> None:
        """Raises BenchError with its last words when it has failed."""
        if self._process.poll():
            self.told()

    def told(self) -> dict[str, Any]:
        """What it printed, once it is done; raises BenchError with its last words when it failed."""
        output, errors = self._process.communicate()
        if self._process.returncode != 0:
            raise BenchError(f"{self.name}: {(errors.strip().splitlines() or ['it said nothing'])[-1]}")
        told: dict[str, Any] = json.loads(output)
        return told

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """Leave no process."""
        if self.running:
            self._process.kill()
            self._process.communicate()


def started(module: str, *arguments: str, **environment: str) -> Part:
    """`python -m module`, which Ctrl-C does not reach: the harness ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=CHECKOUT, env=plain_environment(**environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    return Part(module, process)
