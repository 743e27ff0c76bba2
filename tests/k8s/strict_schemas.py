"""Strict schemas of everything that the overlays hold: a field that Kubernetes does not know is an error.

Kubernetes' own kinds: the schemas of each version, from the package kubernetes-validate. Custom resources: their
definitions from the projects' Go modules (crds.yaml), made strict here, or statements of our own (schemas/).
Expressions in CEL, which the API server also runs, are not run.
"""

import json
import re
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.go_programs import CACHE, go
from tests.k8s.kustomize_program import Manifest

KUBERNETES = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
"""The versions that deploy/k8s/README.md claims."""
_HERE = Path(__file__).parent
_META = "objectmeta-meta-v1.json"

Schema = dict[str, Any]


def is_kubernetes_own(manifest: Manifest) -> bool:
    """Whether the API group is one that every cluster has."""
    group = manifest["apiVersion"].rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def problems(manifest: Manifest, version: str) -> list[str]:
    """What a strict API server of that version would object to."""
    found = [_text(error) for error in _core(version, _META).iter_errors(manifest["metadata"])]
    if is_kubernetes_own(manifest):
        kind = manifest["kind"].lower()
        group, _, api = manifest["apiVersion"].rpartition("/")
        name = "-".join([kind, *([group.split(".")[0]] if group else []), api])
        return found + [_text(error) for error in _core(version, f"{name}.json").iter_errors(manifest)]
    schemas = custom_schemas()
    key = manifest["apiVersion"], manifest["kind"]
    if key not in schemas:
        return [*found, f"no schema is known for {key}"]
    return found + [_text(error) for error in Draft202012Validator(schemas[key]).iter_errors(manifest)]


def _text(error: Any) -> str:
    return f"{error.json_path}: {error.message[:300]}"


@cache
def _core(version: str, name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": name}, registry=_registry(version))


@cache
def _registry(version: str) -> Registry[Any]:
    package = find_spec("kubernetes_validate")
    assert package, "the package kubernetes-validate is missing"
    assert package.origin
    folder = Path(package.origin).parent / "kubernetes-json-schema" / f"v{version}.0-local-strict"

    def retrieve(uri: str) -> Resource[Any]:
        # The files name each other as if they were all in one folder of a server.
        return DRAFT202012.create_resource(json.loads((folder / Path(uri).name).read_text("utf-8")))

    return Registry(retrieve=cache(retrieve))  # type: ignore[call-arg]


@cache
def custom_schemas() -> dict[tuple[str, str], Schema]:
    """Strict schemas by apiVersion and kind."""
    found: dict[tuple[str, str], Schema] = {}
    for source in yaml.safe_load((_HERE / "crds.yaml").read_text("utf-8")):
        for path in source["files"]:
            found |= schemas_of(yaml.safe_load(module_file(source["module"], path)))
    for file in sorted((_HERE / "schemas").glob("*.yaml")):
        for kind, schema in yaml.safe_load(file.read_text("utf-8")).items():
            found[(schema["properties"]["apiVersion"]["const"], kind)] = schema
    return found


def schemas_of(definition: Manifest) -> dict[tuple[str, str], Schema]:
    """Strict schemas by apiVersion and kind, of every version that a definition serves."""
    spec = definition["spec"]
    return {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): strict(version["schema"]["openAPIV3Schema"])
        for version in spec["versions"]
        if version["served"]
    }


def module_file(module: str, path: str) -> str:
    """The text of a file in a pinned Go module; fails when the module is not the one that was pinned."""
    source = next(entry for entry in yaml.safe_load((_HERE / "crds.yaml").read_text()) if entry["module"] == module)
    CACHE.mkdir(exist_ok=True)
    answer = json.loads(go("mod", "download", "-json", f"{module}@{source['version']}", cwd=CACHE))
    assert answer["Sum"] == source["sum"], f"{module} {source['version']} is not the module that was pinned"
    with zipfile.ZipFile(answer["Zip"]) as archive:
        return archive.read(f"{module}@{source['version']}/{path}").decode()


def strict(schema: Any) -> Any:
    """A custom resource's schema as JSON Schema, where an object takes only the fields that it names."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items() if key not in ("properties", "nullable", "default")}
    if "properties" in schema:
        made["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            made["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if schema.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


def scaler_fields() -> set[str]:
    """What KEDA's Kafka scaler reads of a trigger's metadata: its schema in the cluster is any text at all."""
    source = module_file("github.com/kedacore/keda/v2", "pkg/scalers/kafka_scaler.go")
    struct = source[source.index("type kafkaMetadata struct") :]
    struct = struct[: struct.index("\n}")]
    fields = set()
    for name, order in re.findall(r'keda:"name=(\w+),order=([\w;]+)', struct):
        if "triggerMetadata" in order:
            fields.add(name)
        if "resolvedEnv" in order:
            fields.add(f"{name}FromEnv")
    assert "consumerGroupFromEnv" in fields or re.search(r"resolvedEnv", struct), "the scaler's source has changed"
    return fields
