"""What the judges must know of the past: one query a batch, in chunks that a statement can hold."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from streams.judges.clocks import ClockState, Episode
from streams.judges.mac_times import FileState
from streams.store import rows
from streams.store.database import Database
from streams.store.statements import statement
from streams.times import microseconds

_KEYS_PER_QUERY = 900
"""From a thousand on MariaDB makes a table of the list and joins it, at twice the cost a key."""


class Recall:
    """Look-ups by key lists; what the database does not know is absent from the answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest_files(self, keys: Sequence[bytes]) -> dict[bytes, FileState]:
        """The newest record of each path key."""
        found: dict[bytes, FileState] = {}
        for row in await self._rows("newest_files", map(rows.binary, keys)):
            found[row["path_key"]] = FileState(
                microseconds(_utc(row["captured_at"])),
                row["mtime_ns"],
                row["ctime_ns"],
                row["inode"],
                row["device"],
                (row["source_partition"], row["source_offset"]),
            )
        return found

    async def clock_states(self, component_names: Sequence[str]) -> dict[tuple[str, str], ClockState]:
        """The states of all clocks of these components, by (component, protocol)."""
        return {
            (row["component_name"], row["protocol"]): ClockState(
                microseconds(_utc(row["last_sync_at"])),
                row["offset_microseconds"],
                row["status"],
                episode_from_json(row["alert"]),
            )
            for row in await self._rows("clock_states", map(rows.text, component_names))
        }

    async def submissions(self, submission_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Every stored submission under these submission_ids."""
        return await self._rows("submissions", map(rows.text, submission_ids))

    async def known_ids(self, table: str, ids: Sequence[str]) -> set[str]:
        """Those of the ids that the table holds."""
        return {row["id"] for row in await self._rows(f"known_{table}", map(rows.text, ids))}

    async def _rows(self, name: str, literals: Iterable[str]) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = []
        for chunk in _chunks(list(literals), _KEYS_PER_QUERY):
            query = statement("recall", name).replace("%s", ",".join(chunk), 1)
            answer += await self._database.fetch_all(query)
        return answer


def episode_to_json(episode: Episode | None) -> str:
    """The SQL literal of a firing alert, or NULL."""
    return "NULL" if episode is None else rows.json({name: getattr(episode, name) for name in Episode.__slots__})


def episode_from_json(text: str | None) -> Episode | None:
    """The firing alert that `episode_to_json` wrote."""
    return None if text is None else Episode(**orjson.loads(text))


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
