"""What is generated is committed as it is generated, and says what the product does."""

from deploy.k8s import generate
from streams.kafka.topics import INPUTS, OUTPUTS
from streams.settings import Settings
from tests.k8s.kustomize_program import MANIFESTS, Manifest
from tests.k8s.overlay import Overlay
from tests.monitoring.programs import rule_groups


def test_generated_files_are_committed() -> None:
    stale = [path.name for path, text in generate.files().items() if path.read_text("utf-8") != text]
    assert stale == [], "run scripts/k8s generate"


def test_the_environment_does_not_change_what_is_generated(monkeypatch: object) -> None:
    before = generate.files()
    monkeypatch.setenv("COCKPIT_TOPIC_PREFIX", "other.")  # type: ignore[attr-defined]
    assert generate.files() == before


def test_all_rules_are_there(shared_overlay: Overlay) -> None:
    built = [group for rule in shared_overlay.all("PrometheusRule") for group in rule["spec"]["groups"]]
    assert sorted(built, key=str) == sorted(rule_groups(), key=str)


def test_the_topics_are_ours(overlay: Overlay) -> None:
    inputs = {Settings().topic_prefix + name for name in INPUTS}
    outputs = {Settings().topic_prefix + name for name in OUTPUTS}
    topics = {topic["metadata"]["name"]: topic["spec"] for topic in overlay.all("KafkaTopic")}
    assert set(topics) == inputs | {f"{name}.dlq" for name in inputs} | outputs
    config = overlay.environment(overlay.container("worker"))
    for spec in topics.values():
        assert str(spec["partitions"]) == config["COCKPIT_TOPIC_PARTITIONS"]
        assert str(spec["replicas"]) == config["COCKPIT_TOPIC_REPLICATION"]
        assert int(spec["config"]["min.insync.replicas"]) <= max(1, spec["replicas"] - 1)


def test_topics_outlive_the_manifests(overlay: Overlay) -> None:
    for topic in overlay.all("KafkaTopic"):
        annotations = topic["metadata"]["annotations"]
        assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
        assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled"


def _grants(user: Manifest) -> set[tuple[str, str, str]]:
    rules = user["spec"]["authorization"]["acls"]
    return {
        (rule["resource"]["type"], rule["resource"]["name"], operation)
        for rule in rules
        for operation in rule["operations"]
        if operation != "Describe"
    }


def test_users_have_the_least_that_they_need(overlay: Overlay) -> None:
    users = {user["metadata"]["name"]: user for user in overlay.all("KafkaUser")}
    prefix, group = Settings().topic_prefix, Settings().kafka_group
    inputs = [prefix + name for name in INPUTS]
    written = [*(f"{name}.dlq" for name in inputs), *(prefix + name for name in OUTPUTS)]
    read_inputs = {("topic", name, "Read") for name in inputs}
    write_inputs = {("topic", name, "Write") for name in inputs}
    assert {name: _grants(user) for name, user in users.items()} == {
        "cockpit-streams-worker": read_inputs
        | {("topic", name, "Write") for name in written}
        | {("group", group, "Read")},
        "cockpit-streams-setup": set(),
        "cockpit-streams-scaler": set(),
        "cockpit-streams-operator": read_inputs | write_inputs | {("topic", name, "Read") for name in written},
        "cockpit-streams-producer": write_inputs,
    }
    for user in users.values():
        for rule in user["spec"]["authorization"]["acls"]:
            assert rule["resource"]["patternType"] == "literal"
            assert rule["resource"]["name"] != "*"


def test_the_base_is_what_the_generator_reads() -> None:
    lines = (MANIFESTS / "base" / "settings.env").read_text().splitlines()
    assert f"COCKPIT_TOPIC_PREFIX={Settings().topic_prefix}" in lines
    assert f"COCKPIT_KAFKA_GROUP={Settings().kafka_group}" in lines
