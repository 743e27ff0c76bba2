"""What operators rely on in our pods, one property a test, on what each overlay sends to the cluster."""

import re
from pathlib import Path
from typing import Any

import pytest

from streams.errors import UserError
from streams.settings import Settings, load_settings
from tests.k8s.overlay import SECRETS, WORKER, Overlay, selects

_MEGABYTES = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024}
_RESIDENT_MEGABYTES = 270
"""The most that a worker was seen to hold."""
_MIGRATION_MEGABYTES = 210
"""The same of `cockpit migrate`."""
_PRODUCER_SECONDS = 30
"""What the worker's own producer may take to give up after the drain (streams/app.py)."""


def _megabytes(quantity: str) -> float:
    return int(quantity[:-2]) * _MEGABYTES[quantity[-2:]]


def _cores(quantity: str) -> float:
    return int(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


# --- restricted pods


def test_no_container_runs_as_root(overlay: Overlay) -> None:
    for spec, container in overlay.containers():
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["runAsGroup"] == 10001
        assert not {"runAsUser", "runAsNonRoot", "runAsGroup"} & set(container["securityContext"])


def test_the_runtimes_seccomp_profile(overlay: Overlay) -> None:
    for spec, container in overlay.containers():
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "seccompProfile" not in container["securityContext"]


def test_no_privilege_can_be_gained(overlay: Overlay) -> None:
    for _, container in overlay.containers():
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert "privileged" not in container["securityContext"]


def test_no_capability_is_left(overlay: Overlay) -> None:
    for _, container in overlay.containers():
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_root_file_system_is_read_only_and_tmp_is_not(overlay: Overlay) -> None:
    for spec, container in overlay.containers():
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert volumes[mounts["/tmp"]["name"]]["emptyDir"]["sizeLimit"]
        assert [path for path, mount in mounts.items() if not mount.get("readOnly")] == ["/tmp"]


def test_nothing_of_the_node_is_shared(overlay: Overlay) -> None:
    for template in overlay.pods.values():
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(template["spec"])
        assert all("hostPath" not in volume for volume in template["spec"]["volumes"])
        for container in template["spec"]["containers"]:
            assert all("hostPort" not in port for port in container.get("ports", ()))


def test_no_pod_has_a_token(overlay: Overlay) -> None:
    account = overlay.one("ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    for template in overlay.pods.values():
        assert template["spec"]["automountServiceAccountToken"] is False
        assert template["spec"]["serviceAccountName"] == account["metadata"]["name"]
    kinds = {manifest["kind"] for manifest in overlay.manifests}
    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


def test_services_do_not_become_settings(overlay: Overlay) -> None:
    """A service named cockpit-metrics would set COCKPIT_METRICS_PORT to a URL."""
    for template in overlay.pods.values():
        assert template["spec"]["enableServiceLinks"] is False


def test_the_namespace_refuses_what_is_not_restricted(overlay: Overlay) -> None:
    labels = overlay.one("Namespace", overlay.namespace)["metadata"]["labels"]
    prefix = "pod-security.kubernetes.io"
    # TiDB's pods in dev are not restricted; ours are, see above.
    assert labels[f"{prefix}/enforce"] == ("baseline" if overlay.name == "dev" else "restricted")
    assert labels[f"{prefix}/warn"] == labels[f"{prefix}/audit"] == "restricted"


def test_everything_is_in_the_namespace(overlay: Overlay) -> None:
    for manifest in overlay.manifests:
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == overlay.namespace


# --- probes


def test_nothing_restarts_a_worker_because_kafka_or_the_database_is_away(overlay: Overlay) -> None:
    """/livez looks at the loop's pulse alone (streams/observability/health.py, and test_worker.py beside this)."""
    worker = overlay.container("worker")
    for probe in ("startupProbe", "livenessProbe"):
        assert worker[probe]["httpGet"] == {"path": "/livez", "port": "metrics"}
    assert worker["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    assert {"name": "metrics", "containerPort": 9108} in worker["ports"]
    assert overlay.environment(worker)["COCKPIT_METRICS_PORT"] == "9108"


def test_a_restart_takes_a_minute_of_bad_answers(overlay: Overlay) -> None:
    probe = overlay.container("worker")["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 60


def test_slow_starts_are_waited_for(overlay: Overlay) -> None:
    probe = overlay.container("worker")["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 120


# --- stopping and moving


def test_the_drain_ends_before_the_kill(overlay: Overlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drain_seconds = overlay.settings("worker", tmp_path, monkeypatch).drain_seconds
    grace = overlay.deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= drain_seconds + _PRODUCER_SECONDS
    assert "lifecycle" not in overlay.container("worker")


def test_one_worker_at_a_time_is_replaced(overlay: Overlay) -> None:
    spec = overlay.deployment["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    assert spec["minReadySeconds"] >= 20


def test_one_worker_at_a_time_is_evicted_and_no_drain_is_blocked(overlay: Overlay) -> None:
    budget = overlay.one("PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert selects(budget["selector"], overlay.deployment["spec"]["template"]["metadata"]["labels"])
    assert not selects(budget["selector"], overlay.one("Job")["spec"]["template"]["metadata"]["labels"])


def test_workers_are_spread(overlay: Overlay) -> None:
    constraints = overlay.deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {entry["topologyKey"] for entry in constraints} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    for entry in constraints:
        assert entry["maxSkew"] == 1
        assert selects(entry["labelSelector"], overlay.deployment["spec"]["template"]["metadata"]["labels"])
        # Of the revision that is rolled out, over the nodes that take us: a tainted node stays empty for ever.
        assert entry["matchLabelKeys"] == ["pod-template-hash"]
        assert entry["nodeTaintsPolicy"] == "Honor"
    musts = {entry["topologyKey"] for entry in constraints if entry["whenUnsatisfiable"] == "DoNotSchedule"}
    assert musts == ({"kubernetes.io/hostname"} if overlay.name == "prod" else set())


def test_selectors_hold_only_what_never_changes(overlay: Overlay) -> None:
    assert overlay.deployment["spec"]["selector"]["matchLabels"] == WORKER
    labels = overlay.deployment["spec"]["template"]["metadata"]["labels"]
    assert WORKER.items() <= labels.items()
    assert labels["app.kubernetes.io/instance"] == overlay.namespace
    assert overlay.container("worker")["image"].endswith(f":{labels['app.kubernetes.io/version']}")


# --- resources and images


def test_requests_and_limits_fit_what_was_measured(overlay: Overlay) -> None:
    resources = overlay.container("worker")["resources"]
    assert _megabytes(resources["requests"]["memory"]) > _RESIDENT_MEGABYTES
    assert _megabytes(resources["limits"]["memory"]) > 1.5 * _RESIDENT_MEGABYTES
    # One event loop needs a core; a limit below two would throttle it for what its threads take.
    assert _cores(resources["limits"]["cpu"]) >= 2
    assert _cores(resources["requests"]["cpu"]) >= (0.1 if overlay.name == "dev" else 1)


def test_the_job_has_room_for_what_was_measured(overlay: Overlay) -> None:
    for name in ("migrate", "topics"):
        resources = overlay.container(name)["resources"]
        assert _megabytes(resources["requests"]["memory"]) > _MIGRATION_MEGABYTES
        assert _megabytes(resources["limits"]["memory"]) > 1.5 * _MIGRATION_MEGABYTES


def test_every_container_has_requests_and_limits(overlay: Overlay) -> None:
    for _, container in overlay.containers():
        for part in ("requests", "limits"):
            assert set(container["resources"][part]) == {"cpu", "memory"}


def _images(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["image"]] if isinstance(node.get("image"), str) else []
        if "baseImage" in node:
            own.append(node["baseImage"])
        return own + [image for value in node.values() for image in _images(value)]
    return [image for entry in node for image in _images(entry)] if isinstance(node, list) else []


def test_images_are_pinned(overlay: Overlay) -> None:
    images = [
        image for manifest in overlay.manifests if manifest["kind"] != "TidbCluster" for image in _images(manifest)
    ]
    assert len(images) == 3
    cluster = overlay.all("TidbCluster")
    for entry in cluster:
        assert re.fullmatch(r"v\d+\.\d+\.\d+", entry["spec"]["version"])
        images += [image for image in _images(entry) if not image.startswith("pingcap/")]
    for image in images:
        assert re.search(r"(:\d[\w.-]*|@sha256:[0-9a-f]{64})$", image), image


def test_the_job_and_the_workers_run_the_same_image(overlay: Overlay) -> None:
    assert len({container["image"] for _, container in overlay.containers()}) == 1


# --- settings and secrets


@pytest.mark.parametrize("container", ["worker", "migrate", "topics"])
def test_the_settings_are_good(
    overlay: Overlay, container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = overlay.settings(container, tmp_path, monkeypatch)
    assert settings.database.host == "tidb.example"
    assert settings.kafka_sasl_password.get_secret_value() == "hidden"
    assert settings.kafka_security == "SASL_SSL"
    assert settings.kafka_sasl_username == f"cockpit-streams-{'worker' if container == 'worker' else 'setup'}"
    known = {f"COCKPIT_{name.upper()}" for name in Settings.model_fields}
    given = set(overlay.environment(overlay.container(container)))
    assert {name.removesuffix("_FILE") for name in given} <= known


def test_shared_clusters_refuse_plain_text(
    shared_overlay: Overlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shared_overlay.settings("worker", tmp_path, monkeypatch).environment == "production"
    (tmp_path / "database-url").write_text("mysql://someone:hidden@tidb.example:4000/devguide_cockpit")
    with pytest.raises(UserError, match=r"^COCKPIT_DATABASE_URL: has no tls=true") as refused:
        load_settings()
    assert "hidden" not in str(refused.value)
    assert "COCKPIT_ALLOW_PLAINTEXT" not in shared_overlay.environment(shared_overlay.container("worker"))


def test_settings_come_by_a_generator_with_a_hash(overlay: Overlay) -> None:
    for _, container in overlay.containers():
        (source,) = container["envFrom"]
        name = source["configMapRef"]["name"]
        assert re.fullmatch(r"cockpit-streams-[a-z0-9]{10}", name)
        assert overlay.one("ConfigMap", name)


def test_secrets_are_files(overlay: Overlay) -> None:
    for spec, container in overlay.containers():
        assert all("valueFrom" not in entry for entry in container["env"])
        assert all(set(source) == {"configMapRef"} for source in container["envFrom"])
        (mount,) = [mount for mount in container["volumeMounts"] if mount["mountPath"] == SECRETS]
        (volume,) = [volume for volume in spec["volumes"] if volume["name"] == mount["name"]]
        paths = {item["path"] for source in volume["projected"]["sources"] for item in source["secret"]["items"]}
        wanted = {
            value.removeprefix(f"{SECRETS}/")
            for value in overlay.environment(container).values()
            if value.startswith(SECRETS)
        }
        assert paths == wanted
        # Readable by the group that fsGroup gives, and by nobody else.
        assert volume["projected"]["defaultMode"] == 0o440
        assert spec["securityContext"]["fsGroup"] == 10001


def test_every_secret_has_a_maker(overlay: Overlay) -> None:
    """By Strimzi (a user's password, in dev the CA), by a vault, or in dev by the generator."""
    wanted = {
        source["secret"]["name"]
        for template in overlay.pods.values()
        for volume in template["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", ())
    }
    made = {manifest["metadata"]["name"] for manifest in (*overlay.all("KafkaUser"), *overlay.all("Secret"))}
    made |= {secret["spec"]["target"]["name"] for secret in overlay.all("ExternalSecret")}
    made |= {"cockpit-cluster-ca-cert"} if overlay.name == "dev" else set()
    for authentication in overlay.all("TriggerAuthentication"):
        wanted |= {reference["name"] for reference in authentication["spec"]["secretTargetRef"]}
    assert wanted <= made


def test_no_secret_is_committed(overlay: Overlay) -> None:
    if overlay.name == "dev":
        for secret in overlay.all("Secret"):  # a URL without a password
            assert set(secret["data"]) == {"url"}
    else:
        assert overlay.all("Secret") == []


def test_workers_and_the_job_have_different_users(overlay: Overlay) -> None:
    def names(kind: str) -> set[str]:
        volumes = overlay.one(kind)["spec"]["template"]["spec"]["volumes"]
        sources = next(volume["projected"]["sources"] for volume in volumes if "projected" in volume)
        return {source["secret"]["name"] for source in sources}

    shared = names("Deployment") & names("Job")
    assert len(shared) == 1
    assert shared < {"cockpit-streams-kafka-ca", "cockpit-cluster-ca-cert"}


# --- the job


def test_the_schema_comes_by_a_job(overlay: Overlay) -> None:
    job = overlay.one("Job")
    spec = job["spec"]["template"]["spec"]
    assert [container["args"] for container in spec["initContainers"]] == [["migrate"]]
    assert [container["args"] for container in spec["containers"]] == [["topics", "list"]]
    assert spec["restartPolicy"] == "OnFailure"
    assert job["spec"]["backoffLimit"] >= 6
    assert job["spec"]["activeDeadlineSeconds"]
    assert job["spec"]["ttlSecondsAfterFinished"]
    # A Job cannot be changed: each release makes it anew.
    annotations = job["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    assert annotations["kustomize.toolkit.fluxcd.io/force"] == "enabled"
