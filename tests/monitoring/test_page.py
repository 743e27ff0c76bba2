"""From an event in Kafka to a person: a drifting clock pages, and the page is resolved when the clock is right again.

Real Kafka, worker, Prometheus and Alertmanager, with the committed rules, routes and receivers. Only the addresses of
PagerDuty and Slack are the test's own, and waiting times are a second.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from streams.settings import Settings
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, send_all
from tests.monitoring.programs import Alertmanager, Prometheus, wait_until
from tests.monitoring.receiver import Receiver, receiver

HOSTILE = "<!channel> <https://evil.example|x> & \x9b31m{{ .x }}"
"""A component's name that Slack, a terminal or a template would obey."""


def _texts(message: dict[str, Any]) -> str:
    """What a person reads of a message in Slack."""
    return " ".join(
        str(part.get(name, "")) for part in message["attachments"] for name in ("title", "text", "fallback")
    )


def _pages(inbox: Receiver, action: str, component: str) -> list[dict[str, Any]]:
    return [
        page
        for page in inbox.sent_to("/pagerduty")
        if page["event_action"] == action and page["payload"].get("component") == component
    ]


async def _publish(settings: Settings, random: Random, component: str, offset_microseconds: int) -> None:
    reading = events.reading(random, component, offset_microseconds, datetime.now(UTC).isoformat())
    await send_all(settings, [events.message("clock-sync.v1", component, reading)])


async def _until(condition: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, 45, what)


async def test_a_drifting_clock_pages_and_is_resolved(
    deployed: Settings, new_worker: Callable[..., WorkerProcess], programs: Path, tmp_path: Path
) -> None:
    random = Random(3)
    worker = new_worker(COCKPIT_PROBE_SECONDS="1")
    await worker.ready()
    with ExitStack() as stack:
        inbox = stack.enter_context(receiver())
        for name in ("alertmanager", "prometheus"):
            (tmp_path / name).mkdir()
        alertmanager = Alertmanager(tmp_path / "alertmanager", "alertmanager")
        stack.enter_context(alertmanager.started(programs, inbox.address))
        prometheus = Prometheus(tmp_path / "prometheus", "prometheus")
        targets = {"cockpit": f"127.0.0.1:{worker.port}"}
        stack.enter_context(prometheus.started(programs, targets, alertmanager.address, patient=False))

        await _publish(deployed, random, "steady", 400)
        await _publish(deployed, random, HOSTILE, 25_000)
        await _publish(deployed, random, "api-gateway", -25_000)
        await _until(lambda: _pages(inbox, "trigger", "api-gateway"), "the page")
        page = _pages(inbox, "trigger", "api-gateway")[0]
        said = "The NTP clock of api-gateway is off by 25ms (limit 10ms)"
        assert page["payload"]["summary"] == f"ClockDrift: {said}"
        assert page["payload"]["severity"] == "critical"
        assert page["payload"]["custom_details"]["runbook"] == "docs/operations.md#clockdrift"
        assert page["routing_key"] == "0123456789abcdef0123456789abcdef"
        await _until(lambda: [m for m in inbox.sent_to("/slack") if said in str(m)], "the message in Slack")
        escaped = "The NTP clock of &lt;!channel&gt; &lt;https://evil.example|x&gt; &amp; \\x9b31m{{ .x }} is off"
        await _until(lambda: [m for m in inbox.sent_to("/slack") if escaped in _texts(m)], "the name as text in Slack")
        assert not [m for m in inbox.sent_to("/slack") if "<!channel" in _texts(m) or "<https://evil" in _texts(m)]

        for component in ("api-gateway", HOSTILE):
            await _publish(deployed, random, component, 300)
        await _until(lambda: _pages(inbox, "resolve", "api-gateway"), "the page is resolved")
        assert _pages(inbox, "resolve", "api-gateway")[0]["dedup_key"] == page["dedup_key"]
        await _until(lambda: "ClockDrift" not in prometheus.alert_states(), "no alert is left")
        assert not _pages(inbox, "trigger", "steady")
        await _until(lambda: inbox.sent_to("/heartbeat"), "the heartbeat")
        assert inbox.tokens_of("/heartbeat") == {"Bearer beat"}


async def test_a_worker_that_starts_knows_a_clock_that_drifts(
    deployed: Settings, new_worker: Callable[..., WorkerProcess]
) -> None:
    random = Random(4)
    first = new_worker()
    await first.ready()
    await _publish(deployed, random, "api-gateway", 25_000)
    offset = '{component="api-gateway",protocol="NTP"}'

    async def told(worker: WorkerProcess) -> dict[str, float]:
        deadline = asyncio.get_running_loop().time() + 30
        while asyncio.get_running_loop().time() < deadline:
            offsets = await worker.metric("cockpit_clock_offset_seconds")
            if offset in offsets:
                return offsets
            await asyncio.sleep(0.1)
        raise AssertionError("the clock is not told of")

    assert (await told(first))[offset] == 0.025
    await first.terminate()
    second = new_worker()
    await second.ready()
    assert (await told(second))[offset] == 0.025
    assert (await second.metric("cockpit_clock_state"))[offset] == 1
    assert (await second.metric("cockpit_clock_read_timestamp_seconds"))[offset] > 1_700_000_000
