"""From bytes to events: pure, and never an exception for what a producer sent.

A record decodes to its event or to a dead-letter plan with one of these reasons:

    tombstone          the value is null
    too_large          more bytes than COCKPIT_MAX_RECORD_BYTES
    invalid_encoding   not UTF-8
    invalid_json       not JSON
    invalid            JSON, but not this topic's event
    unreadable_batch   a whole compressed batch: more than COCKPIT_MAX_BATCH_BYTES, or not Kafka's format
"""

from typing import TypeVar

from pydantic import ValidationError

from schemas.event import Event as AnyEvent
from streams.plan import Plan, Record, UnreadableBatch, dead

Event = TypeVar("Event", bound=AnyEvent)
_STAGE = "decode"
_SHAPE_CHARACTERS = 80


def decode(record: Record, model: type[Event], max_bytes: int) -> Event | Plan:
    """One record's event, or the plan that dead-letters it."""
    value = record.value
    if value is None:
        if isinstance(record, UnreadableBatch):
            return dead(record, "unreadable_batch", "fetch", record.why)
        return dead(record, "tombstone", _STAGE, "value: is null; this topic has events only, no deletions")
    if len(value) > max_bytes:
        return dead(
            record,
            "too_large",
            _STAGE,
            f"value: has {len(value)} bytes; at most {max_bytes} are taken: send smaller events",
        )
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        return _refused(record, value, error)
    except RecursionError:
        return dead(record, "invalid_json", _STAGE, "value: nests too deeply to be read")


def _refused(record: Record, value: bytes, error: ValidationError) -> Plan:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return dead(
            record,
            "invalid_encoding",
            _STAGE,
            f"value: is not UTF-8 at byte {wrong.start}: send JSON in UTF-8",
        )
    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    if first["type"] == "json_invalid":
        message = f"value: {first['msg']}; begins with {_shape(value[:_SHAPE_CHARACTERS])}"
        return dead(record, "invalid_json", _STAGE, message)
    # A union reports one problem for each of its members; the first names the field just as well.
    field = ".".join(_name(part) for part in first["loc"] if not _is_union_tag(part)) or "value"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    message = f"{field}: {first['msg'].removeprefix('Value error, ')}, got {_shape(first['input'])}{more}"
    return dead(record, "invalid", _STAGE, message)


def _name(part: int | str) -> str:
    """A field's name or place; keys of metadata are the producer's own words, of any length and with any character."""
    text = ascii(part).strip("'\"")
    return text if len(text) <= _SHAPE_CHARACTERS else f"{text[:_SHAPE_CHARACTERS]}…"


def _is_union_tag(part: int | str) -> bool:
    return isinstance(part, str) and (part.startswith(("constrained-", "function-")) or part in ("int", "str"))


def _shape(value: object) -> str:
    """What somebody needs to recognise a value, and no more of it: its type and its beginning."""
    if isinstance(value, dict | list):
        return f"a JSON {'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    text = ascii(value)
    return text if len(text) <= _SHAPE_CHARACTERS else f"{text[:_SHAPE_CHARACTERS]}… ({type(value).__name__})"
