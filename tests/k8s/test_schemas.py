"""Everything that the overlays hold is known to a strict API server of every version that we claim."""

from copy import deepcopy

import pytest
from jsonschema import Draft202012Validator

from tests.go_programs import CHECKOUT
from tests.k8s import strimzi_definitions
from tests.k8s.kustomize_program import MANIFESTS, build
from tests.k8s.overlay import Overlay
from tests.k8s.strict_schemas import KUBERNETES, is_kubernetes_own, problems, scaler_fields, schemas_of


@pytest.mark.parametrize("version", KUBERNETES)
def test_overlays_are_valid(overlay: Overlay, version: str) -> None:
    found = {
        f"{manifest['kind']}/{manifest['metadata']['name']}": objections
        for manifest in overlay.manifests
        if (objections := problems(manifest, version))
    }
    assert not found


def test_the_base_alone_is_valid() -> None:
    manifests = build(MANIFESTS / "base")
    assert {manifest["kind"] for manifest in manifests} == {
        "ConfigMap", "Deployment", "Job", "PodDisruptionBudget", "Service", "ServiceAccount",
    }  # fmt: skip
    assert [problem for manifest in manifests for problem in problems(manifest, KUBERNETES[-1])] == []


def test_strimzi_says_of_its_resources_what_we_say(overlay: Overlay) -> None:
    """Our statement of Strimzi's API is held against Strimzi's own: what it lets through must be good there."""
    java = strimzi_definitions.java()
    if java is None:
        pytest.skip("Strimzi's generator needs Java 21")
    schemas = {
        key: schema for each in strimzi_definitions.definitions(java) for key, schema in schemas_of(each).items()
    }
    resources = [*overlay.all("KafkaTopic"), *overlay.all("KafkaUser")]
    assert resources
    for resource in resources:
        validator = Draft202012Validator(schemas[(resource["apiVersion"], resource["kind"])])
        assert [error.message for error in validator.iter_errors(resource)] == []
        assert list(validator.iter_errors({**resource, "spec": {**resource["spec"], "misspelt": "x"}}))


def test_a_field_that_nobody_knows_is_found(overlay: Overlay) -> None:
    """Whatever is in the overlay: a misspelt field beside the others is an error, in its spec and in its metadata."""
    for manifest in overlay.manifests:
        for place in ("metadata", "spec"):
            if place in manifest:
                broken = deepcopy(manifest)
                broken[place]["misspelt"] = "x"
                assert problems(broken, KUBERNETES[0]), (manifest["kind"], place)


def test_a_wrong_type_is_found(overlay: Overlay) -> None:
    broken = deepcopy(overlay.deployment)
    broken["spec"]["minReadySeconds"] = "20"
    assert problems(broken, KUBERNETES[0])


def test_a_scaler_option_that_nobody_reads_is_not_there(shared_overlay: Overlay) -> None:
    for trigger in shared_overlay.one("ScaledObject")["spec"]["triggers"]:
        assert set(trigger["metadata"]) <= scaler_fields()


def test_custom_resources_are_only_those_of_the_components(overlay: Overlay) -> None:
    own = {"dev": {"TidbCluster"}}.get(
        overlay.name, {"ScaledObject", "TriggerAuthentication", "PodMonitor", "PrometheusRule", "ExternalSecret"}
    )
    found = {manifest["kind"] for manifest in overlay.manifests if not is_kubernetes_own(manifest)}
    assert found == own | {"KafkaTopic", "KafkaUser"}


def test_the_readme_claims_the_versions_that_are_tested() -> None:
    text = (CHECKOUT / "deploy" / "k8s" / "README.md").read_text()
    assert f"{KUBERNETES[0]} to {KUBERNETES[-1]}" in text
