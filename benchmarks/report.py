"""The results as a table on the terminal, and as one JSON document with the machine, the command and the revision."""

import os
import platform
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.stack import CHECKOUT, BenchStack
from benchmarks.targets import TARGETS, Bound, Measurement

_PACKAGES = ("faust-streaming", "aiokafka", "aiomysql", "pydantic", "google-re2", "orjson", "uvloop", "faststream",
             "sentry-arroyo", "confluent-kafka")  # fmt: skip


def new_document(command: str) -> dict[str, Any]:
    """An empty result."""
    return {
        "machine": machine(),
        "command": command,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_revision": git_revision(),
        "sections": {},
        "measurements": [],
        "series": {},
        "problems": [],
    }


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def add_servers(document: dict[str, Any], stack: BenchStack) -> None:
    """Which database and which Kafka it were."""
    with stack.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        document["machine"]["versions"]["database"] = cursor.fetchone()[0]
    brokers = sorted((CHECKOUT / ".local" / "artifacts").glob("*/lib/kafka_*.jar"))
    document["machine"]["versions"]["kafka"] = brokers[-1].stem.partition("-")[2] if brokers else None


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def git_revision() -> str:
    """The short revision; `+` where files that belong to it were changed, `unknown` outside of a checkout."""
    try:
        revision = _git("rev-parse", "--short", "HEAD").strip()
        return revision + ("+" if _git("status", "--porcelain", "--untracked-files=no").strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout


def add_section(
    document: dict[str, Any], name: str, started: datetime, measured: list[Measurement], series: dict[str, Any]
) -> None:
    """Put in what a section measured, in place of what an earlier run said of the same rows."""
    keys = {measurement.key for measurement in measured}
    document["measurements"] = [row for row in document["measurements"] if row["key"] not in keys]
    document["measurements"] += [{**asdict(row), **judged(row)} for row in measured]
    document["series"] |= series
    document["sections"][name] = {
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
        "git_revision": document["git_revision"],
    }


def judged(measurement: Measurement) -> dict[str, bool | None]:
    """Whether a row keeps its bounds; None for what was not measured with it."""
    for target in TARGETS:
        if target.key == measurement.key:
            return {"must": target.must.kept(measurement), "aim": target.aim.kept(measurement)}
    return {"must": None, "aim": None}


def measurements(document: dict[str, Any]) -> dict[str, Measurement]:
    """The measurements of a document by their keys."""
    return {
        row["key"]: Measurement(row["key"], row["value"], row["unit"], row["detail"])
        for row in document["measurements"]
    }


def shown(measurement: Measurement) -> str:
    """A value as people read it, with what else its bounds ask for."""
    text = f"{measurement.value:,.3g}" if measurement.value < 1000 else f"{measurement.value:,.0f}"
    text += f" {measurement.unit}"
    for key, form in (
        ("p99_9_ms", "p99.9 {:.3g} ms"),
        ("ratio_to_loop", "{:.2f} x the loop's"),
        ("cost_to_that_of_50", "{:.2f} x of 50"),
        ("growth_percent", "growth {:.1f} %"),
        ("any_percent", "{:.1f} % if all standards break as often"),
    ):
        if measurement.detail.get(key) is not None:
            text += ", " + form.format(measurement.detail[key])
    return text


def verdict(bound: Bound, measurement: Measurement) -> str:
    return {True: "yes", False: "NO", None: "-"}[bound.kept(measurement)]


def print_table(document: dict[str, Any], console: Console) -> None:
    """Measured, must and aim of every row that was measured, then what each contestant took."""
    table = Table("what", "measured", "must", "", "aim", "")
    known = measurements(document)
    for target in TARGETS:
        if (row := known.get(target.key)) is None:
            continue
        must, aim = verdict(target.must, row), verdict(target.aim, row)
        colour = "green" if must == "yes" else "red" if must == "NO" else ""
        table.add_row(target.title, shown(row), target.must.text, f"[{colour}]{must}" if colour else must,
                      target.aim.text, aim)  # fmt: skip
    if table.row_count:
        console.print(table)
    if rows := document["series"].get("throughput"):
        table = Table("files a second", "median", "least", "most", title_justify="left")
        for row in sorted(rows, key=lambda row: -row["median"]):
            table.add_row(row["title"], *(f"{row[key]:,.0f}" for key in ("median", "least", "most")))
        console.print(table)
    if rows := document["series"].get("latency"):
        table = Table("milliseconds to committed", "events/s", "p50", "p90", "p99", "p99.9", "max")
        for row in sorted(rows, key=lambda row: (row["rate"], row["title"])):
            values = (f"{row[key]:,.1f}" for key in ("p50_ms", "p90_ms", "p99_ms", "p99_9_ms", "max_ms"))
            table.add_row(row["title"], f"{row['rate']:,.0f}", *values)
        console.print(table)
    if document.get("others_percent"):
        others = f"other programs took up to {document['others_percent']:g} % of the machine"
        print(f"disturbed: {others}: the numbers are worse than they need be", file=sys.stderr)
    for problem in document["problems"]:
        print(f"problem: {problem}", file=sys.stderr)
