"""A container of the manifests as a process: its arguments, environment and secrets, and a kubelet's questions."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

from streams.local.server import LOOPBACK
from tests.k8s.kustomize_program import Manifest
from tests.k8s.overlay import SECRETS, Overlay

PASSWORD = "hidden"


def environment_of(
    overlay: Overlay,
    container: Manifest,
    folder: Path,
    database_url: str,
    kafka_password: str = PASSWORD,
    kafka_ca: str = "",
    **environment: str,
) -> dict[str, str]:
    """What a container's processes find, its secrets in `folder`; without TLS, unless the environment asks for it."""
    (folder / "database-url").write_text(database_url)
    (folder / "kafka-password").write_text(kafka_password)
    (folder / "kafka-ca.crt").write_text(kafka_ca)
    given = {key: value.replace(SECRETS, str(folder)) for key, value in overlay.environment(container).items()}
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("COCKPIT_")},
        **given,
        "COCKPIT_KAFKA_SECURITY": "SASL_PLAINTEXT",
        "COCKPIT_ALLOW_PLAINTEXT": "kafka,database",
        "COCKPIT_METRICS_HOST": LOOPBACK,
        **environment,
    }


@contextmanager
def started(
    overlay: Overlay, container: Manifest, folder: Path, database_url: str, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a container's command in its environment, which is that of `environment_of`."""
    whole = environment_of(overlay, container, folder, database_url, **environment)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams", *container["args"]], env=whole, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def answer(port: int, probe: Manifest) -> int:
    """The status that a kubelet would see; raises URLError while nobody listens."""
    url = f"http://{LOOPBACK}:{port}{probe['httpGet']['path']}"
    try:
        with urllib.request.urlopen(url, timeout=probe["timeoutSeconds"]) as response:
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code
