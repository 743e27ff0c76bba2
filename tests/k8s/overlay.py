"""One built overlay, and the questions that tests ask of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import Settings, load_settings
from tests.k8s.kustomize_program import Manifest, build

WORKER = {"app.kubernetes.io/name": "cockpit-streams", "app.kubernetes.io/component": "worker"}
SECRETS = "/run/secrets/cockpit"


class Overlay:
    """The manifests of one folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.namespace = f"cockpit-{name}"
        self.manifests = build(folder)

    def all(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def one(self, kind: str, name: str = "") -> Manifest:
        found = [manifest for manifest in self.all(kind) if not name or manifest["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} {kind} {name}"
        return found[0]

    @property
    def deployment(self) -> Manifest:
        return self.one("Deployment")

    @property
    def pods(self) -> dict[str, Manifest]:
        """The pod templates of ours, by what makes them."""
        return {
            f"{manifest['kind']}/{manifest['metadata']['name']}": manifest["spec"]["template"]
            for manifest in self.manifests
            if manifest["kind"] in ("Deployment", "Job")
        }

    def containers(self) -> Iterator[tuple[Manifest, Manifest]]:
        """Every container of ours with its pod's spec."""
        for template in self.pods.values():
            spec = template["spec"]
            for container in (*spec.get("initContainers", ()), *spec["containers"]):
                yield spec, container

    def container(self, name: str) -> Manifest:
        return next(container for _, container in self.containers() if container["name"] == name)

    def environment(self, container: Manifest) -> dict[str, str]:
        """What the container's process finds in its environment."""
        names = {source["configMapRef"]["name"] for source in container["envFrom"]}
        found = {key: value for name in names for key, value in self.one("ConfigMap", name)["data"].items()}
        return found | {entry["name"]: entry["value"] for entry in container["env"]}

    def settings(self, container: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
        """The settings that a container reads, with its secrets in `folder`."""
        (folder / "database-url").write_text("mysql://someone:hidden@tidb.example:4000/devguide_cockpit?tls=true\n")
        (folder / "kafka-password").write_text("hidden")
        for key, value in self.environment(self.container(container)).items():
            monkeypatch.setenv(key, value.replace(SECRETS, str(folder)))
        return load_settings()


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector (of matchLabels only) takes a pod."""
    assert set(selector) <= {"matchLabels"}
    return selector.get("matchLabels", {}).items() <= labels.items()
