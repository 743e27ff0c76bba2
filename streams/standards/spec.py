"""A standard as somebody writes it in a YAML file; a key that does not exist here is refused by name."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.findings import Severity
from streams.standards.fields import AppliesTo
from streams.standards.standard import Kind, Matching, MatchMode, Samples, Standard, Status, standard_id, utc

_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(2038, 1, 19, tzinfo=UTC)
"""What a TIMESTAMP column holds."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Sample = Annotated[str, Field(max_length=4096)]


class SamplesSpec(_Strict):
    """The `samples` of a YAML standard: values that pass, and values that violate it."""

    positive: Annotated[list[Sample], Field(max_length=1000)] = []
    negative: Annotated[list[Sample], Field(max_length=1000)] = []


class StandardSpec(_Strict):
    """One entry of `standards:`.

    Without `status` a new standard becomes active, and one that the registry holds stays as far in its life as it is.
    """

    code: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    kind: Kind = "regex"
    applies_to: AppliesTo
    category: Annotated[str, Field(min_length=1, max_length=64)]
    field: Annotated[str, Field(min_length=1, max_length=160)]
    pattern: Annotated[str, Field(min_length=1, max_length=4096)]
    match_mode: MatchMode = "must_match"
    matching: Matching = "search"
    path_glob: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    required: bool = False
    severity: Severity = "medium"
    status: Status | None = None
    owner: Annotated[str, Field(max_length=255)] = ""
    description: Annotated[str, Field(max_length=2048)] = ""
    reference: Annotated[str, Field(max_length=512)] = ""
    samples: SamplesSpec = SamplesSpec()
    effective_from: AwareDatetime | None = None
    effective_until: AwareDatetime | None = None

    @field_validator("code", "category", "field", "owner")
    @classmethod
    def _on_one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must hold printable characters only, on one line")
        return value

    @field_validator("effective_from", "effective_until")
    @classmethod
    def _can_be_stored(cls, value: datetime | None) -> datetime | None:
        if value is not None and not _EARLIEST <= value <= _LATEST:
            raise ValueError("must lie between 1970-01-02 and 2038-01-19; leave it out for an open end")
        return value

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "StandardSpec":
        if self.effective_from and self.effective_until and self.effective_until <= self.effective_from:
            raise ValueError("effective_until must be later than effective_from")
        return self

    def to_standard(self, version: int = 1, known_id: str | None = None, status: Status | None = None) -> Standard:
        """This standard as its first version, or as the given version of a row that has an id already."""
        document = self.model_dump(exclude={"samples", "status"})
        for name in ("effective_from", "effective_until"):
            document[name] = utc(document[name])
        samples = Samples(tuple(self.samples.positive), tuple(self.samples.negative))
        return Standard(
            id=known_id or standard_id(self.code),
            version=version,
            samples=samples,
            status=status or self.status or "active",
            **document,
        )
