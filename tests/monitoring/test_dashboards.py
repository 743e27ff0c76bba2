"""Both dashboards: generated from code, complete, and every query of every panel answered by a real Prometheus.

The worker is a real one under load. What TiDB's own parts would tell is played from files (expositions/README.md).
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import yaml

from deploy.monitoring.grafana import generate as dashboards_generator
from deploy.monitoring.grafana.tidb_health import SOURCES
from deploy.monitoring.prometheus import generate as slo_generator
from streams.settings import Settings
from tests.e2e import events
from tests.e2e.worker import WorkerProcess, send_all
from tests.monitoring.programs import MONITORING, Prometheus, rule_groups, run
from tests.monitoring.stub_exporter import exporter

GRAFANA = MONITORING / "grafana"
PLAYED = ("tidb", "tikv", "pd", "tiflash", "tidbcloud", "worker-on-tidb")


def dashboards() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))]


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for board in dashboards():
        for panel in board["panels"]:
            if panel["type"] != "row":
                yield f"{board['title']} / {panel['title']}", panel


def queries() -> list[tuple[str, str]]:
    """(panel, PromQL) for every target and every value of the variables."""
    found = []
    for name, panel in panels():
        for target in panel["targets"]:
            expr = target["expr"].replace("$__rate_interval", "30s")
            chosen = {expr.replace("$component", component) for component in (".*", "api")}
            found += [(name, each.replace("$source", source)) for each in chosen for source in SOURCES]
    return found


def choices() -> list[tuple[str, str]]:
    """(variable, PromQL) of what each variable offers that asks Prometheus."""
    found = []
    for board in dashboards():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                matched = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"])
                assert matched, variable["query"]
                found.append((f"{board['title']} / ${variable['name']}", f'{matched[1]}{{{matched[2]}!=""}}'))
    return found


def test_generated_files_are_those_that_the_code_makes() -> None:
    there = {path.name: path.read_text() for path in (GRAFANA / "dashboards").glob("*.json")}
    assert there == dashboards_generator.dashboards()
    assert slo_generator.TARGET.read_text() == slo_generator.rules()


def test_dashboards_hold_what_was_asked_for() -> None:
    titles = {board["title"]: " | ".join(p["title"] for p in board["panels"]) for board in dashboards()}
    for wanted in (
        "TiKV nodes up",
        "TiKV nodes down",
        "TiFlash lag",
        "Query latency",
        "row and columnar",
        "Request units",
    ):
        assert wanted in titles["TiDB Health"]
    for wanted in (
        "Violation detection latency",
        "Compliance query",
        "Clock drift",
        "TiFlash lag by table",
        "Records by outcome",
        "Dead letters",
        "Consumer lag",
        "Oldest unwritten record",
        "Error budget left",
    ):
        assert wanted in titles["Metadata Governance"]


def test_every_panel_says_what_it_shows() -> None:
    for name, panel in panels():
        assert panel["description"], name
        assert panel["fieldConfig"]["defaults"]["unit"], name
        assert panel["targets"], name
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, name
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), name
    for board in dashboards():
        assert board["editable"] is False
        identifiers = [panel["id"] for panel in board["panels"]]
        assert len(set(identifiers)) == len(identifiers)
        for one in board["panels"]:
            assert not any(_overlap(one["gridPos"], other["gridPos"]) for other in board["panels"] if other is not one)


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in ("xw", "yh"))


def test_grafana_finds_its_data_source_and_its_files() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["name"]) == ("prometheus", "Prometheus")
    for board in dashboards():
        variable = next(v for v in board["templating"]["list"] if v["name"] == "datasource")
        assert variable["current"]["value"] == source["uid"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "cockpit.yml").read_text())["providers"]
    assert provider["allowUiUpdates"] is False


def _messages(random: Random, turn: int) -> list[events.Message]:
    """A second's worth of every kind of record: good, breaking a standard, drifting, unreadable."""
    now = datetime.now(UTC).isoformat()
    capture = events.capture(random, "host", [f"/srv/{turn}/a.py", f"/srv/{turn}/tmp~"], now)
    submission = events.submission(random, f"s-{turn}", status="Whatever")
    return [
        events.message("filesystem-timestamps.v1", "host", capture),
        events.message("clock-sync.v1", "api", events.reading(random, "api", 25_000 * (turn % 2), now)),
        events.message("submissions.v1", f"s-{turn}", submission),
        ("clock-sync.v1", b"k", b"junk"),
    ]


@asynccontextmanager
async def load(settings: Settings) -> AsyncIterator[None]:
    """Records of every kind, every fifth of a second, until the block ends."""

    async def produce() -> None:
        random = Random(7)
        for turn in range(100_000):
            await send_all(settings, _messages(random, turn))
            await asyncio.sleep(0.2)

    task = asyncio.create_task(produce())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _unanswered(prometheus: Prometheus, wanted: set[tuple[str, str]], seconds: int) -> dict[tuple[str, str], str]:
    """Ask every query once a second until each has been answered with numbers; those that were not, and why."""
    missing: dict[tuple[str, str], str] = dict.fromkeys(wanted, "not asked")
    for _ in range(seconds):
        for query in list(missing):
            series = await asyncio.to_thread(prometheus.query, query[1])
            if series:
                del missing[query]
            else:
                missing[query] = "no data"
        if not missing:
            break
        await asyncio.sleep(1)
    return missing


async def test_every_query_of_every_panel_and_rule_is_answered_and_metrics_are_good_style(
    deployed: Settings, new_worker: Callable[..., WorkerProcess], programs: Path, tmp_path: Path
) -> None:
    worker = new_worker(COCKPIT_PROBE_SECONDS="1")
    await worker.ready()
    wanted = {*queries(), *choices(), *_records()}
    assert choices()
    assert not [query for _, query in wanted if "$" in query]
    with ExitStack() as stack:
        targets = {name: stack.enter_context(exporter(name)) for name in PLAYED}
        targets["cockpit"] = f"127.0.0.1:{worker.port}"
        prometheus = stack.enter_context(Prometheus(tmp_path, "prometheus").started(programs, targets))
        async with load(deployed):
            missing = await _unanswered(prometheus, wanted, seconds=45)
        assert not missing, "\n".join(f"{name}: {query}" for name, query in sorted(missing))
    _, metrics = await worker.get("/metrics")
    assert "cockpit_clock_offset_seconds{" in metrics
    run(programs / "promtool", "check", "metrics", stdin=metrics)


def _records() -> Iterator[tuple[str, str]]:
    """What alerts read must be there too: every metric and recorded name of every rule."""
    for group in rule_groups():
        for rule in group["rules"]:
            expr = re.sub(r'"[^"]*"', "", rule["expr"])
            for name in set(
                re.findall(r"\b(?:cockpit|tidb|tikv|pd|tiflash|tidbcloud|resource_manager|slo)[_:][\w:]+", expr)
            ):
                yield f"rule {rule.get('alert') or rule['record']}", name
