"""The field types of the contract: strict, bounded, and the same for every event.

Strict means that a producer's mistake is refused and not guessed at: `"1"` is no number, `true` is no
integer, `1700000000` is no time. The bounds are those of the tables behind the stream, so that what is
accepted here can also be stored.
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    Strict,
    WithJsonSchema,
)
from pydantic_core import core_schema

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
UINT64_MAX = 2**64 - 1
PATH_MAX_BYTES = 4096
"""What Linux calls PATH_MAX; longer paths cannot be opened, so no honest producer has one."""

TIMESTAMP_MIN = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
TIMESTAMP_MAX = datetime(2038, 1, 19, 3, 14, 7, 999999, tzinfo=UTC)
"""The range of a MySQL-protocol TIMESTAMP(6) column."""

_RFC3339_SCHEMA = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
    "description": "RFC 3339 with an offset, between 1970-01-01T00:00:01Z and 2038-01-19T03:14:07.999999Z; "
    "digits beyond microseconds are cut off. Leap seconds (:60) are refused.",
}
_RFC3339_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_RFC3339 = re.compile(_RFC3339_PATTERN)
_NOT_RFC3339 = "must be an RFC 3339 time with an offset, such as 2026-11-20T10:12:12.123456Z"
_NOT_STORABLE = "must lie between 1970-01-01T00:00:01Z and 2038-01-19T03:14:07Z"


def _decimal_string_to_int64(text: str) -> int:
    value = int(text)
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("must fit a signed 64-bit integer of nanoseconds")
    return value


def _require_rfc3339(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError(_NOT_RFC3339)
    return value


def _require_storable_time(value: datetime) -> datetime:
    if not TIMESTAMP_MIN <= value <= TIMESTAMP_MAX:
        raise ValueError(_NOT_STORABLE)
    return value


def _require_path(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain NUL")
    if len(value) * 4 > PATH_MAX_BYTES and len(value.encode()) > PATH_MAX_BYTES:
        raise ValueError(f"must be at most {PATH_MAX_BYTES} bytes of UTF-8")
    return value


if TYPE_CHECKING:
    Nanoseconds = int
else:
    Nanoseconds = Annotated[
        Annotated[int, Strict(), Field(ge=INT64_MIN, le=INT64_MAX)]
        | Annotated[str, Strict(), Field(pattern=r"^-?[0-9]{1,19}$"), AfterValidator(_decimal_string_to_int64)],
        Field(union_mode="left_to_right", description="Nanoseconds since the Unix epoch, signed 64-bit."),
    ]
"""int64 nanoseconds; a decimal string is taken too, because JavaScript cannot hold 2**60."""

Int64 = Annotated[int, Strict(), Field(ge=INT64_MIN, le=INT64_MAX)]
Count = Annotated[int, Strict(), Field(ge=0, le=INT64_MAX)]


def _rfc3339_schema(source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    """From JSON without a call of Python, for there is one in every event and Python costs four times as much."""
    in_json = core_schema.chain_schema(
        [
            core_schema.custom_error_schema(
                core_schema.str_schema(strict=True, pattern=f"^(?:{_RFC3339_PATTERN})$"),
                custom_error_type="rfc3339",
                custom_error_message=_NOT_RFC3339,
            ),
            core_schema.datetime_schema(strict=False, tz_constraint="aware"),
            core_schema.custom_error_schema(
                core_schema.datetime_schema(ge=TIMESTAMP_MIN, le=TIMESTAMP_MAX),
                custom_error_type="storable_time",
                custom_error_message=_NOT_STORABLE,
            ),
        ]
    )
    return core_schema.json_or_python_schema(json_schema=in_json, python_schema=handler(source))


Rfc3339 = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_require_rfc3339),
    AfterValidator(_require_storable_time),
    GetPydanticSchema(_rfc3339_schema),
    WithJsonSchema(_RFC3339_SCHEMA),
]
"""An aware time within TIMESTAMP's range; digits beyond microseconds are cut off."""

# JSON Schema counts characters and not bytes, and says with a pattern what a validator says faster here.
Path = Annotated[
    str,
    Strict(),
    Field(
        min_length=1,
        max_length=PATH_MAX_BYTES,
        description=f"At most {PATH_MAX_BYTES} bytes of UTF-8, without NUL.",
        json_schema_extra={"pattern": r"^[^\x00]+$"},
    ),
    AfterValidator(_require_path),
]
EventId = Annotated[
    str,
    Strict(),
    Field(
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        description="A UUID.",
        json_schema_extra={"format": "uuid"},
    ),
]
Sha256 = Annotated[str, Strict(), Field(pattern=r"^[0-9a-fA-F]{64}$")]
GitSha = Annotated[str, Strict(), Field(pattern=r"^[0-9a-fA-F]{40}$")]

_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
_PRINTABLE_KEY = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f]$"
"""Without a space at the end: the database's collation takes "a" and "a " for the same key."""

Host = Annotated[str, Strict(), Field(max_length=255, pattern=_PRINTABLE)]
ComponentName = Annotated[str, Strict(), Field(max_length=100, pattern=_PRINTABLE_KEY)]
SubmissionId = Annotated[str, Strict(), Field(max_length=128, pattern=_PRINTABLE_KEY)]
ShortText = Annotated[str, Strict(), Field(max_length=64, pattern=_PRINTABLE)]
MicrosecondSpan = Annotated[
    float, Strict(), Field(ge=0, le=1e15, allow_inf_nan=False, description="A finite span in microseconds.")
]
