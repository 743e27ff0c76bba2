"""Standards in YAML files: those that ship, and those that somebody applies.

A file holds `standards:`, a list of specs, and may hold `defaults:` for all of them.
"""

from collections.abc import Hashable, Iterable
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from streams.errors import UserError
from streams.standards.spec import StandardSpec

_KEYS = {"defaults", "standards"}
_FILE_BYTES = 8 << 20
_SHOWN_CHARACTERS = 80
_MISTYPED = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)
"""What PyYAML lets through for a month 13, a tag that its value does not fit, or brackets without end."""


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
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES + 1)
        text = content.decode()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error.__class__.__name__}: {error}") from None
    if len(content) > _FILE_BYTES:
        raise UserError(f"{path}: is larger than {_FILE_BYTES >> 20} MiB: split it into several files")
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> list[StandardSpec]:
    """The standards in a YAML text that came from the file `name`."""
    try:
        document = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, *_MISTYPED) as error:
        raise UserError(f"{name}: is no valid YAML: {_one_line(error)}") from None
    if not isinstance(document, dict) or not isinstance(document.get("standards"), list):
        raise UserError(f"{name}: must hold `standards:`, a list")
    if unknown := set(document) - _KEYS:
        raise UserError(f"{name}: key {min(map(str, unknown))!r} is unknown; known are defaults, standards")
    defaults = document.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise UserError(f"{name}: defaults must be a mapping, not {shape(defaults)}")
    specs = [_spec(entry, defaults, name, index) for index, entry in enumerate(document["standards"], 1)]
    _require_unique(specs, name)
    return specs


def _one_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "its brackets nest too deep"
    return " ".join(str(error).split())[:300] or error.__class__.__name__


def _spec(entry: object, defaults: dict[str, Any], name: str, index: int) -> StandardSpec:
    if not isinstance(entry, dict):
        raise UserError(f"{name}: standard {index} must be a mapping, not {shape(entry)}")
    merged = {str(key): value for key, value in {**defaults, **entry}.items()}
    try:
        return StandardSpec.model_validate(merged)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            text = f"is unknown; known are {', '.join(StandardSpec.model_fields)}"
        elif problem["type"] != "missing" and key:
            text = f"{shape(problem['input'])}: {text}{_remedy(key, problem['input'])}"
        code = merged.get("code")
        which = code if isinstance(code, str) and code.isprintable() and code else f"number {index}"
        raise UserError(f"{name}: standard {which[:64]}: {f'{key}: ' if key else ''}{text}") from None


def _remedy(key: str, value: object) -> str:
    if isinstance(value, str) or (isinstance(value, datetime) and value.tzinfo):
        return ""
    if key.startswith("effective_"):
        return "; write it with a time and an offset, like 2026-01-02T00:00:00Z"
    if key.startswith(("samples", "pattern")) and not isinstance(value, (dict, list)):
        return "; put it in quotes"
    return ""


def shape(value: object) -> str:
    """A value of a file as an error names it: short, on one line, whatever it is."""
    if isinstance(value, dict):
        return f"a mapping of {len(value)} keys"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, date):
        return value.isoformat()
    text = repr(value) if not isinstance(value, str) else repr(value[: _SHOWN_CHARACTERS + 1])
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _require_unique(specs: Iterable[StandardSpec], name: str) -> None:
    seen: set[str] = set()
    for spec in specs:
        if spec.code in seen:
            raise UserError(f"{name}: standard {spec.code} stands twice")
        seen.add(spec.code)
