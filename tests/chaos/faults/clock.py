"""The worker's own clock jumps by an hour, both ways (libfaketime): it must not blame the clocks that it watches."""

import asyncio
import json
from pathlib import Path
from time import time

from tests.chaos.faults import Form
from tests.chaos.faults.under_load import under_load
from tests.chaos.lane import Lane
from tests.chaos.servers import Servers
from tests.chaos.table import Result
from tests.e2e.worker import WorkerProcess, eventually, read_all

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_STEP_SECONDS = 3600
_LOOKS_SECONDS = 12.0
"""The worker's timer looks at all clocks every 5 s."""
_VERIFIED = "cockpit_standards_verified_timestamp_seconds"


async def stepped(servers: Servers, directory: Path, form: Form) -> Result:
    assert await asyncio.to_thread(LIBRARY.exists), f"{LIBRARY} is missing: install the Debian package libfaketime"
    file = directory / "faketime"
    file.write_text("+0s", encoding="ascii")
    told: list[str] = []

    async def breaks(lane: Lane, worker: WorkerProcess) -> str:
        seen = []
        for step in (_STEP_SECONDS, -_STEP_SECONDS) * (1 if form.rounds < 5 else 2):
            file.write_text(f"{step:+d}s", encoding="ascii")
            await eventually(lambda step=step: _is_off(worker, step), 20, f"the worker's clock is {step:+d} s off")
            seen.append(f"{step:+d} s")
            await asyncio.sleep(_LOOKS_SECONDS)
            file.write_text("+0s", encoding="ascii")
            await eventually(lambda: _is_off(worker, 0), 20, "the worker's clock is right again")
            lane.watched.fault_ends()
            await lane.stored()
        alerts = [json.loads(record.value) for record in await read_all(lane.straight, "drift-alerts.v1")]
        told.extend(
            f"{alert['component_name']} {alert['kind']} {alert['state']}"
            for alert in alerts
            if alert["kind"] == "stale" or alert["component_name"] not in lane.oracle.drifting
        )
        return f"{', '.join(seen)}; {len(told)} false alerts"

    result = await under_load(
        "worker's clock stepped by an hour",
        servers,
        directory,
        form,
        breaks,
        LD_PRELOAD=str(LIBRARY),
        FAKETIME_TIMESTAMP_FILE=str(file),
        FAKETIME_CACHE_DURATION="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        DONT_FAKE_MONOTONIC="1",
    )
    result.complaints += told
    return result


async def _is_off(worker: WorkerProcess, seconds: float) -> bool:
    """By the newest time that the worker itself wrote down, every second."""
    (stamp,) = (await worker.metric(_VERIFIED)).values() or (0.0,)
    return abs(stamp - time() - seconds) < 60
