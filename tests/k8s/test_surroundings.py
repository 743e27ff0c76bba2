"""What operators rely on around our pods: metrics, scaling, network; one property a test, on each overlay."""

import re
from pathlib import Path

import pytest

from streams.kafka.topics import INPUTS
from tests.k8s.overlay import Overlay, selects

# --- metrics


def test_the_job_of_prometheus_is_one_that_the_alert_knows(shared_overlay: Overlay) -> None:
    monitor = shared_overlay.one("PodMonitor")["spec"]
    labels = shared_overlay.deployment["spec"]["template"]["metadata"]["labels"]
    assert selects(monitor["selector"], labels)
    rules = [
        rule
        for manifest in shared_overlay.all("PrometheusRule")
        for group in manifest["spec"]["groups"]
        for rule in group["rules"]
    ]
    down = next(rule["expr"] for rule in rules if rule.get("alert") == "WorkerDown")
    matcher = re.search(r'job=~"([^"]+)"', down)
    assert matcher
    assert re.fullmatch(matcher[1], labels[monitor["jobLabel"]])
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert endpoint["port"] == "metrics"
    assert int(endpoint["scrapeTimeout"][:-1]) < int(endpoint["interval"][:-1])
    assert monitor["sampleLimit"] > 0


def test_unready_workers_are_scraped_too(overlay: Overlay) -> None:
    service = overlay.one("Service")["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    assert selects({"matchLabels": service["selector"]}, overlay.deployment["spec"]["template"]["metadata"]["labels"])


# --- scaling


def test_replicas_have_one_owner(overlay: Overlay) -> None:
    scaled = overlay.all("ScaledObject")
    assert ("replicas" in overlay.deployment["spec"]) is (not scaled)


def test_workers_are_never_none_and_never_more_than_partitions(
    shared_overlay: Overlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = shared_overlay.one("ScaledObject")["spec"]
    partitions = shared_overlay.settings("worker", tmp_path, monkeypatch).topic_partitions
    assert 2 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"]
    assert spec["fallback"]["replicas"] <= spec["maxReplicaCount"] <= partitions
    assert "idleReplicaCount" not in spec
    assert spec["scaleTargetRef"]["name"] == shared_overlay.deployment["metadata"]["name"]


def test_scaling_follows_the_lag_of_every_input(
    shared_overlay: Overlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = shared_overlay.settings("worker", tmp_path, monkeypatch)
    spec = shared_overlay.one("ScaledObject")["spec"]
    metadata = [trigger["metadata"] for trigger in spec["triggers"]]
    assert [entry["topic"] for entry in metadata] == [settings.topic(name) for name in INPUTS]
    environment = shared_overlay.environment(shared_overlay.container(spec["scaleTargetRef"]["envSourceContainerName"]))
    for entry in metadata:
        assert environment[entry["consumerGroupFromEnv"]] == settings.kafka_group
        assert environment[entry["bootstrapServersFromEnv"]] == settings.kafka_bootstrap
        assert entry["offsetResetPolicy"] == "earliest"
        assert int(entry["lagThreshold"]) >= 5000 * settings.commit_interval_seconds
    (authentication,) = {trigger["authenticationRef"]["name"] for trigger in spec["triggers"]}
    assert shared_overlay.one("TriggerAuthentication", authentication)


def test_scaling_down_is_slow(shared_overlay: Overlay) -> None:
    """Each worker that goes moves everybody's partitions."""
    behavior = shared_overlay.one("ScaledObject")["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 600
    assert behavior["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 120}]


# --- network


def test_nothing_is_open_that_is_not_named(overlay: Overlay) -> None:
    deny = overlay.one("NetworkPolicy", "default-deny")["spec"]
    assert sorted(deny["policyTypes"]) == ["Egress", "Ingress"]
    assert not {"ingress", "egress"} & set(deny)
    for template in overlay.pods.values():
        assert selects(deny["podSelector"], template["metadata"]["labels"])
    if overlay.name != "dev":
        assert deny["podSelector"] == {}


def test_only_what_is_needed_is_open(overlay: Overlay) -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in overlay.all("NetworkPolicy")}
    assert set(policies) == {"default-deny", "cockpit-streams-egress", "cockpit-streams-metrics"}
    egress = policies["cockpit-streams-egress"]
    assert egress["policyTypes"] == ["Egress"]
    assert [[port["port"] for port in rule["ports"]] for rule in egress["egress"]] == [[53, 53], [9093], [4000]]
    ingress = policies["cockpit-streams-metrics"]
    assert ingress["policyTypes"] == ["Ingress"]
    assert [[port["port"] for port in rule["ports"]] for rule in ingress["ingress"]] == [["metrics"]]
    for rule in (*egress["egress"], *ingress["ingress"]):
        for peer in (*rule.get("to", ()), *rule.get("from", ())):
            assert peer["podSelector"]["matchLabels"]
    for template in overlay.pods.values():
        assert selects(egress["podSelector"], template["metadata"]["labels"])
    job = overlay.one("Job")["spec"]["template"]["metadata"]["labels"]
    assert not selects(ingress["podSelector"], job)


def test_the_ports_are_those_that_are_open(overlay: Overlay) -> None:
    bootstrap = overlay.environment(overlay.container("worker"))["COCKPIT_KAFKA_BOOTSTRAP"]
    assert bootstrap.endswith(":9093")
    namespace = bootstrap.split(".")[1]
    kafka = overlay.one("NetworkPolicy", "cockpit-streams-egress")["spec"]["egress"][1]["to"][0]
    allowed = kafka.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
    assert namespace == (allowed or overlay.namespace)
