"""Clocks by component: the initial records of who is expected to report one, and what is known of each."""

from typing import Any

from streams.identity import derived_id
from streams.store import rows
from streams.store.database import Database
from streams.store.statements import statement

NEVER_READ_US = 1_000_000
"""1970-01-01 00:00:01, the least that a TIMESTAMP holds: this clock has never been read."""

COMPONENTS = (
    ("api-gateway", "NTP"),
    ("the-bin", "NTP"),
    ("tidb", "NTP"),
    ("kafka", "NTP"),
    ("cockpit-streams", "NTP"),
    ("ptp-grandmaster", "PTP"),
    ("dashboard", "Browser"),
    ("web-server", "Server"),
)


async def insert_missing(database: Database) -> int:
    """Add the components that have no record yet; their status is error until a first reading says otherwise."""
    literals = ",".join(
        rows.row(
            f"'{derived_id('component', name, protocol)}'",
            rows.text(name),
            f"'{protocol}'",
            "NULL",
            "0",
            rows.instant(NEVER_READ_US),
            "'error'",
            *["NULL"] * 5,
            f"'{derived_id('component-event', name, protocol)}'",
            *["NULL"] * 6,
        )
        for name, protocol in COMPONENTS
    )
    insert = statement("record", "clock_sync_status").replace("(%s)", literals, 1)
    return await database.execute(insert + "\nON DUPLICATE KEY UPDATE id = id")


async def clock_rows(database: Database, component_name: str = "") -> list[dict[str, Any]]:
    """The newest state of every clock, or of one component's; `memory` is None where it was never read.

    One look-up by primary keys, however many readings are stored.
    """
    initial = ",".join(f"'{derived_id('component', name, protocol)}'" for name, protocol in COMPONENTS)
    before, after = statement("clocks", "states").split("IN (%s)")
    return await database.fetch_all(f"{before}IN ({initial}){after}", (component_name,) * 4)
