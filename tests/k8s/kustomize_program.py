"""kustomize, built from its Go module at the version and hashes that tests/k8s/kustomize pins."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.go_programs import CHECKOUT, go_program

MANIFESTS = CHECKOUT / "deploy" / "k8s"

Manifest = dict[str, Any]


def kustomize() -> Path:
    """The program."""
    return go_program("kustomize", Path(__file__).parent / "kustomize", "sigs.k8s.io/kustomize/kustomize/v5")


def build(folder: Path) -> list[Manifest]:
    """All manifests of an overlay, as `kubectl apply -k` would send them."""
    done = subprocess.run([kustomize(), "build", str(folder)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


if __name__ == "__main__":
    print(kustomize())  # noqa: T201 — for scripts/k8s
