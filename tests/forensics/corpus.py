"""Real operations on real files: each in a folder of its own, captured before, between and after, and judged.

Nothing here writes what a judge should find: commands and system calls change the files, the kernel stamps them, the
product's own capture reads them back. One thing cannot be done to a machine that others use: set the kernel's clock,
which stamps ctime. `faketime` shows a program another time, so a capture under a clock set back is `cockpit capture`
run by it; but of a file that is touched while the kernel's clock is set back, the record is written as the kernel
would have stamped it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from schemas.events import FilesystemTimestamps, FileTimes
from streams.judges.findings import Finding
from streams.judges.host_clock import ClockStep, HostClock
from streams.judges.timestamps import Capture, FileState, judge_capture
from streams.producers.files import capture
from streams.producers.git_history import GitHistory
from streams.standards.catalog import seed_standards
from streams.times import microseconds

Act = Callable[[Path], None]
HOST = "forensics"
STANDARDS = {spec.code: spec.to_standard() for spec in seed_standards() if spec.kind == "builtin"}
_APART_NS = 700_000_000
"""Between a capture and the next stage: more than the half second that a capture may span, and the clock's bound."""


@dataclass(frozen=True)
class Operation:
    """What is done to the files of a folder, and which of them are tampered with by it."""

    name: str
    prepare: Act
    stages: tuple[Act, ...]
    tampered: tuple[str, ...] = ()
    place: str = "/srv/files"
    """Where the folder is said to lie: a scratch folder in /tmp would make every path a sensitive one."""
    clock_back: timedelta = timedelta()
    """How far the clock of the last capture is set back, by faketime."""
    rewritten: Callable[[FileTimes], FileTimes] | None = None
    """What the kernel would have stamped on the file `a`, where its clock cannot be set."""
    steps: Callable[[int], tuple[ClockStep, ...]] = lambda _: ()
    """The steps of the host's clock, by the time of the last capture in microseconds."""

    @property
    def is_tampering(self) -> bool:
        return bool(self.tampered)


@dataclass
class Outcome:
    """All that was found in the captures after the first one, by path within the folder."""

    operation: Operation
    findings: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def is_caught(self) -> bool:
        """Whether every file that was tampered with has a finding of low or worse."""
        return all(
            any(found.severity != "info" for found in self.findings.get(name, ())) for name in self.operation.tampered
        )

    @property
    def accused(self) -> list[str]:
        """Files that nobody tampered with and that are called stomped."""
        return [
            name
            for name, all_found in self.findings.items()
            if name not in self.operation.tampered
            and any(found.evidence["verdict"] == "stomped" for found in all_found)
        ]

    @property
    def alarms(self) -> list[Finding]:
        """Findings of high or worse in files that nobody tampered with."""
        return [
            found
            for name, all_found in self.findings.items()
            if name not in self.operation.tampered
            for found in all_found
            if found.severity in ("high", "critical")
        ]


def set_up() -> None:
    """Install the programs that the operations run, where they are missing; a script that cannot says why."""
    script = Path(__file__).parents[2] / "scripts" / "setup-forensics"
    done = subprocess.run([script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def run(operations: Sequence[Operation], root: Path) -> list[Outcome]:
    """Carry out all operations side by side, so that they wait for the clock together."""
    folders = [root / f"{number:02}" for number in range(len(operations))]
    runs = [_Run(operation, folder) for operation, folder in zip(operations, folders, strict=True)]
    for one in runs:
        one.folder.mkdir()
        one.operation.prepare(one.folder)
    _wait_until(time.time_ns() + _APART_NS)
    for one in runs:
        one.look(0)
    for stage in range(max(len(operation.stages) for operation in operations)):
        _wait_until(time.time_ns() + _APART_NS)
        for one in runs:
            if stage < len(one.operation.stages):
                one.operation.stages[stage](one.folder)
                one.look(stage + 1)
    return [one.outcome for one in runs]


def _wait_until(time_ns: int) -> None:
    while time.time_ns() < time_ns:
        time.sleep(0.02)


def _captured_under_another_time(folder: Path, back: timedelta) -> Iterator[FilesystemTimestamps]:
    """`cockpit capture` with a clock that is set back; the stamps of files stay what they are."""
    command = ("faketime", "-f", f"-{back.total_seconds():.0f}s", sys.executable, "-m", "streams", "capture")
    done = subprocess.run(
        (*command, "--dry-run", "--sha256", "--host", HOST, folder),
        check=True, capture_output=True, text=True, env=os.environ | {"NO_FAKE_STAT": "1"},
    )  # fmt: skip
    for line in done.stdout.splitlines():
        yield FilesystemTimestamps.model_validate_json(line)


class _Run:
    def __init__(self, operation: Operation, folder: Path) -> None:
        self.operation, self.folder = operation, folder
        self.outcome = Outcome(operation)
        self._known: dict[str, FileState] = {}

    def look(self, stage: int) -> None:
        """Capture the folder and judge what is there now; the first capture is the past of the others."""
        is_last = stage == len(self.operation.stages)
        for event in self._events(is_last):
            captured_at_us = microseconds(event.captured_at)
            files = [self._placed(file, is_last) for file in event.files]
            states = [self._known.get(file.file_path) for file in files]
            for index, found in judge_capture(files, states, self._capture(event, is_last), STANDARDS).findings.items():
                name = files[index].file_path.removeprefix(self.operation.place + "/")
                if stage > 0:
                    self.outcome.findings.setdefault(name, []).extend(found)
            for file, state in zip(files, states, strict=True):
                self._known[file.file_path] = FileState.after(state, file, captured_at_us, 0, stage)

    def _events(self, is_last: bool) -> Iterator[FilesystemTimestamps]:
        if is_last and self.operation.clock_back:
            return _captured_under_another_time(self.folder, self.operation.clock_back)
        return capture([self.folder], host=HOST, history=GitHistory([self.folder]), with_sha256=True)

    def _placed(self, file: FileTimes, is_last: bool) -> FileTimes:
        path = file.file_path.replace(os.path.realpath(self.folder), self.operation.place, 1)
        placed = file.model_copy(update={"file_path": path})
        if is_last and self.operation.rewritten and path == f"{self.operation.place}/a":
            return self.operation.rewritten(placed)
        return placed

    def _capture(self, event: FilesystemTimestamps, is_last: bool) -> Capture:
        at_us = microseconds(event.captured_at)
        steps = self.operation.steps(at_us) if is_last else ()
        clock = HostClock(at_us, 0, 1_000_000, "synchronized", steps)
        return Capture(event.host, at_us, event.platform, event.filesystem_type, clock)
