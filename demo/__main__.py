"""`python -m demo`: the product's main job on real input, on one screen.

servers ─► migrate, topics ─► worker ─► real input ─► measured load ─► report ─► everything stopped
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from time import monotonic

from demo import gauges, report
from demo.inputs import Inputs
from demo.objectives import Measurement, drift_objective
from demo.outcome import Reader, disappointments
from demo.screen import Screen
from demo.surroundings import Surroundings
from demo.wire import Wire
from streams.errors import CockpitError
from streams.settings import Settings
from streams.store.database import Database

CHECKOUT = Path(__file__).resolve().parents[1]
_CONSUMED_SECONDS, _READY_SECONDS = 60, 60
_INTERRUPTED = 130


def main() -> int:
    """Run the demo and clean up after it; the exit code is 0 when everything happened as it should."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="The main job on real input, end to end.")
    parser.add_argument("--keep", action="store_true", help="leave the servers and the worker running")
    home = CHECKOUT / ".local" / "demo"
    parser.add_argument("--directory", type=Path, default=home, help="where the demo's data is (default: %(default)s)")
    options = parser.parse_args()
    screen = Screen()
    surroundings = Surroundings(options.directory, CHECKOUT / ".local" / "artifacts")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    code, problems = 1, ["failed"]
    try:
        problems = run(surroundings, screen)
        code = 1 if problems else 0
    except CockpitError as error:
        problems = [str(error)]
    except (KeyboardInterrupt, asyncio.CancelledError):
        code, problems = _INTERRUPTED, ["interrupted"]
    finally:
        if options.keep and code == 0:
            screen.say(_how_to_look(surroundings))
        else:
            worker_code = _stop(surroundings, screen, wipe=code == 0)
            if worker_code and code == 0:
                code, problems = 1, [f"worker: ended with exit code {worker_code} (log: {surroundings.worker_log})"]
    for problem in problems:
        print(f"demo: {problem}", file=sys.stderr)
    return code


def run(surroundings: Surroundings, screen: Screen) -> list[str]:
    """Everything but the cleaning up; returns what should have happened and did not."""
    started_at = monotonic()
    with screen.step("local stack: a real Kafka and a real MariaDB, empty"):
        settings = surroundings.start_servers(screen.say)
    return asyncio.run(_with_signals(surroundings, screen, settings, started_at))


async def _with_signals(surroundings: Surroundings, screen: Screen, settings: Settings, started_at: float) -> list[str]:
    # SIGTERM and SIGHUP end the demo as Ctrl-C does, which asyncio looks after itself.
    task = asyncio.ensure_future(_demo(surroundings, screen, settings, started_at))
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


async def _demo(surroundings: Surroundings, screen: Screen, settings: Settings, started_at: float) -> list[str]:
    await _deploy(surroundings, screen)
    async with Wire(settings) as wire, Database(settings, connections=2) as database:

        async def consumed() -> None:
            await wire.wait_until_consumed(_CONSUMED_SECONDS, surroundings.require_worker)

        inputs = Inputs(CHECKOUT, surroundings.scratch)
        reader = Reader(wire, database, settings)
        await reader.begin()
        for text, events in inputs.rounds():
            with screen.step(text) as step:
                before = sum(wire.sent.values())
                await wire.send(events)
                await consumed()
                step.note = f"{sum(wire.sent.values()) - before} events"
        measurement = Measurement(wire, database, surroundings.metrics_port)
        with screen.step("measured load: captures of one file at a steady rate"):
            await measurement.load(inputs.load_captures(), consumed)
        with screen.step("measured load: captures of 1,000 files, one after another"):
            await measurement.bulk(inputs.bulk_captures(), lambda event: inputs.stored(event, database))
            await consumed()
        with screen.step("measured reads: clock status and 30-day compliance"):
            await measurement.queries()
        with screen.step("reading what became of it all"):
            metrics = await gauges.accounted(surroundings.metrics_port, sum(wire.sent.values()))
            outcome = await reader.read(metrics, inputs.tamperings, inputs.honest, inputs.measured_events)
    drift = drift_objective(outcome.alerts, settings.drift_threshold_microseconds)
    objectives = [*measurement.objectives(reader.violations), drift]
    report.show(screen.console, outcome, objectives, str(surroundings.scratch), monotonic() - started_at)
    problems = disappointments(outcome, inputs.files, inputs.expected_verdicts, inputs.expected_dead_letters)
    return problems if drift.met else [*problems, f"drift alert of {drift.how}: {drift.measured}"]


async def _deploy(surroundings: Surroundings, screen: Screen) -> None:
    with screen.step("cockpit migrate, cockpit topics create") as step:
        step.note, _ = await asyncio.gather(surroundings.cockpit("migrate"), surroundings.cockpit("topics", "create"))
    with screen.step("cockpit worker") as step:
        surroundings.start_worker()
        port = await surroundings.wait_for_worker()
        await gauges.wait_until_ready(port, _READY_SECONDS, surroundings.require_worker)
        step.note = f"ready, metrics on port {port}"


def _stop(surroundings: Surroundings, screen: Screen, *, wipe: bool) -> int:
    # A second Ctrl-C must not leave half of the processes behind.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with screen.step("stopping the worker, then the servers"):
        return surroundings.stop(wipe=wipe)


def _how_to_look(surroundings: Surroundings) -> str:
    cockpit = CHECKOUT / ".venv" / "bin" / "cockpit"
    return f"""
Kafka, MariaDB and the worker (pid {surroundings.worker_pid}) are left running.
  cd {surroundings.home}                      # its .local/stack.env has the addresses
  curl -s http://127.0.0.1:{surroundings.metrics_port}/metrics
  {cockpit} status
  {cockpit} violations list
  kill {surroundings.worker_pid}; {cockpit} down --wipe
The next scripts/demo ends them too."""


if __name__ == "__main__":
    sys.exit(main())
