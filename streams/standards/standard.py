"""A standard: one rule of the registry, from a table row, a YAML file or a stored revision."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID, uuid5

import orjson

from schemas.findings import Severity
from streams.errors import UserError
from streams.standards.fields import AppliesTo
from streams.standards.patterns import whole_value

NAMESPACE = UUID("6f0c2a51-8d1e-5f0b-9d43-2b7b0f8f6a10")
"""The id of a standard is uuid5 of its code in this namespace: the same in every database."""

Kind = Literal["regex", "builtin"]
MatchMode = Literal["must_match", "must_not_match"]
Matching = Literal["search", "full"]
Status = Literal["draft", "shadow", "active", "suspended", "retired"]
STATUSES: tuple[Status, ...] = ("draft", "shadow", "active", "suspended", "retired")


class RulesetError(UserError):
    """A rule that cannot be read or put into force; the text names its code and the reason."""

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.code = code


def standard_id(code: str) -> str:
    """The id of the standard with this code."""
    return str(uuid5(NAMESPACE, code))


@dataclass(frozen=True, slots=True)
class Samples:
    """Values that a rule must pass (`positive`) and must refuse (`negative`)."""

    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standard:
    """One version of one rule. Times are aware, in UTC; a missing time is an open end."""

    id: str
    code: str
    version: int
    kind: Kind
    applies_to: AppliesTo
    category: str
    field: str
    pattern: str
    match_mode: MatchMode = "must_match"
    matching: Matching = "search"
    path_glob: str | None = None
    required: bool = False
    severity: Severity = "medium"
    status: Status = "draft"
    owner: str = ""
    description: str = ""
    reference: str = ""
    samples: Samples = Samples()
    effective_from: datetime | None = None
    effective_until: datetime | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Standard":
        """Build it from a table row, where JSON is text or parsed and times are naive UTC.

        Also takes a document of `rules_json`; unknown keys are ignored, so that an older worker reads what a
        newer one stored. Raises RulesetError naming the standard.
        """
        known = {name: row[name] for name in _NAMES if name in row}
        known["required"] = bool(known.get("required"))
        known["path_glob"] = known.get("path_glob") or None
        known["samples"] = _samples(row)
        for name in ("effective_from", "effective_until"):
            known[name] = utc(known.get(name))
        return cls(**known)

    @property
    def expression(self) -> str:
        """The pattern as RE2 is asked to find it."""
        return whole_value(self.pattern) if self.matching == "full" else self.pattern

    @property
    def wants(self) -> str:
        """What a value must be like, in a few words and the pattern."""
        return _wants(self.match_mode, self.matching, self.pattern)

    def content(self) -> dict[str, Any]:
        """What makes two versions differ: everything but the id, the version and where it stands in its life."""
        document = asdict(self)
        del document["id"], document["version"], document["status"]
        return document


@lru_cache(maxsize=4096)
def _wants(match_mode: MatchMode, matching: Matching, pattern: str) -> str:
    return f"{match_mode}{' in full' if matching == 'full' else ''} {pattern}"


_NAMES = tuple(column.name for column in fields(Standard))


def _samples(row: Mapping[str, Any]) -> Samples:
    value = row.get("samples")
    with suppress(ValueError, TypeError):
        document = json.loads(value) if isinstance(value, (str, bytes)) else value
        lists = {"positive": [], "negative": []} | ({} if document is None else document)
        if len(lists) == 2 and all(isinstance(texts, (list, tuple)) for texts in lists.values()):
            samples = Samples(tuple(lists["positive"]), tuple(lists["negative"]))
            if all(isinstance(text, str) for text in samples.positive + samples.negative):
                return samples
    raise RulesetError(
        f'standard {row.get("code")}: samples must be JSON like {{"positive": ["passes"], "negative": ["violates"]}}',
        row.get("code"),
    )


def utc(value: datetime | str | None) -> datetime | None:
    """The time in UTC; a naive one is in UTC already."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is None:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def rules_json(standards: Iterable[Standard]) -> bytes:
    """The canonical JSON of a set of rules: the same bytes for the same rules, in whatever order they came."""
    ordered = sorted(standards, key=lambda standard: (standard.code, standard.version))
    return orjson.dumps(ordered, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def rules_from_json(document: bytes) -> list[Standard]:
    """The rules that `rules_json` wrote."""
    return [Standard.from_row(row) for row in orjson.loads(document)]
