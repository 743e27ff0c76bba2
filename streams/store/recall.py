"""What the judges must know of the past: one query a batch, in chunks that a statement can hold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.events import Protocol
from streams.judges.clocks import ClockState, Episode, Kind
from streams.judges.clocks.state import state_before_memory, state_from_memory
from streams.judges.host_clock import HostClock, host_clock
from streams.judges.incidents import Waiver
from streams.judges.timestamps import FileState
from streams.store import rows
from streams.store.database import Database
from streams.store.incident_waivers import unreleased
from streams.store.statements import statement
from streams.times import clamped_timestamp_text, microseconds, timestamp_text

_KEYS_PER_QUERY = 900
"""From a thousand on MariaDB makes a table of the list and joins it, at twice the cost a key."""
_PATHS_PER_QUERY = 50


class Recall:
    """Look-ups by key lists; what the database does not know is absent from the answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now_us(self) -> int:
        """The time by the database's clock, which all workers share."""
        (now,) = await self._database.fetch_all(statement("clocks", "now"))
        return microseconds(_utc(now["at"]))

    async def newest_files(self, keys: Sequence[bytes]) -> dict[bytes, FileState]:
        """The newest record of each path key, by the time of its capture."""
        found: dict[bytes, FileState] = {}
        for row in await self._rows("newest_files", map(rows.binary, keys)):
            found.setdefault(row["path_key"], _file_state(row))
        return found

    async def path_keys_after(self, key: bytes, count: int) -> list[bytes]:
        """The next `count` path keys that records are stored under, in order; fewer when those are the last."""
        found = await self._database.fetch_all(statement("recall", "path_keys_after") % (rows.binary(key), count))
        return [row["path_key"] for row in found]

    async def had_mtimes(self, wanted: Sequence[tuple[bytes, int]]) -> set[tuple[bytes, int]]:
        """Those of the pairs of path key and mtime_ns that one of the path's last 200 records holds."""
        found: set[tuple[bytes, int]] = set()
        one = statement("recall", "had_mtime")
        for chunk in _chunks([one % (rows.binary(key), mtime_ns) for key, mtime_ns in wanted], _PATHS_PER_QUERY):
            answer = await self._database.fetch_all(" UNION ALL ".join(chunk))
            found |= {(row["path_key"], row["mtime_ns"]) for row in answer}
        return found

    async def paths_with_mtimes(self, wanted: Sequence[tuple[str, int]]) -> list[tuple[tuple[str, int], bytes, str]]:
        """Of each pair of host and mtime_ns: the pair, path key and path of stored files, as far as 200 rows tell."""
        found: dict[tuple[tuple[str, int], bytes], str] = {}
        one = statement("recall", "paths_with_mtime")
        texts = [one % (f"'{clamped_timestamp_text(ns)}'", rows.text(host), ns) for host, ns in wanted]
        for chunk in _chunks(texts, _PATHS_PER_QUERY):
            for row in await self._database.fetch_all(" UNION ALL ".join(chunk)):
                found[(row["host"], row["mtime_ns"]), row["path_key"]] = row["file_path"]
        return [(times, key, path) for (times, key), path in found.items()]

    async def host_clocks(self, hosts: Sequence[str]) -> dict[str, HostClock]:
        """The clocks of those hosts that publish readings under their own name."""
        states: dict[str, list[ClockState]] = {}
        for (component, _), state in (await self.clock_states(hosts)).items():
            states.setdefault(component, []).append(state)
        return {host: host_clock(known) for host, known in states.items()}

    async def clock_states(self, component_names: Sequence[str]) -> dict[tuple[str, Protocol], ClockState]:
        """The states of all clocks of these components, by (component, protocol)."""
        found = await self._rows("clock_states", map(rows.text, component_names))
        return {(row["component_name"], row["protocol"]): clock_state(row) for row in found}

    async def silent_clocks(self, now_us: int, least_seconds: float) -> dict[tuple[str, Protocol], ClockState]:
        """Clocks that may have been silent for longer than their rhythm allows, without an alert that says so."""
        before_us = now_us - round(least_seconds * 1e6)
        arguments = (timestamp_text(before_us), timestamp_text(now_us))
        found = await self._database.fetch_all(statement("clocks", "silent"), arguments)
        return {(row["component_name"], row["protocol"]): clock_state(row) for row in found}

    async def heard_until_us(self) -> dict[int, int]:
        """When the newest reading of each partition arrived, as far as readings are stored."""
        found = await self._database.fetch_all(statement("clocks", "heard_until"))
        return {int(row["source_partition"]): microseconds(_utc(row["arrived_at"])) for row in found}

    async def clock_peers(self, since_us: int) -> list[dict[str, Any]]:
        """The newest offsets of clocks that are not silent, heard since then."""
        found = await self._database.fetch_all(statement("clocks", "peers"), (timestamp_text(since_us),))
        for row in found:
            row["arrived_us"] = microseconds(_utc(row.pop("arrived_at")))
            row["at_us"] = int(row["at_us"])
        return found

    async def peer_alerts(self) -> dict[tuple[str, Protocol, Kind], Episode]:
        """The alerts about peers that fire."""
        found = await self._database.fetch_all(statement("clocks", "peer_alerts"))
        return {
            (row["component_name"], row["protocol"], row["kind"]): Episode(**orjson.loads(row["episode"]))
            for row in found
        }

    async def submissions(self, submission_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Every stored submission under these submission_ids."""
        return await self._rows("submissions", map(rows.text, submission_ids))

    async def waivers(self) -> list[Waiver]:
        """What is forgiven now, and what was lately."""
        return await unreleased(self._database)

    async def known_ids(self, table: str, ids: Sequence[str]) -> set[str]:
        """Those of the ids that the table holds."""
        return {row["id"] for row in await self._rows(f"known_{table}", map(rows.text, ids))}

    async def _rows(self, name: str, literals: Iterable[str]) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = []
        for chunk in _chunks(list(literals), _KEYS_PER_QUERY):
            query = statement("recall", name).replace("%s", ",".join(chunk), 1)
            answer += await self._database.fetch_all(query)
        return answer


def _file_state(row: Mapping[str, Any]) -> FileState:
    committed = row["git_committed_at"]
    return FileState(
        captured_at_us=microseconds(_utc(row["captured_at"])),
        atime_ns=row["atime_ns"],
        mtime_ns=row["mtime_ns"],
        ctime_ns=row["ctime_ns"],
        inode=row["inode"],
        device=row["device"],
        birthtime_ns=row["birthtime_ns"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        git_commit_sha=row["git_commit_sha"],
        git_committed_at=None if committed is None else _utc(committed),
        partition=row["source_partition"],
        offset=row["source_offset"],
    )


def clock_state(row: Mapping[str, Any]) -> ClockState:
    """The state in a row of clock_states, also in one that an earlier version wrote."""
    columns = {
        "last_sync_at_us": microseconds(_utc(row["last_sync_at"])),
        "arrived_us": microseconds(_utc(row["arrived_at"] or row["updated_at"])),
        "offset_microseconds": row["offset_microseconds"],
        "bound_microseconds": abs(row["offset_microseconds"])
        if row["bound_microseconds"] is None
        else row["bound_microseconds"],
        "status": row["status"],
        "certainty": row["certainty"] or "proven",
        "event_id": row["event_id"] or "",
        "source": (row["source_partition"] or 0, row["source_offset"] or 0),
    }
    if row["memory"] is None:
        return state_before_memory(orjson.loads(row["alert"] or "null"), **columns)
    return state_from_memory(orjson.loads(row["memory"]), **columns)


def clock_state_row(key: tuple[str, Protocol], state: ClockState, fresh_seconds: float) -> str:
    """The SQL literal of a row of clock_states."""
    stale, step, alert = state.episodes.get("stale"), state.last_step, state.main_episode
    return rows.row(
        rows.text(key[0]),
        f"'{key[1]}'",
        rows.instant(state.last_sync_at_us),
        str(state.offset_microseconds),
        f"'{state.status}'",
        "NULL" if alert is None else rows.json(alert.document()),
        rows.instant(state.arrived_us),
        rows.number(state.bound_microseconds),
        f"'{state.certainty}'",
        rows.number(fresh_seconds),
        rows.instant(stale.starts_at_us if stale else None),
        rows.instant(step.at_us if step else None),
        rows.number(step.microseconds if step else None),
        rows.text(state.event_id or None),
        str(state.source[0]),
        str(state.source[1]),
        rows.json(state.memory()),
    )


def peer_alert_row(component_name: str, protocol: Protocol, kind: Kind, episode: Episode | None) -> str:
    """The SQL literal of a row of clock_peer_alerts."""
    document = "NULL" if episode is None else rows.json(episode.document())
    return rows.row(rows.text(component_name), f"'{protocol}'", f"'{kind}'", document)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
