"""Programs that the tests build from Go modules, once for each state of their pins and sources."""

import fcntl
import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
CACHE = CHECKOUT / ".cache"


@cache
def _go_command() -> str:
    """The path of a Go that is new enough; the set-up says in one line when there is none."""
    done = subprocess.run([CHECKOUT / "scripts" / "setup-go"], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def go(*arguments: str, cwd: Path) -> str:
    """What a command of Go writes; fails with its words."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    done = subprocess.run(
        [_go_command(), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def go_program(name: str, module: Path, package: str = ".") -> Path:
    """The program that a package of a module with pins (go.mod, go.sum) makes."""
    sources = (module / "go.mod", module / "go.sum", *sorted(module.glob("*.go")))
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    program = CACHE / f"{name}-{state}"
    if not program.exists():
        CACHE.mkdir(exist_ok=True)
        with (CACHE / f"{name}.lock").open("w") as lock:  # two test runs at once would build it twice
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                new = program.with_suffix(".new")
                go("build", "-mod=readonly", "-o", str(new), package, cwd=module)
                new.rename(program)
    return program
