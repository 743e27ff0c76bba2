"""The worker and the job as the manifests start them, asked as a kubelet asks: nothing that is away kills a worker."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from streams.cli.worker import _wait_until_ready
from streams.local.server import LOOPBACK, free_port
from streams.observability.health import Health
from streams.settings import load_settings
from tests.k8s.conftest import OVERLAYS, built
from tests.k8s.overlay import Overlay
from tests.k8s.pod_process import PASSWORD, answer, started
from tests.monitoring.programs import wait_until


def _on_every_overlay(check: Callable[[Overlay, Path], None], tmp_path: Path) -> None:
    """All at once: most of it is waiting."""
    folders = {name: tmp_path / name for name in OVERLAYS}
    with ThreadPoolExecutor(len(folders)) as pool:
        for folder in folders.values():
            folder.mkdir()
        running = [pool.submit(check, built(name), folder) for name, folder in folders.items()]
    for each in running:
        each.result()


def _waits_and_is_not_killed(overlay: Overlay, folder: Path) -> None:
    worker = overlay.container("worker")
    port, nobody, log = free_port(), f"{LOOPBACK}:{free_port()}", folder / "log"
    addresses = {"COCKPIT_KAFKA_BOOTSTRAP": nobody, "COCKPIT_METRICS_PORT": str(port)}
    with started(overlay, worker, folder, f"mysql://someone:{PASSWORD}@{nobody}/db", **addresses) as process:
        wait_until(lambda: answer(port, worker["startupProbe"]) == 200, 60, f"startup: {log}")
        # It has tried, failed, and tries again.
        wait_until(lambda: log.read_text().count('"event": "waiting"') >= 3, 60, f"three attempts: {log}")
        assert process.poll() is None
        assert answer(port, worker["livenessProbe"]) == 200
        assert answer(port, worker["readinessProbe"]) == 503
        assert PASSWORD not in log.read_text()


def test_a_worker_that_finds_nothing_waits_and_is_not_killed(tmp_path: Path) -> None:
    _on_every_overlay(_waits_and_is_not_killed, tmp_path)


def _fails_in_one_line(overlay: Overlay, folder: Path) -> None:
    nobody = f"{LOOPBACK}:{free_port()}"
    for name in ("migrate", "topics"):
        container = overlay.container(name)
        url = f"mysql://someone:{PASSWORD}@{nobody}/db"
        with started(overlay, container, folder, url, COCKPIT_KAFKA_BOOTSTRAP=nobody) as process:
            assert process.wait(90) == 2
        text = (folder / "log").read_text()
        assert [line for line in text.splitlines() if line.startswith("cockpit: ")], text
        assert "Traceback" not in text
        assert PASSWORD not in text


def test_the_job_fails_in_one_line_and_may_try_again(tmp_path: Path) -> None:
    _on_every_overlay(_fails_in_one_line, tmp_path)


class _CountingHealth(Health):
    """Says when the loop has turned four times."""

    def __init__(self) -> None:
        super().__init__(stall_seconds=120)
        self.ticks = 0
        self.has_turned = asyncio.Event()

    def tick(self) -> None:
        super().tick()
        self.ticks += 1
        if self.ticks == 4:
            self.has_turned.set()


async def test_the_pulse_goes_on_while_an_attempt_hangs() -> None:
    """A server that takes the connection and says nothing, as behind a network that drops packets."""
    health = _CountingHealth()
    with socket.create_server((LOOPBACK, 0)) as silent:
        settings = load_settings(database_url=f"mysql://someone@{LOOPBACK}:{silent.getsockname()[1]}/db")
        waiting = asyncio.create_task(_wait_until_ready(settings, health))
        try:
            await asyncio.wait_for(health.has_turned.wait(), 8)  # one attempt takes longer
            assert not waiting.done()
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
