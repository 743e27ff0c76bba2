"""A version of a standard as the parameters of its rows."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson

from streams.standards.standard import Standard


def content_text(standard: Standard) -> str:
    """The canonical JSON of what a version says."""
    return orjson.dumps(standard.content(), option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z).decode()


def digest_of(content: str) -> str:
    """64 hex digits by which a version that was tampered with is known."""
    return hashlib.sha256(content.encode()).hexdigest()


def content_row(standard: Standard, actor: str) -> tuple[Any, ...]:
    """The row of standard_versions."""
    content = content_text(standard)
    return (standard.code, standard.version, standard.status, content, digest_of(content), actor)


def head_row(standard: Standard) -> tuple[Any, ...]:
    """The row of metadata_standards."""
    samples = {"positive": standard.samples.positive, "negative": standard.samples.negative}
    return (
        standard.id,
        standard.code,
        standard.version,
        standard.kind,
        standard.applies_to,
        standard.category,
        standard.field,
        standard.pattern,
        standard.match_mode,
        standard.matching,
        standard.path_glob,
        int(standard.required),
        standard.severity,
        standard.status,
        standard.owner,
        standard.description,
        standard.reference,
        orjson.dumps(samples).decode(),
        _naive_utc(standard.effective_from),
        _naive_utc(standard.effective_until),
    )


def _naive_utc(value: datetime | None) -> datetime | None:
    """What the driver writes as it is, in the session's time zone, which is UTC."""
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None)
