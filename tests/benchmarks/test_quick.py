"""`scripts/bench --quick` runs everything there is to measure, and what it reports adds up; no time is judged."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.targets import TARGETS

CHECKOUT = Path(__file__).parents[2]
NOT_IN_QUICK = {
    "throughput_vs_floor",
    "throughput_vs_faust_event",
    "throughput_vs_no_history",
    "latency_2000_p99_ms",
    "latency_50_percent_p99_ms",
    "latency_80_percent_p99_ms",
    "compliance_1m_ms",
    "compliance_10m_ms",
}
"""They ask for other contestants, longer runs or larger tables."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    mark = f"TEST_OF_THE_BENCHMARK={folder}"
    run = subprocess.run(
        ["env", mark, CHECKOUT / "scripts" / "bench", "--quick", "--json", folder / "results.json", "--out", folder],
        cwd=folder, capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-4000:]
    assert _processes(mark) == [], "a process was left behind"
    result: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return result


def _processes(mark: str) -> list[str]:
    """The commands of all processes that inherited the mark: other tests run workers at the same time."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            inherited = process.name.isdigit() and mark.encode() in (process / "environ").read_bytes().split(b"\0")
            if inherited and (command := (process / "cmdline").read_bytes()):
                found.append(command.decode(errors="replace").replace("\0", " "))
        except OSError:  # it has just ended
            continue
    return found


def test_everything_was_measured_and_nothing_went_wrong(document: dict[str, Any]) -> None:
    assert document["problems"] == []
    measured = {row["key"]: row for row in document["measurements"]}
    assert set(measured) == {target.key for target in TARGETS} - NOT_IN_QUICK
    assert all(row["value"] > 0 or row["key"] == "rollup_write_cost_percent" for row in measured.values())
    assert set(document["sections"]) == {"throughput", "latency", "startup", "lookups", "growth", "memory", "queries"}


def test_the_document_says_where_it_comes_from(document: dict[str, Any]) -> None:
    assert document["command"].startswith("scripts/bench --quick")
    assert document["git_revision"]
    assert {"cpu", "cores", "memory_gb", "kernel", "python", "versions"} <= set(document["machine"])
    assert document["machine"]["versions"]["database"]


def test_contestants_stored_the_same_rows_of_what_was_sent(document: dict[str, Any]) -> None:
    (results,) = document["series"]["throughput_rounds"]
    assert set(results) == {"cockpit", "aiokafka_loop"}
    for result in results.values():
        assert 0 < result["committed"] <= 20_000
        assert result["rows"] <= 20_000
    contents = [result["contents"] for result in results.values() if result["contents"]]
    assert len(set(contents)) <= 1


def test_every_sample_was_seen_and_every_event_was_stored(document: dict[str, Any]) -> None:
    (results,) = document["series"]["latency_rounds"]["latency_500_p99_ms"]
    assert set(results) == {"cockpit", "aiokafka_loop"}
    for result in results.values():
        assert result["sender"]["sent"] == result["events"] == 3000
        assert result["missing"] == 0
        assert result["sampled"] == 500
        assert 0 < result["p50_ms"] <= result["p99_ms"] <= result["p99_9_ms"] <= result["max_ms"]


def test_memory_was_sampled_until_the_last_file(document: dict[str, Any]) -> None:
    assert document["series"]["memory"][-1]["files"] == 50_000


def test_the_charts_were_drawn(document: dict[str, Any], folder: Path) -> None:
    for name in ("throughput", "latency", "growth"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (folder / f"{name}.svg").read_text()
