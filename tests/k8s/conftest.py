"""The built overlays: what `kubectl apply -k` would send."""

from functools import cache

import pytest

from tests.k8s.kustomize_program import MANIFESTS
from tests.k8s.overlay import Overlay

OVERLAYS = ("dev", "staging", "prod")


@pytest.fixture(autouse=True)
def _names_of_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifests name topics and group themselves, also where a suite runs against servers of somebody's own."""
    for name in ("COCKPIT_TOPIC_PREFIX", "COCKPIT_KAFKA_GROUP"):
        monkeypatch.delenv(name, raising=False)


@cache
def built(name: str) -> Overlay:
    """An overlay by its name; built once a run."""
    return Overlay(name, MANIFESTS / "overlays" / name)


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    return built(request.param)


@pytest.fixture(params=("staging", "prod"))
def shared_overlay(request: pytest.FixtureRequest) -> Overlay:
    """The overlays of clusters that others use too."""
    return built(request.param)
