"""docker-compose.yml against the compose specification's own schema, and against what we ask of every service.

No Docker engine is at hand: what is tested is what would be started.
"""

import json
import re
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from streams.settings import Settings
from tests.k8s.kustomize_program import go

CHECKOUT = Path(__file__).parents[2]
PROFILES = {"core", "monitoring", "demo"}
OURS = {"migrate", "topics", "columns", "worker", "producer-files", "producer-clocks"}
JOBS = {"migrate", "topics", "columns"}
_MODULE = "github.com/compose-spec/compose-go/v2"
_VERSION, _SUM = "v2.9.1", "h1:8UwI+ujNU+9Ffkf/YgAm/qM9/eU7Jn8nHzWG721W4rs="
"""The specification's schema, in the module that Docker's own compose reads files with."""

Service = dict[str, Any]


@cache
def document() -> dict[str, Any]:
    """The file with its defaults filled in, as compose does."""
    text = (CHECKOUT / "docker-compose.yml").read_text()
    filled = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)
    assert "${" not in filled.replace("$${", ""), "a variable without a default"
    return yaml.safe_load(filled)


def services() -> dict[str, Service]:
    return document()["services"]


def each(names: set[str] | None = None) -> pytest.MarkDecorator:
    chosen = sorted(names or services())
    return pytest.mark.parametrize("service", [services()[name] for name in chosen], ids=chosen)


def test_the_specification_has_nothing_to_object(tmp_path: Path) -> None:
    told = json.loads(go("mod", "download", "-json", f"{_MODULE}@{_VERSION}", cwd=tmp_path))
    assert told["Sum"] == _SUM
    with zipfile.ZipFile(told["Zip"]) as module:
        schema = json.loads(module.read(f"{_MODULE}@{_VERSION}/schema/compose-spec.json"))
    problems = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft7Validator(schema).iter_errors(document())
    ]
    assert problems == []
    broken = {**document(), "services": {"worker": {"imagine": "x"}}}
    assert list(Draft7Validator(schema).iter_errors(broken)), "the schema refuses what it does not know"


@each()
def test_every_service_is_of_a_profile_and_of_a_pinned_image(service: Service) -> None:
    assert set(service["profiles"]) <= PROFILES
    name, _, tag = service["image"].rpartition(":")
    assert name
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


@each()
def test_ports_are_published_on_this_machine_only(service: Service) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@each()
def test_nothing_is_unbounded_or_gains_privileges(service: Service) -> None:
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory"}
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert "/var/run/docker.sock" not in str(service)


@each()
def test_every_service_that_stays_says_whether_it_is_well(service: Service) -> None:
    is_short = service.get("healthcheck", {}).get("disable", False)
    assert is_short or service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] in ("unless-stopped", "on-failure")


@each(OURS)
def test_ours_are_hardened(service: Service) -> None:
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/tmp:size=64m,mode=1777"]
    assert set(service["environment"]) <= {f"COCKPIT_{name.upper()}" for name in Settings.model_fields}


def test_the_worker_drains_before_it_is_killed() -> None:
    seconds = int(services()["worker"]["stop_grace_period"].removesuffix("s"))
    assert seconds >= 2 * Settings.model_fields["drain_seconds"].default
    assert services()["worker"]["init"] is False, "the worker is process 1 and gets SIGTERM"


def test_the_worker_waits_for_schema_and_topics_and_those_for_their_servers() -> None:
    worker = services()["worker"]["depends_on"]
    assert {name: need["condition"] for name, need in worker.items()} == {
        "migrate": "service_completed_successfully",
        "topics": "service_completed_successfully",
    }
    assert services()["migrate"]["depends_on"] == {"tidb": {"condition": "service_healthy"}}
    assert services()["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    for name, service in services().items():
        for other in service.get("depends_on", {}):
            shared = set(services()[other]["profiles"])
            assert shared & {*service["profiles"], "core"}, f"{name} needs {other}, which its profile does not start"


def test_one_version_of_tidb_and_what_tiflash_needs() -> None:
    tags = {services()[name]["image"].split(":")[1] for name in ("pd", "tikv", "tidb", "tiflash")}
    assert len(tags) == 1
    assert "enable-placement-rules = true" in (CHECKOUT / "deploy/compose/pd.toml").read_text()
    tiflash = (CHECKOUT / "deploy/compose/tiflash.toml").read_text()
    for needed in ('pd_addr = "pd:2379"', 'engine-addr = "tiflash:3930"', "metrics_port = 8234"):
        assert needed in tiflash


def test_what_is_mounted_is_there() -> None:
    for service in services().values():
        for volume in service.get("volumes", ()):
            source, _, target = volume.partition(":")
            if source.startswith("./"):
                assert (CHECKOUT / source).exists(), source
                assert target.endswith(":ro"), f"{source} is mounted to be read"
            else:
                assert source in document()["volumes"], source


def test_prometheus_scrapes_the_services_of_this_file() -> None:
    scraped = yaml.safe_load((CHECKOUT / "deploy/monitoring/prometheus/prometheus.yml").read_text())["scrape_configs"]
    hosts = {
        target.split(":")[0]
        for job in scraped
        for configs in ("static_configs", "dns_sd_configs")
        for config in job.get(configs, ())
        for target in config.get("targets") or config.get("names")
    }
    assert hosts - {"localhost"} <= set(services())


def test_no_secret_stands_in_the_file_and_every_variable_is_explained() -> None:
    text = (CHECKOUT / "docker-compose.yml").read_text()
    example = (CHECKOUT / ".env.example").read_text()
    asked = set(re.findall(r"\$\{([A-Z_]+)", text)) | {
        secret["environment"] for secret in document()["secrets"].values()
    }
    explained = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))
    assert asked == explained
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text))
    assert dict(re.findall(r"^# ([A-Z_]+)=(.*)$", example, re.MULTILINE)) == defaults
    for word in ("PASSWORD:", "TOKEN:", "password:"):
        assert word not in text.replace("PASSWORD__FILE:", ""), word
