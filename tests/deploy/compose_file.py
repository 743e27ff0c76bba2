"""docker-compose.yml as Docker's own compose loads it: anchors, defaults and profiles applied, references looked up.

No Docker engine is at hand: the loader is built from the module of it (compose/), and holds the file against the
specification's schema first.
"""

import json
import os
import subprocess
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.go_programs import CHECKOUT, go_program

FILE = CHECKOUT / "docker-compose.yml"
PROFILES = ("core", "monitoring", "demo")

Service = dict[str, Any]


def load(file: Path, *profiles: str) -> "subprocess.CompletedProcess[str]":
    """What the loader says of a file, with nothing set but what the file has a default for."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    program = go_program("compose", Path(__file__).parent / "compose")
    return subprocess.run(
        [program, file, *profiles], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@cache
def project(*profiles: str) -> dict[str, Any]:
    """The file with some profiles."""
    done = load(FILE, *profiles)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def services(*profiles: str) -> dict[str, Service]:
    """What these profiles start; without any named: all."""
    return project(*(profiles or PROFILES))["services"]


def combinations_of_profiles() -> list[tuple[str, ...]]:
    """Every set of profiles that can be started: `demo` has its worker in `core`."""
    sets = [chosen for size in (1, 2, 3) for chosen in combinations(PROFILES, size)]
    return [chosen for chosen in sets if "demo" not in chosen or "core" in chosen]
