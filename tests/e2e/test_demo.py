"""`scripts/demo` as a person runs it: one command from any folder, and nothing left behind."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SECTIONS = (
    "Events in",
    "Rows written",
    "Violations by standard",
    "Tampered files: done and found",
    "Drift alerts",
    "Verdicts",
    "Dead letters",
    "Latency objectives",
    "Wall time",
)


def processes_in(home: Path) -> list[str]:
    """The command lines of processes that run in the demo's folder or name it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            folder = (process / "cwd").readlink()
        except OSError:
            continue
        if folder.is_relative_to(home) or str(home) in command:
            found.append(command)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder for the demo's servers that no developer uses; nothing may run in it afterwards."""
    home = tmp_path.resolve() / "demo"
    yield home
    assert processes_in(home) == []


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("COCKPIT_")}


def start(home: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [CHECKOUT / "scripts" / "demo", "--directory", home, *options],
        cwd=home.parent,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_demo_shows_the_main_job_and_leaves_nothing_running(home: Path) -> None:
    """First with --keep, to look at what it leaves; then again, which must end what was kept."""
    output, errors = (kept := start(home, "--keep")).communicate(timeout=120)
    assert kept.returncode == 0, output + errors
    assert len(processes_in(home)) == 3, "Kafka, MariaDB and the worker"
    status = subprocess.run(
        [CHECKOUT / ".venv" / "bin" / "cockpit", "status"],
        cwd=home,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert status.returncode == 0, status.stdout + status.stderr

    started = monotonic()
    output, errors = (again := start(home)).communicate(timeout=120)
    assert again.returncode == 0, output + errors
    assert monotonic() - started < 60
    assert errors == ""
    for section in SECTIONS:
        assert section in output
    for code in ("TS-MTIME-AFTER-CTIME", "TS-PATH-REPLACED", "TS-TIME-OUT-OF-RANGE", "conflict"):
        assert code in output
    assert re.search(r"firing +\w+ +api-gateway \(NTP\) +\+14", output)
    assert re.search(r"resolved +\w+ +api-gateway \(NTP\) +\+3", output)
    assert {"accepted", "rejected", "conflict"} <= set(output.split())
    for reason in ("invalid_json", "tombstone", "too_large", "invalid_encoding", "invalid"):
        assert re.search(rf"^{reason} .*\.dlq", output, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_running(home: Path, number: signal.Signals) -> None:
    process = start(home)
    deadline = monotonic() + 60
    while not (home / "worker.pid").exists():  # servers and worker are up: the most there is to clean up
        assert process.poll() is None
        assert monotonic() < deadline
        sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "demo: interrupted\n"
