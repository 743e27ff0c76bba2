"""docker-compose.yml: what every combination of profiles would start, and what we ask of every service."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings import Settings
from tests.deploy.compose_file import FILE, PROFILES, combinations_of_profiles, load, project, services
from tests.go_programs import CHECKOUT

OURS = {"migrate", "topics", "columns", "worker", "producer-files", "producer-clocks"}
JOBS = {"migrate", "topics", "columns"}
COMPOSE = CHECKOUT / "deploy" / "compose"


def each(names: set[str] | None = None) -> pytest.MarkDecorator:
    """One test a service; loaded when the first of them runs."""
    return pytest.mark.parametrize("name", sorted(names or yaml.safe_load(FILE.read_text())["services"]))


# --- the specification


@pytest.mark.parametrize("profiles", combinations_of_profiles(), ids="+".join)
def test_every_combination_of_profiles_starts(profiles: tuple[str, ...]) -> None:
    started = services(*profiles)
    assert started
    assert {profile for service in started.values() for profile in service["profiles"]} == set(profiles)


def test_every_service_is_of_a_profile() -> None:
    assert set(services()) == set(yaml.safe_load(FILE.read_text())["services"])
    for service in services().values():
        assert set(service["profiles"]) <= set(PROFILES)


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ("    profiles: [core]\n    imagine: x\n", "imagine"),
        ("    profiles: [core]\n    depends_on: [nobody]\n", "nobody"),
        ("    profiles: [core]\n    volumes: ['unknown:/data']\n", "unknown"),
        ("    profiles: [core]\n    ports: ['127.0.0.1:nine:9']\n", "nine"),
    ],
)
def test_what_the_specification_does_not_allow_is_refused(change: str, objection: str, tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(f"services:\n  one:\n    image: x:1.0.0\n{change}")
    done = load(broken, "core")
    assert done.returncode == 1
    assert objection in done.stderr


@pytest.mark.parametrize("profiles", combinations_of_profiles(), ids="+".join)
def test_up_wait_comes_to_an_end(profiles: tuple[str, ...]) -> None:
    """`up --wait` waits for health, and fails on a container that has ended unless somebody awaits its success."""
    started = services(*profiles)
    awaited = {
        other
        for service in started.values()
        for other, need in service.get("depends_on", {}).items()
        if need["condition"] == "service_completed_successfully"
    }
    assert {name for name, service in started.items() if service["restart"] == "on-failure"} == awaited


# --- every service


@each()
def test_the_image_is_pinned(name: str) -> None:
    image, _, tag = services()[name]["image"].rpartition(":")
    assert image
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


@each()
def test_ports_are_published_on_this_machine_only(name: str) -> None:
    assert all(port["host_ip"] == "127.0.0.1" for port in services()[name].get("ports", ()))


@each()
def test_nothing_is_unbounded_or_gains_privileges(name: str) -> None:
    service = services()[name]
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory"}
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert "/var/run/docker.sock" not in str(service)


@each()
def test_every_service_that_stays_says_whether_it_is_well(name: str) -> None:
    service = services()[name]
    check = service["healthcheck"]
    assert check.get("disable", False) == (name in OURS - {"worker"})
    assert check.get("disable") or check["test"][0] == "CMD"
    assert service["restart"] == ("on-failure" if name in JOBS else "unless-stopped")


@each()
def test_what_is_mounted_is_there_and_is_read_only(name: str) -> None:
    service = services()[name]
    for volume in service.get("volumes", ()):
        if volume["type"] == "bind":
            assert Path(volume["source"]).exists(), volume["source"]
            assert volume.get("read_only") is True, f"{volume['source']} is mounted to be read"
        else:
            assert volume["source"] in project(*PROFILES)["volumes"]


@each()
def test_secrets_are_files_which_alone_a_read_only_root_takes(name: str) -> None:
    for secret in services()[name].get("secrets", ()):
        source = project(*PROFILES)["secrets"][secret["source"]]
        assert set(source) == {"name", "file"}
        assert Path(source["file"]).stat().st_mode & 0o444 == 0o444, "mounted as it is, and read by another user"


# --- ours


@each(OURS)
def test_ours_are_hardened(name: str) -> None:
    service = services()[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/tmp:size=64m,mode=1777"]
    assert set(service["environment"]) <= {f"COCKPIT_{setting.upper()}" for setting in Settings.model_fields}


@each(OURS)
def test_sigterm_reaches_whoever_must_hear_it(name: str) -> None:
    """The worker is process 1; a shell that is would not hear it."""
    service = services()[name]
    assert service["init"] is ((service["entrypoint"] or [""])[0] == "sh")


def test_the_worker_drains_before_it_is_killed() -> None:
    grace = services()["worker"]["stop_grace_period"]
    assert grace == "1m0s"
    assert 2 * Settings.model_fields["drain_seconds"].default <= 60


def test_several_workers_find_a_port_each() -> None:
    (port,) = services()["worker"]["ports"]
    first, last = map(int, port["published"].split("-"))
    assert last - first >= 3
    assert "container_name" not in services()["worker"]


def test_each_waits_for_what_it_needs() -> None:
    needs = {
        name: {other: need["condition"] for other, need in services()[name]["depends_on"].items() if need["required"]}
        for name in OURS
    }
    healthy, done = "service_healthy", "service_completed_successfully"
    assert needs == {
        "migrate": {"tidb": healthy},
        "topics": {"kafka": healthy},
        "columns": {"migrate": done, "tiflash": healthy},
        "worker": {"migrate": done, "topics": done},
        "producer-files": {"worker": healthy},
        "producer-clocks": {"worker": healthy},
    }
    # A machine without AVX2 has no TiFlash, and its worker works.
    assert services()["worker"]["depends_on"]["columns"] == {"condition": done, "required": False}


# --- TiDB


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((COMPOSE / name).read_text())


def test_one_version_of_tidb_and_what_tiflash_needs() -> None:
    parts = {name: services()[name] for name in ("pd", "tikv", "tidb", "tiflash")}
    assert len({part["image"].split(":")[1] for part in parts.values()}) == 1
    assert _toml("pd.toml")["replication"] == {"max-replicas": 1, "enable-placement-rules": True}
    tiflash = _toml("tiflash.toml")
    flash, proxy = tiflash["flash"], tiflash["flash"]["proxy"]
    assert tiflash["raft"]["pd_addr"] == "pd:2379"
    assert proxy["engine-addr"] == "tiflash:3930", "what TiDB is told"
    assert proxy["advertise-addr"] == "tiflash:20170", "what TiKV is told"
    mounted = {volume["target"] for volume in parts["tiflash"]["volumes"]}
    assert mounted == {"/data", "/etc/tiflash/tiflash.toml", proxy["config"]}
    assert parts["tiflash"]["command"] == ["--config-file=/etc/tiflash/tiflash.toml"]
    assert _toml("tiflash-proxy.toml")["raftstore"], "or it takes the size of the whole disk for its own"
    assert flash["service_addr"].startswith("0.0.0.0:")


@pytest.mark.parametrize(
    ("name", "listens"),
    [
        ("pd", "--client-urls=http://0.0.0.0:2379"),
        ("tikv", "--status-addr=0.0.0.0:20180"),
        ("tiflash", '"0.0.0.0:3930"'),
    ],
)
def test_health_is_asked_where_the_server_listens(name: str, listens: str) -> None:
    service = services()[name]
    config = (COMPOSE / f"{name}.toml").read_text()
    assert listens in " ".join(service["command"]) + config, "on every address, so on 127.0.0.1 too"
    port = re.findall(r"\d{4,5}", listens)[-1]
    assert f"/dev/tcp/127.0.0.1/{port}" in service["healthcheck"]["test"][-1]


def test_versions_are_those_of_the_other_places() -> None:
    cluster = yaml.safe_load((CHECKOUT / "deploy/k8s/components/tidb-operator/cluster.yaml").read_text())
    assert services()["tidb"]["image"] == f"pingcap/tidb:{cluster['spec']['version']}"
    (local,) = re.findall(r"kafka_2.13</artifactId>\s*<version>(.*)<", (CHECKOUT / "streams/local/pom.xml").read_text())
    assert services()["kafka"]["image"] == f"apache/kafka:{local}"
    (sdk,) = re.findall(r"grafana-foundation-sdk==\d+!(\S+)", (CHECKOUT / "requirements/dev.in").read_text())
    assert services()["grafana"]["image"] == f"grafana/grafana:{sdk}"


# --- monitoring


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
    assert f":{_toml('tiflash.toml')['status']['metrics_port']}" in str(scraped)


def test_alertmanager_finds_every_secret_that_it_reads() -> None:
    config = (CHECKOUT / "deploy/monitoring/alertmanager/alertmanager.yml").read_text()
    read = set(re.findall(r"_file: *(\S+)", config))
    assert {secret["target"] for secret in services()["alertmanager"]["secrets"]} == read


def test_grafana_finds_its_dashboards_and_its_prometheus() -> None:
    targets = {volume["target"] for volume in services()["grafana"]["volumes"]}
    provisioning = CHECKOUT / "deploy/monitoring/grafana/provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards/cockpit.yml").read_text())["providers"]
    assert provider["options"]["path"] in targets
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_no_secret_stands_in_the_file_and_every_variable_is_explained() -> None:
    text, example = FILE.read_text(), (CHECKOUT / ".env.example").read_text()
    defaults = dict(re.findall(r"(?<!\$)\$\{([A-Z_]+):-([^}]*)\}", text))
    assert len(re.findall(r"(?<!\$)\$\{", text)) == len(re.findall(r"(?<!\$)\$\{[A-Z_]+:-", text))
    assert dict(re.findall(r"^# ([A-Z_]+)=(.*)$", example, re.MULTILINE)) == defaults
    for word in ("PASSWORD:", "TOKEN:", "password:"):
        assert word not in text.replace("PASSWORD__FILE:", ""), word
    for path in (COMPOSE / "secrets").iterdir():
        assert "change-me" in path.read_text(), "what is committed is no secret"
