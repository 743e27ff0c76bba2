"""A standard: one rule of the registry, from a table row, a YAML file or a stored revision."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from schemas.findings import Severity
from streams.errors import UserError
from streams.standards.fields import AppliesTo

NAMESPACE = UUID("6f0c2a51-8d1e-5f0b-9d43-2b7b0f8f6a10")
"""The id of a standard is uuid5 of its code in this namespace: the same in every database."""

Kind = Literal["regex", "builtin"]
MatchMode = Literal["must_match", "must_not_match"]
Status = Literal["draft", "shadow", "active", "suspended", "retired"]
STATUSES: tuple[Status, ...] = ("draft", "shadow", "active", "suspended", "retired")


class RulesetError(UserError):
    """A rule that cannot be read or put into force; the text names its code and the reason."""


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
            known[name] = _utc(known.get(name))
        return cls(**known)

    def content(self) -> dict[str, Any]:
        """What makes two versions differ: everything but the id and the version."""
        document = asdict(self)
        del document["id"], document["version"]
        return document


_NAMES = tuple(column.name for column in fields(Standard))


def _samples(row: Mapping[str, Any]) -> Samples:
    value = row.get("samples")
    try:
        document = json.loads(value) if isinstance(value, (str, bytes)) else value
        if document is None:
            return Samples()
        parsed = SamplesSpec.model_validate(document)
    except ValueError:
        raise RulesetError(
            f"standard {row.get('code')}: samples must be JSON like "
            '{"positive": ["passes"], "negative": ["violates"]}'
        ) from None
    return Samples(tuple(parsed.positive), tuple(parsed.negative))


def _utc(value: datetime | str | None) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is None:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def rules_json(standards: Iterable[Standard]) -> bytes:
    """The canonical JSON of a set of rules: the same bytes for the same rules, in whatever order they came."""
    ordered = sorted(standards, key=lambda standard: standard.code)
    return orjson.dumps(ordered, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def rules_from_json(document: bytes) -> list[Standard]:
    """The rules that `rules_json` wrote."""
    return [Standard.from_row(row) for row in orjson.loads(document)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Sample = Annotated[str, Field(max_length=4096)]


class SamplesSpec(_Strict):
    """The `samples` of a YAML standard."""

    positive: list[Sample] = []
    negative: list[Sample] = []


class StandardSpec(_Strict):
    """A standard as somebody writes it in YAML; a key that does not exist here is refused by name."""

    code: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    kind: Kind = "regex"
    applies_to: AppliesTo
    category: Annotated[str, Field(min_length=1, max_length=64)]
    field: Annotated[str, Field(min_length=1, max_length=160)]
    pattern: Annotated[str, Field(min_length=1, max_length=4096)]
    match_mode: MatchMode = "must_match"
    path_glob: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    required: bool = False
    severity: Severity = "medium"
    status: Status = "active"
    owner: Annotated[str, Field(max_length=255)] = ""
    description: Annotated[str, Field(max_length=2048)] = ""
    reference: Annotated[str, Field(max_length=512)] = ""
    samples: SamplesSpec = SamplesSpec()
    effective_from: AwareDatetime | None = None
    effective_until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "StandardSpec":
        if self.effective_from and self.effective_until and self.effective_until <= self.effective_from:
            raise ValueError("effective_until must be later than effective_from")
        return self

    def to_standard(self, version: int = 1, known_id: str | None = None) -> Standard:
        """This standard as its first version, or as the given version of a row that has an id already."""
        document = self.model_dump(exclude={"samples"})
        for name in ("effective_from", "effective_until"):
            document[name] = _utc(document[name])
        samples = Samples(tuple(self.samples.positive), tuple(self.samples.negative))
        return Standard(id=known_id or standard_id(self.code), version=version, samples=samples, **document)
