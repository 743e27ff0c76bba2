"""Standards for tests: a valid one, with whatever a test wants to be different."""

from datetime import UTC, datetime
from typing import Any

from streams.standards.ruleset import Ruleset
from streams.standards.standard import Standard, standard_id

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def rule(code: str = "FS-TEST-001", **changes: Any) -> Standard:
    values: dict[str, Any] = {
        "version": 1,
        "kind": "regex",
        "applies_to": "filesystem",
        "category": "test",
        "field": "file_path",
        "pattern": "^/",
        "status": "active",
    }
    return Standard(id=standard_id(code), code=code, **(values | changes))


def ruleset(*standards: Standard) -> Ruleset:
    return Ruleset.compile(standards, 7, NOW)
