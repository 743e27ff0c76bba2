"""Standards in YAML files: those that ship, and those that somebody applies.

A file holds `standards:`, a list of specs, and may hold `defaults:` for all of them.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from streams.errors import UserError
from streams.standards.standard import Standard, StandardSpec

_KEYS = {"defaults", "standards"}


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML lets a repeated key win silently; here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice (line {line})")
            seen.add(key)
        return super().construct_mapping(node, deep)


def seed_standards() -> list[StandardSpec]:
    """The standards that ship with this package, in the order of their codes."""
    seed = files("streams.standards") / "seed"
    specs: list[StandardSpec] = []
    for file in sorted((entry for entry in seed.iterdir() if entry.name.endswith(".yaml")), key=lambda e: e.name):
        specs += parse_yaml(file.read_text(encoding="utf-8"), file.name)
    _require_unique(specs, "seed standards")
    return sorted(specs, key=lambda spec: spec.code)


def load_yaml(path: Path) -> list[StandardSpec]:
    """Read the standards of one file; raises UserError of one line naming file, standard and key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error.__class__.__name__}: {error}") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> list[StandardSpec]:
    """The standards in a YAML text that came from the file `name`."""
    try:
        document = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise UserError(f"{name}: is no valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict) or not isinstance(document.get("standards"), list):
        raise UserError(f"{name}: must hold `standards:`, a list")
    if unknown := set(document) - _KEYS:
        raise UserError(f"{name}: key {min(map(str, unknown))!r} is unknown; known are defaults, standards")
    defaults = document.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise UserError(f"{name}: defaults must be a mapping")
    specs = [_spec(entry, defaults, name, index) for index, entry in enumerate(document["standards"], 1)]
    _require_unique(specs, name)
    return specs


def _spec(entry: object, defaults: dict[str, Any], name: str, index: int) -> StandardSpec:
    if not isinstance(entry, dict):
        raise UserError(f"{name}: standard {index} must be a mapping, not {entry!r}")
    merged = {**defaults, **entry}
    try:
        return StandardSpec.model_validate(merged)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            text = f"is unknown; known are {', '.join(StandardSpec.model_fields)}"
        elif problem["type"] != "missing" and key:
            text = f"{problem['input']!r}: {text}"
        which = merged.get("code") or f"number {index}"
        raise UserError(f"{name}: standard {which}: {f'{key}: ' if key else ''}{text}") from None


def _require_unique(specs: Iterable[StandardSpec], name: str) -> None:
    seen: set[str] = set()
    for spec in specs:
        if spec.code in seen:
            raise UserError(f"{name}: standard {spec.code} stands twice")
        seen.add(spec.code)


@dataclass(slots=True)
class Changes:
    """What applying specs does to the registry."""

    added: list[Standard] = field(default_factory=list)
    changed: list[tuple[Standard, Standard]] = field(default_factory=list)
    """(as it is, as it will be) with the version counted up."""
    unchanged: list[Standard] = field(default_factory=list)


def plan_changes(current: Iterable[Standard], specs: Iterable[StandardSpec]) -> Changes:
    """Compare specs with the registry by code; the version grows only where the content differs."""
    by_code = {standard.code: standard for standard in current}
    changes = Changes()
    for spec in specs:
        before = by_code.get(spec.code)
        if before is None:
            changes.added.append(spec.to_standard())
            continue
        after = spec.to_standard(before.version + 1, before.id)
        if after.content() == before.content():
            changes.unchanged.append(before)
        else:
            changes.changed.append((before, after))
    return changes


def differences(before: Standard, after: Standard) -> list[tuple[str, Any, Any]]:
    """(key, old value, new value) of everything that differs in content."""
    old, new = before.content(), after.content()
    return [(key, old[key], new[key]) for key in old if old[key] != new[key]]
