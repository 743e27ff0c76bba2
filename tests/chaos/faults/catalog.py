"""Every fault by its name on the command line, in the order of the table."""

from tests.chaos.faults import Fault, clock, database, kafka, kills, restarts, statements, stops, workers

FAULTS: dict[str, Fault] = {
    "kills-random": kills.at_random_moments,
    "kills-points": kills.at_crash_points,
    "rolling-restart": workers.rolling_restart,
    "rebalance-storm": workers.rebalance_storm,
    "stopped-during-outage": stops.during_an_outage,
    "zombie": workers.zombie,
    "kafka-restarted": restarts.of_kafka,
    "kafka-away": kafka.away,
    "kafka-cut": kafka.cut,
    "kafka-silent": kafka.silent,
    "kafka-delayed": kafka.delayed,
    "kafka-throttled": kafka.throttled,
    "kafka-new-partitions": kafka.new_partitions,
    "kafka-offsets": kafka.offsets_out_of_range,
    "database-restarted": restarts.of_the_database,
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
    "clock-stepped": clock.stepped,
}
