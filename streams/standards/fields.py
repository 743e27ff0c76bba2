"""The fields that a rule may name, their aliases, and those that follow from a path."""

from collections.abc import Callable, Mapping
from operator import methodcaller
from typing import Literal

AppliesTo = Literal["filesystem", "clock", "submission"]
Value = str | None | list[str]
Values = Mapping[str, Value]

APPLIES_TO: tuple[AppliesTo, ...] = ("filesystem", "clock", "submission")
_METADATA = "metadata."
_METADATA_KEY_CHARACTERS = 128

_FIELDS: dict[str, frozenset[str]] = {
    "filesystem": frozenset(
        {
            "file_path",
            "file_name",
            "extension",
            "host",
            "git_commit_sha",
            "platform",
            "filesystem_type",
            "sha256",
        }
    ),
    "clock": frozenset({"component_name", "protocol", "reference_id", "leap_status", "stratum"}),
    "submission": frozenset({"path", "file_name", "extension", "submission_id", "submitter", "sha256"}),
}
_ALIASES = {"filesystem": {"path": "file_path"}, "clock": {"component": "component_name"}, "submission": {}}
_PATH_FIELDS = {"filesystem": "file_path", "submission": "path"}


def known_fields(applies_to: str) -> list[str]:
    """The names to offer to somebody who misspelt one."""
    names = sorted(_FIELDS[applies_to] | set(_ALIASES[applies_to]))
    return [*names, "metadata.<key>"] if applies_to == "submission" else names


def canonical_field(applies_to: str, field: str) -> str | None:
    """The name under which the value of `field` is looked up; None for a field that does not exist.

    A name that is no field of a submission is a key of its documents' metadata.
    """
    field = _ALIASES[applies_to].get(field, field)
    if field in _FIELDS[applies_to]:
        return field
    if applies_to != "submission":
        return None
    key = field.removeprefix(_METADATA)
    return _METADATA + key if key.strip() and len(key) <= _METADATA_KEY_CHARACTERS else None


_POSSIBLE = {
    ("clock", "protocol"): ("NTP", "PTP", "Browser", "Server"),
    ("clock", "leap_status"): ("normal", "insert", "delete", "unsynchronised"),
    ("clock", "stratum"): tuple(map(str, range(256))),
}
_NO_HEX = "".join(chr(code) for code in range(128) if chr(code) not in "0123456789abcdefABCDEF")
_UNHELD = {"file_name": "/", "extension": "/.", "sha256": _NO_HEX, "git_commit_sha": _NO_HEX}


def possible_values(applies_to: str, field: str) -> tuple[str, ...]:
    """All values that a field can have, where they can be listed; else nothing."""
    return _POSSIBLE.get((applies_to, field), ())


def unheld_characters(applies_to: str, field: str) -> str:
    """Characters that no value of this field holds."""
    return _UNHELD.get(field, "") if field in _FIELDS[applies_to] else ""


def path_field(applies_to: str) -> str | None:
    """The field that holds the path; None where there is no path."""
    return _PATH_FIELDS.get(applies_to)


def file_name_of(path: str) -> str | None:
    """The last segment; None for a path that ends in a slash."""
    return path[path.rfind("/") + 1 :] or None


def extension_of(path: str) -> str | None:
    """What follows the last dot of the file's name, as written; None for `Makefile` and `.bashrc`."""
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    return name[dot + 1 :] or None if dot > 0 else None


_DERIVED: dict[str, Callable[[str], str | None]] = {"file_name": file_name_of, "extension": extension_of}


def reader(applies_to: str, field: str) -> Callable[[Values], Value]:
    """A function that takes the field's value out of an event's values, or derives it from the path there."""
    derive = _DERIVED.get(field)
    source = _PATH_FIELDS.get(applies_to)
    if derive is None or source is None:
        return methodcaller("get", field)

    def derived(values: Values) -> Value:
        if field in values:
            return values[field]
        path = values.get(source)
        return derive(path) if isinstance(path, str) else None

    return derived
