"""docs/performance.md: what was measured, on which machine and with which command, written from the results.

What stands between the two marks is written anew each time; a person's text around them stays.
"""

import shutil
from pathlib import Path
from typing import Any

from benchmarks.report import measurements, shown, verdict
from benchmarks.targets import TARGETS

_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_PICTURES = {
    "throughput": "Files a second, against peers and the floor",
    "latency": "Milliseconds from the intended time to committed, against offered load",
    "growth": "Cost against growth: rules, rows, workers, files in an event",
}
_NEW = f"""# Performance

**Version:** 1.0.0
**Status:** Active
**Date:** {{date}}

---

What `scripts/bench` measures, and what it said. It starts a Kafka and a MariaDB of its own, so that anybody can run it
again; the peers and what each of them leaves out are described in `benchmarks/peers/README.md`.

{_BEGIN}
{_END}
"""


def write(document: dict[str, Any], pictures: list[Path], docs: Path) -> None:
    """Write the tables into performance.md, and the pictures beside it under images/."""
    images = docs / "images"
    images.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        shutil.copy(picture, images / f"performance-{picture.name}")
    page = docs / "performance.md"
    text = page.read_text(encoding="utf-8") if page.exists() else _NEW.format(date=document["started_at"][:10])
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    drawn = {picture.stem for picture in pictures}
    page.write_text(f"{before}{_BEGIN}\n{_measured(document, drawn)}\n{_END}{after}", encoding="utf-8")


def _measured(document: dict[str, Any], drawn: set[str]) -> str:
    parts = [_origin(document), _targets(document), _throughput(document), _latency(document)]
    parts += [f"![{title}](images/performance-{name}.svg)" for name, title in _PICTURES.items() if name in drawn]
    parts.append(_problems(document))
    return "\n\n".join(part for part in parts if part)


def _origin(document: dict[str, Any]) -> str:
    machine = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    lines = [
        f"* Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['kernel']};"
        " Kafka, the database, the load and what is measured share the cores",
        f"* Command: `{document['command']}`",
        f"* Started: {document['started_at']}, revision `{document['git_revision']}`",
        f"* Python {machine['python']}; {versions}",
    ]
    if document.get("others_percent"):
        lines.append(f"* Disturbed: other programs took up to {document['others_percent']:g} % of the machine")
    for name, section in document["sections"].items():
        if section["git_revision"] != document["git_revision"]:
            lines.append(f"* `{name}` is of {section['started_at']}, revision `{section['git_revision']}`")
    return "\n".join(lines)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _targets(document: dict[str, Any]) -> str:
    known = measurements(document)
    rows = [
        [target.title, shown(row), target.must.text, verdict(target.must, row), target.aim.text,
         verdict(target.aim, row)]
        for target in TARGETS
        if (row := known.get(target.key)) is not None
    ]  # fmt: skip
    return _table(["what", "measured", "must", "kept", "aim", "kept"], rows) if rows else ""


def _throughput(document: dict[str, Any]) -> str:
    rows = sorted(document["series"].get("throughput", []), key=lambda row: -row["median"])
    told = [
        [row["title"], f"{row['median']:,.0f}", f"{row['least']:,.0f}-{row['most']:,.0f}", row["lacks"] or "-"]
        for row in rows
    ]
    return _table(["files a second", "median", "rounds", "what it does not do"], told) if told else ""


def _latency(document: dict[str, Any]) -> str:
    rows = sorted(document["series"].get("latency", []), key=lambda row: (row["rate"], row["p99_ms"]))
    keys = ("p50_ms", "p90_ms", "p99_ms", "p99_9_ms", "max_ms")
    told = [[row["title"], f"{row['rate']:,.0f}", *(f"{row[key]:,.1f}" for key in keys)] for row in rows]
    return _table(["ms to committed", "events/s", "p50", "p90", "p99", "p99.9", "max"], told) if told else ""


def _problems(document: dict[str, Any]) -> str:
    return "\n".join(f"* Not measured: {problem}" for problem in document["problems"])
