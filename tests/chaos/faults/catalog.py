"""Every fault by its name on the command line, in the order of the table."""

from tests.chaos.faults import Fault, database, kills, statements

FAULTS: dict[str, Fault] = {
    "kills-random": kills.at_random_moments,
    "kills-points": kills.at_crash_points,
    "database-restarted": database.restarted,
    "database-away": database.away,
    "database-read-only": database.read_only,
    "database-connections-killed": database.connections_killed,
    "database-disk-full": database.disk_full,
    "database-gone-at-commit": statements.gone_at_commit,
    "database-hung-call": statements.hung_call,
    "database-slow": statements.slow,
    "database-deadlock": statements.deadlock,
    "database-lock-wait": statements.lock_wait,
    "tidb-errors": statements.tidb_errors,
}
