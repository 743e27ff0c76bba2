"""kustomize, built once from its Go module at the version and hashes that tests/k8s/kustomize pins."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).parents[2]
MANIFESTS = CHECKOUT / "deploy" / "k8s"
CACHE = CHECKOUT / ".cache"
_MODULE = Path(__file__).parent / "kustomize"
_PACKAGE = "sigs.k8s.io/kustomize/kustomize/v5"

Manifest = dict[str, Any]


def go(*arguments: str, cwd: Path) -> str:
    """What a command of Go writes; fails with its words."""
    program = shutil.which("go")
    assert program, "Go 1.25 or newer is missing, which builds kustomize: put the bin folder of a release on PATH"
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    done = subprocess.run(
        [program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kustomize() -> Path:
    """The program; one for each state of its go.mod and go.sum."""
    pins = (_MODULE / "go.mod").read_bytes() + (_MODULE / "go.sum").read_bytes()
    program = CACHE / f"kustomize-{hashlib.sha256(pins).hexdigest()[:16]}"
    if not program.exists():
        CACHE.mkdir(exist_ok=True)
        with (CACHE / "kustomize.lock").open("w") as lock:  # two test runs at once would build it twice
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                new = program.with_suffix(".new")
                go("build", "-mod=readonly", "-o", str(new), _PACKAGE, cwd=_MODULE)
                new.rename(program)
    return program


def build(folder: Path) -> list[Manifest]:
    """All manifests of an overlay, as `kubectl apply -k` would send them."""
    done = subprocess.run([kustomize(), "build", str(folder)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


if __name__ == "__main__":
    print(kustomize())  # noqa: T201 — for scripts/k8s
