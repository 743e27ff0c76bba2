"""`scripts/floods`: what a worker is flooded with, how fast it takes it, and what memory it needs meanwhile."""

import argparse
import json
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from benchmarks import reliability_page
from benchmarks.contestants import Running, cockpit, new_group, running
from benchmarks.disturbance import LOUD_PERCENT, Disturbance
from benchmarks.flood_inputs import CLOCKS, FLOODS, Expected, Flood
from benchmarks.report import new_document
from benchmarks.stack import TOPIC, BenchError, BenchStack, running_stack
from benchmarks.vital_signs import wait_until_ready
from streams.local.server import free_port

_TABLES = ("clock_sync_status", "clock_states", "submissions", "violation_incidents")
_STANDSTILL_SECONDS = 120.0
_LOOK_EVERY_SECONDS = 0.2
Result = dict[str, Any]


def run(stack: BenchStack, flood: Flood, small: bool) -> Result:
    """Write the flood, let a worker drain it, and hold what is there against what must be."""
    _empty(stack)
    port = free_port()
    contestant = cockpit(**dict(flood.settings), METRICS_PORT=str(port))
    with stack.topics() as prefix:
        expected = flood.write(stack, prefix, small)
        group = new_group(contestant)
        with running(stack, contestant, prefix, group) as process:
            ready = wait_until_ready(process, port)
            resident = _status_mb(process.pid, "VmRSS")
            disturbance = Disturbance([*stack.pids, process.pid])
            drained = _drain(stack, process, prefix + expected.topic, expected.records)
            page = _metrics(port)
            peak = _status_mb(process.pid, "VmHWM")
            others = disturbance.percent()
            process.stop()
            words = (stack.directory / f"{group}.log").read_text(errors="replace")
        dead = sum(sum(stack.end_offsets(f"{prefix}{topic}.dlq")) for topic in (TOPIC, CLOCKS))
    rows = stack.rows(expected.table)
    return {
        "title": flood.title,
        "ready_seconds": ready,
        **drained,
        "records": expected.records,
        "dead": dead,
        "rows": rows,
        "resident_mb": resident,
        "peak_mb": peak,
        "metrics_kb": round(len(page) / 1000),
        "standards_refused": "standards_refused" in words,
        "others_percent": others,
        "problems": _problems(expected, dead, rows),
    }


def _problems(expected: Expected, dead: int, rows: int) -> list[str]:
    """Kafka may have more dead letters after a crash, never fewer; there is none here."""
    found = []
    if dead != expected.dead:
        found.append(f"{dead} dead letters of {expected.dead}")
    if rows != expected.rows:
        found.append(f"{rows} rows of {expected.rows}")
    return found


def _drain(stack: BenchStack, process: Running, topic: str, records: int) -> Result:
    """Wait until all is committed; raises BenchError when nothing moves any more."""
    began = moved = monotonic()
    committed = -1
    while committed < records:
        sleep(_LOOK_EVERY_SECONDS)
        process.require_alive()
        if (now := sum(stack.committed(process.group, topic))) > committed:
            committed, moved = now, monotonic()
        elif monotonic() - moved > _STANDSTILL_SECONDS:
            raise BenchError(f"{process.contestant.name}: stands still at {committed} of {records} records")
    seconds = monotonic() - began
    return {"seconds": round(seconds, 1), "records_per_second": round(records / seconds)}


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def _status_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return round(int(line.split()[1]) * 1024 / 1e6, 1)
    raise BenchError(f"process {pid} has ended")


def _empty(stack: BenchStack) -> None:
    stack.empty_tables()
    with stack.connect() as connection, connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"DELETE FROM {table}")


def table(results: Sequence[Result]) -> str:
    """The results as Markdown."""
    heads = ["flood", "records", "stored rows", "dead letters", "records/s", "ready after", "memory", "peak", "outcome"]
    lines = []
    for told in results:
        if "error" in told:
            lines.append([told["title"], *["-"] * 7, told["error"]])
            continue
        outcome = "; ".join(told["problems"]) or "all accounted for"
        if told["standards_refused"]:
            outcome += "; standard refused, the last good set stays"
        lines.append(
            [
                told["title"], f"{told['records']:,}", f"{told['rows']:,}", f"{told['dead']:,}",
                f"{told['records_per_second']:,}", f"{told['ready_seconds']:g} s", f"{told['resident_mb']:.0f} MB",
                f"{told['peak_mb']:.0f} MB", outcome,
            ]
        )  # fmt: skip
    return reliability_page.markdown_table(heads, lines)


def main() -> int:
    """0 when every flood ended as it must."""
    parser = argparse.ArgumentParser(prog="scripts/floods", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=tuple(FLOODS), metavar="NAME", help=", ".join(FLOODS))
    parser.add_argument("--small", action="store_true", help="try everything out; no real numbers")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/reliability.md")
    given = parser.parse_args()
    reliability_page.prepare_process()
    document = new_document(" ".join(["scripts/floods", *sys.argv[1:]]))
    results: list[Result] = []
    with running_stack(_say) as stack:
        for name in given.only or FLOODS:
            _say(FLOODS[name].title)
            try:
                results.append(run(stack, FLOODS[name], given.small))
            except (BenchError, RuntimeError) as error:
                results.append({"title": FLOODS[name].title, "error": str(error), "problems": [str(error)]})
            _say(json.dumps(results[-1]))
    written = f"{reliability_page.origin(document, _highest_disturbance(results))}\n\n{table(results)}"
    print(written)
    if given.json is not None:
        given.json.write_text(json.dumps(document | {"floods": results}, indent=1) + "\n")
    if given.docs:
        reliability_page.write("floods", written)
    return 1 if any(told["problems"] for told in results) else 0


def _highest_disturbance(results: Sequence[Result]) -> float | None:
    highest = max((told.get("others_percent", 0.0) for told in results), default=0.0)
    return highest if highest > LOUD_PERCENT else None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
