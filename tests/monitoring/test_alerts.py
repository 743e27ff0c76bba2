"""Every alert fires, stays quiet and recovers as `alert_cases.py` says, leads somewhere, and reaches whom it should."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.alert_cases import CASES, NEVER_RECOVERS, Fires, Quiet
from tests.monitoring.programs import MONITORING, RULES, Alertmanager, alerts, run, wait_until
from tests.monitoring.receiver import receiver

OPERATIONS = MONITORING.parents[1] / "docs" / "operations.md"
RECEIVERS = {
    "critical": "pagerduty,slack",
    "warning": "slack",
    "info": "email",
    "none": "heartbeat",
}
SEED = {  # what the product is specified from: alert → where it goes
    "TikvDown": "pagerduty",
    "TiflashReplicationLag": "slack",
    "StorageAlmostFull": "email",
    "QueryLatencyHigh": "slack",
    "ClockDrift": "pagerduty",
    "ViolationDetectionSlow": "slack",
}


def _expectation(rule: dict[str, Any], case: Fires) -> dict[str, Any]:
    fixed = {name: rule["annotations"][name] for name in ("runbook_url", "dashboard")}
    return {
        "exp_labels": {**rule["labels"], **case.labels},
        "exp_annotations": {**fixed, "summary": case.summary},
    }


def _promtool_test(case: Fires | Quiet) -> dict[str, Any]:
    """One entry of promtool's `tests:`."""
    if isinstance(case, Fires):
        times: dict[str, list[dict[str, Any]]] = {
            "0s": [],
            case.quiet: [],
            case.fires: [_expectation(alerts()[case.alert], case)],
            case.recovers: [],
        }
    else:
        times = {at: [] for at in case.at}
    return {
        "name": case.alert + (": fires and recovers" if isinstance(case, Fires) else f": quiet: {case.why}"),
        "interval": case.interval,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {"eval_time": at, "alertname": case.alert, "exp_alerts": expected} for at, expected in times.items()
        ],
    }


@pytest.mark.parametrize("file", CASES)
def test_alerts_fire_stay_quiet_and_recover(file: str, programs: Path, tmp_path: Path) -> None:
    tests = {
        "rule_files": [str(MONITORING / "prometheus" / "rules" / file)],
        "evaluation_interval": "5m" if file == "slo.yml" else "1m",  # hours of windows take their time
        "tests": [_promtool_test(case) for case in CASES[file]],
    }
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump(tests))
    run(programs / "promtool", "test", "rules", path)


def test_the_watchdog_always_fires(programs: Path, tmp_path: Path) -> None:
    case = Fires("Watchdog", {}, "", "", "", "Prometheus and Alertmanager work (1)")
    expected = [_expectation(alerts()["Watchdog"], case)]
    times = [{"eval_time": at, "alertname": "Watchdog", "exp_alerts": expected} for at in ("0s", "1m", "2h")]
    path = tmp_path / "tests.yml"
    rules = [str(MONITORING / "prometheus" / "rules" / "worker.yml")]
    path.write_text(yaml.safe_dump({"rule_files": rules, "tests": [{"interval": "1h", "alert_rule_test": times}]}))
    run(programs / "promtool", "test", "rules", path)


def test_every_alert_has_cases_of_both_kinds() -> None:
    cases = [case for of_file in CASES.values() for case in of_file]
    wanted = set(alerts()) - NEVER_RECOVERS
    assert {case.alert for case in cases if isinstance(case, Fires)} == wanted
    assert {case.alert for case in cases if isinstance(case, Quiet)} == wanted
    assert set(SEED) < wanted
    assert {path.name for path in RULES} == set(CASES)


def _anchors(markdown: str) -> set[str]:
    """The anchors of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ +(.+?) *$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alert_says_how_bad_what_and_what_to_do() -> None:
    anchors = _anchors(OPERATIONS.read_text(encoding="utf-8"))
    dashboards = {
        json.loads(path.read_text())["uid"] for path in (MONITORING / "grafana" / "dashboards").glob("*.json")
    }
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in RECEIVERS, name
        assert rule["labels"]["service"], name
        notes = rule["annotations"]
        assert "$value" in notes["summary"] or "query" in notes["summary"] or name == "WorkerAbsent", name
        file, _, anchor = notes["runbook_url"].partition("#")
        assert file == "docs/operations.md", name
        assert anchor in anchors, f"{name}: docs/operations.md has no heading for #{anchor}"
        assert notes["dashboard"] in dashboards, name


def test_the_runbooks_name_no_alert_that_there_is_not() -> None:
    section = f"\n{OPERATIONS.read_text(encoding='utf-8')}".split("\n## Alerts\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^### (\w+)$", section, re.MULTILINE)) == set(alerts())


def test_configurations_are_valid(programs: Path) -> None:
    run(programs / "promtool", "check", "config", MONITORING / "prometheus" / "prometheus.yml")
    run(programs / "amtool", "check-config", MONITORING / "alertmanager" / "alertmanager.yml")


@pytest.mark.parametrize("name", sorted(alerts()))
def test_routes(name: str, programs: Path) -> None:
    labels = {"alertname": name, **alerts()[name]["labels"]}
    receivers = RECEIVERS[labels["severity"]]
    if name in SEED:
        assert SEED[name] in receivers.split(",")
    config = MONITORING / "alertmanager" / "alertmanager.yml"
    arguments = [f"{key}={value}" for key, value in labels.items()]
    verify = f"--verify.receivers={receivers}"
    run(programs / "amtool", "config", "routes", "test", f"--config.file={config}", verify, *arguments)


def test_secrets_stand_in_files_only() -> None:
    text = (MONITORING / "alertmanager" / "alertmanager.yml").read_text()
    keys = set(re.findall(r"^ *-? *(\w+):", text, re.MULTILINE))
    assert not keys & {"routing_key", "service_key", "slack_api_url", "smtp_auth_password", "credentials", "password"}
    for path in re.findall(r"^ *-? *\w+_file: *(\S+)", text, re.MULTILINE):
        assert path.startswith("/etc/alertmanager/secrets/"), f"{path}: others are looked for where it was started"


def _inhibited(alertmanager: Alertmanager) -> set[tuple[str, str]]:
    """(alert, component) of what nobody is told because something else says it."""
    return {
        (alert["labels"]["alertname"], alert["labels"].get("component", ""))
        for alert in alertmanager.get("/api/v2/alerts")
        if alert["status"]["inhibitedBy"]
    }


def test_what_follows_from_another_alert_is_not_told_twice(programs: Path, tmp_path: Path) -> None:
    """A real Alertmanager with the committed rules of inhibition, told that alerts fire with their own labels."""

    with receiver() as inbox:
        alertmanager = Alertmanager(tmp_path, "alertmanager")
        with alertmanager.started(programs, inbox.address):
            alertmanager.fire("ClockDrift", "ClockUnsynchronised", component="api", protocol="NTP")
            alertmanager.fire("ClockUnsynchronised", component="web", protocol="NTP")
            alertmanager.fire(
                "ViolationDetectionBudgetBurnFast", "ViolationDetectionBudgetBurnSlow", "ClockStatusBudgetBurnSlow"
            )
            bad_clock, slow_burn = ("ClockUnsynchronised", "api"), ("ViolationDetectionBudgetBurnSlow", "")
            wait_until(lambda: _inhibited(alertmanager) == {bad_clock, slow_burn}, 10, "one clock, one burn")
            alertmanager.fire("PartitionStuck", topic="governance.clock-sync.v1", partition="2")
            alertmanager.fire("ViolationDetectionSlow", "TikvDown", "Watchdog")
            told_by_stuck = {("ViolationDetectionSlow", ""), ("ViolationDetectionBudgetBurnFast", ""), slow_burn}
            wait_until(lambda: _inhibited(alertmanager) == {bad_clock, *told_by_stuck}, 10, "a stuck partition")
            alertmanager.fire("WorkerAbsent")
            told_by_absent = {*told_by_stuck, ("PartitionStuck", ""), ("ClockStatusBudgetBurnSlow", "")}
            wait_until(lambda: _inhibited(alertmanager) == {bad_clock, *told_by_absent}, 10, "no worker")
