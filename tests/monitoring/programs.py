"""Prometheus and Alertmanager as processes of a test: real programs, the committed configuration, short intervals."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import yaml

from streams.local.server import LOOPBACK, free_port

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
RULES = sorted((MONITORING / "prometheus" / "rules").glob("*.yml"))
SHORT = "1s"


def rule_groups() -> list[dict[str, Any]]:
    return [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Every committed alert by its name."""
    return {rule["alert"]: rule for group in rule_groups() for rule in group["rules"] if "alert" in rule}


def run(program: Path, *arguments: str | Path, stdin: str = "") -> str:
    """What a tool wrote; fails with it when it failed."""
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Return once the condition holds; an error of the network counts as not yet."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        try:
            if condition():
                return
        except (URLError, ConnectionError, TimeoutError):
            pass
        sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


class Program:
    """A server program on a free port of 127.0.0.1, with its log."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.log = directory / f"{name}.log"

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def get(self, path: str, **parameters: str) -> Any:
        with urlopen(f"http://{self.address}{path}?{urlencode(parameters)}", timeout=10) as answer:
            return json.loads(answer.read())

    @contextmanager
    def running(self, *command: str | Path) -> Iterator[None]:
        with self.log.open("wb") as log:
            # Where a server is started is nowhere near its configuration.
            process = subprocess.Popen([*command], cwd="/", stdout=log, stderr=log)
        try:
            wait_until(lambda: self._is_ready(process), 30, f"{command[0]} is ready:\n{self.log}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)

    def _is_ready(self, process: "subprocess.Popen[bytes]") -> bool:
        assert process.poll() is None, self.log.read_text(errors="replace")[-3000:]
        with urlopen(f"http://{self.address}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)


class Prometheus(Program):
    """Scrapes `targets`, by job, with the committed rules."""

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that an instant query gives, without those that are not a number."""
        answer = self.get("/api/v1/query", query=expr)
        assert answer["status"] == "success", answer
        found = answer["data"]["result"]
        if answer["data"]["resultType"] == "scalar":
            return [{"metric": {}, "value": found}]
        return [series for series in found if series["value"][1] != "NaN"]

    def alert_states(self) -> dict[str, set[str]]:
        """Pending and firing alerts by name."""
        states: dict[str, set[str]] = {}
        for alert in self.get("/api/v1/alerts")["data"]["alerts"]:
            states.setdefault(alert["labels"]["alertname"], set()).add(alert["state"])
        return states

    @contextmanager
    def started(
        self, programs: Path, targets: Mapping[str, str], alertmanager: str | None = None, *, patient: bool = True
    ) -> Iterator["Prometheus"]:
        """Run with the committed configuration, other addresses, and one second where it has many.

        Without `patient`, alerts do not wait for their `for:` either.
        """
        config = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": SHORT, "scrape_timeout": SHORT, "evaluation_interval": SHORT}
        jobs = {job["job_name"]: job for job in config["scrape_configs"]}
        config["scrape_configs"] = [
            _job(jobs.get(name, {"job_name": name}), address) for name, address in targets.items()
        ]
        config["alerting"]["alertmanagers"] = (
            [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
        )
        (self.directory / "rules").mkdir()
        for path in RULES:
            text = path.read_text()
            text = text if patient else re.sub(r"^( +)for: .*$", r"\1for: 0s", text, flags=re.MULTILINE)
            (self.directory / "rules" / path.name).write_text(text)
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        with self.running(
            programs / "prometheus",
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address={self.address}",
            # What fires before Prometheus has found its Alertmanager is told again after this.
            f"--rules.alert.resend-delay={SHORT}",
        ):
            yield self


def _job(job: dict[str, Any], address: str) -> dict[str, Any]:
    """The committed job, with one static address in the place of those it has."""
    kept = {key: value for key, value in job.items() if not key.endswith("_configs")}
    return {**kept, "static_configs": [{"targets": [address]}]}


class Alertmanager(Program):
    """The committed routes and receivers, towards `receiver` (host:port) in the place of PagerDuty and Slack, and
    `mailbox` in that of the mail server."""

    def fire(self, *names: str, annotations: Mapping[str, str] | None = None, **labels: str) -> None:
        """Tell it that these alerts fire, with their own labels and the given ones."""
        fired = [{"alertname": name, **alerts()[name]["labels"], **labels} for name in names]
        body = [{"labels": one, "annotations": dict(annotations or {})} for one in fired]
        request = Request(f"http://{self.address}/api/v2/alerts", method="POST", data=json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    @contextmanager
    def started(self, programs: Path, receiver: str, mailbox: str | None = None) -> Iterator["Alertmanager"]:
        text = (MONITORING / "alertmanager" / "alertmanager.yml").read_text()
        config = yaml.safe_load(text.replace("/etc/alertmanager/", f"{self.directory}/"))
        secrets = self.directory / "secrets"
        secrets.mkdir()
        (secrets / "pagerduty-routing-key").write_text("0123456789abcdef0123456789abcdef")
        (secrets / "slack-webhook-url").write_text(f"http://{receiver}/slack")
        (secrets / "smtp-password").write_text("not used")
        (secrets / "heartbeat-token").write_text("beat")
        if mailbox is not None:
            config["global"] |= {"smtp_smarthost": mailbox, "smtp_require_tls": False}
        config["global"]["pagerduty_url"] = f"http://{receiver}/pagerduty"
        for entry in config["receivers"]:
            for webhook in entry.get("webhook_configs", ()):
                webhook["url"] = f"http://{receiver}/heartbeat"
        _hurry(config["route"])
        (self.directory / "alertmanager.yml").write_text(yaml.safe_dump(config))
        with self.running(
            programs / "alertmanager",
            f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'data'}",
            "--cluster.listen-address=",
            f"--web.listen-address={self.address}",
        ):
            yield self


def _hurry(route: dict[str, Any]) -> None:
    for name in ("group_wait", "group_interval"):
        route[name] = SHORT
    for child in route.get("routes", ()):
        _hurry(child)
