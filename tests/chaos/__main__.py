"""`scripts/chaos`: runs the faults on servers of its own, prints the table and writes it into docs/reliability.md."""

import argparse
import asyncio
import fcntl
import json
import logging
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import monotonic

from tests.chaos.faults import QUICK, Form
from tests.chaos.faults.catalog import FAULTS
from tests.chaos.servers import running
from tests.chaos.table import Result, rendered, today, write_page

CHECKOUT = Path(__file__).parents[2]
_RESULTS = CHECKOUT / ".local" / "chaos.json"
"""Of earlier runs, so that a table can be made in several sittings."""


def main() -> int:
    wish = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing stays behind
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our own clients lose their brokers, too
    form = QUICK if wish.quick else Form()
    form = replace(form, kills=wish.kills or form.kills, seed=wish.seed)
    names = list(FAULTS) if not wish.only else wish.only.split(",")
    if unknown := [name for name in names if name not in FAULTS]:
        print(f"scripts/chaos: --only {unknown[0]}: is no fault; known are {', '.join(FAULTS)}", file=sys.stderr)
        return 2
    command = " ".join(["scripts/chaos", *sys.argv[1:]])
    directory = Path(tempfile.mkdtemp(prefix="cockpit-chaos-"))
    clean = False
    try:
        results = asyncio.run(_run(names, form, directory, command, keeps=not (wish.quick or wish.no_page)))
        clean = len(results) == len(names) and all(result.is_clean for result in results.values())
        print(rendered(results.values()))
    finally:
        if clean:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            print(f"logs: {directory}", file=sys.stderr)
    return 0 if clean else 1


async def _run(names: list[str], form: Form, directory: Path, command: str, keeps: bool) -> dict[str, Result]:
    results = {}
    async with running(directory, CHECKOUT / ".local" / "artifacts") as servers:
        for name in names:
            began = monotonic()
            try:
                result = await FAULTS[name](servers, directory, form)
            except Exception as error:  # noqa: BLE001  # the other faults are still worth a run
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
                continue
            finally:
                servers.kafka_proxy.mend()
                servers.database_proxy.mend()
                servers.database_proxy.rule = None
            result.measured, result.command = today(), command
            results[name] = result
            print(f"{name}: {'clean' if result.is_clean else 'NOT CLEAN'} after {monotonic() - began:.0f} s")
            for complaint in result.complaints:
                print(f"  {complaint}")
            if keeps:
                _keep(name, result)
    return results


def _keep(name: str, result: Result) -> None:
    """Write this one and what earlier runs left into the page; two runs may be at it at once."""
    _RESULTS.parent.mkdir(exist_ok=True)
    with _RESULTS.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = json.loads(file.read() or "{}") | {name: result.document()}
        file.truncate(0)
        json.dump(known, file, indent=1)
        write_page([Result(**known[name]) for name in FAULTS if name in known])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--only", metavar="NAMES", help=f"comma-separated, of: {', '.join(FAULTS)}")
    parser.add_argument("--kills", type=int, help="SIGKILLs in total (200; with --quick 12)")
    parser.add_argument("--quick", action="store_true", help="everything short, to see that it works; writes no page")
    parser.add_argument("--no-page", action="store_true", help="leave docs/reliability.md as it is")
    parser.add_argument("--seed", type=int, default=1, help="of the traffic and of the moments")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
