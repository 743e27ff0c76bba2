"""Tables filled to a size, seeded and fast: the server makes the rows itself from a sequence.

Rows come in the order in which a worker would have stored them, with ids that ascend, so that ten million of them
take minutes; only the look of the values matters to what is measured. Everything needs the product's migrations.
"""

from collections.abc import Callable, Iterator

import pymysql

Progress = Callable[[str], None]

HOSTS = 40
COMPONENTS = 50
_CHUNK_ROWS = 250_000

_FILES = """
INSERT INTO filesystem_timestamps
  (id, host, file_path, path_key, atime, mtime, ctime, atime_ns, mtime_ns, ctime_ns, captured_at, size_bytes, inode,
   device, platform, filesystem_type, event_id, source_partition, source_offset)
SELECT LPAD(HEX(seq), 36, '0'), host, path, UNHEX(LEFT(SHA2(CONCAT(host, CHAR(0), path), 256), 32)),
  FROM_UNIXTIME(at), FROM_UNIXTIME(at), FROM_UNIXTIME(at), at * 1000000000, at * 1000000000, at * 1000000000,
  FROM_UNIXTIME(at), seq % 65536, seq, 2049, 'linux', 'ext4', LPAD(HEX(seq), 36, 'e'), seq % 6, seq
FROM (
  SELECT seq, CONCAT('build-', LPAD(seq % {hosts}, 2, '0')) AS host, UNIX_TIMESTAMP() - 86400 + seq DIV 100 AS at,
    CONCAT(ELT(1 + seq % 5, '/src/', '/srv/repo/', '/home/ci/work/', '/src/lib/', '/opt/app/'),
      'module_', LPAD(CRC32(CONCAT({seed}, seq)) % 1000, 3, '0'), '/part_', seq % 97, '/file_', seq, '.py') AS path
  FROM seq_{first}_to_{last}
) AS made
"""

_READINGS = """
INSERT INTO clock_sync_status
  (id, component_name, protocol, stratum, offset_microseconds, last_sync_at, status, rtt_microseconds, event_id,
   source_partition, source_offset)
SELECT LPAD(HEX(seq), 36, '0'), CONCAT('component-', LPAD(seq % {components}, 3, '0')), 'NTP', 2,
  CAST(CRC32(CONCAT({seed}, seq)) % 24000 AS SIGNED) - 12000,
  CURRENT_TIMESTAMP(6) - INTERVAL ({rows} - seq) DIV {components} SECOND,
  IF(CRC32(CONCAT({seed}, seq)) % 24000 BETWEEN 2000 AND 22000, 'synchronized', IF(seq % 20 = 0, 'error', 'drifting')),
  900, LPAD(HEX(seq), 36, 'e'), seq % 6, seq
FROM seq_{first}_to_{last}
"""

_STATES = """
INSERT INTO clock_states (component_name, protocol, last_sync_at, offset_microseconds, status)
SELECT CONCAT('component-', LPAD(seq % {components}, 3, '0')), 'NTP', CURRENT_TIMESTAMP(6), 250, 'synchronized'
FROM seq_1_to_{components}
"""

_VIOLATIONS = """
INSERT INTO metadata_violations
  (id, standard_id, standard_version, subject, field, observed, expected, severity, status, fingerprint, evidence,
   ruleset_revision, event_id, source_topic, source_partition, source_offset, event_time, detected_at)
SELECT LPAD(HEX(seq), 36, '0'), s.id, 1, CONCAT('build-07:/src/file_', seq, '.py'), 'file_path', NULL, s.pattern,
  s.severity, IF(chance % 5 = 0, 'resolved', 'open'), LPAD(HEX(seq), 32, '0'), '{{}}', 1, LPAD(HEX(seq), 36, 'e'),
  'governance.filesystem-timestamps.v1', seq % 6, seq, at, at
FROM (
  SELECT seq, CRC32(CONCAT({seed}, seq)) AS chance,
    CURRENT_TIMESTAMP(6) - INTERVAL {days} DAY + INTERVAL CAST(seq * {step_us} AS UNSIGNED) MICROSECOND AS at
  FROM seq_{first}_to_{last}
) AS made
JOIN (SELECT ROW_NUMBER() OVER (ORDER BY code) - 1 AS number, id, severity, LEFT(pattern, 64) AS pattern
  FROM metadata_standards) AS s ON s.number = chance % {standards}
"""

TABLES = ("filesystem_timestamps", "clock_sync_status", "clock_states", "metadata_violations", "violation_counts")


def empty(cursor: "pymysql.cursors.Cursor") -> None:
    """Leave none of what was filled; TRUNCATE fires no trigger, so the counts go with the violations."""
    for table in (*TABLES, "outbox"):
        cursor.execute(f"TRUNCATE TABLE {table}")


def fill_files(cursor: "pymysql.cursors.Cursor", rows: int, seed: int, progress: Progress) -> None:
    """Captures of `rows` different paths on 40 hosts; two of five lie under /src/."""
    for first, last in _chunks(1, rows):
        progress(f"filling filesystem_timestamps: {last:,} of {rows:,}")
        cursor.execute(_FILES.format(first=first, last=last, seed=seed, hosts=HOSTS))


def fill_readings(cursor: "pymysql.cursors.Cursor", rows: int, seed: int, progress: Progress) -> None:
    """Readings of 50 components, one a second each, and the components' states."""
    for first, last in _chunks(1, rows):
        progress(f"filling clock_sync_status: {last:,} of {rows:,}")
        cursor.execute(_READINGS.format(first=first, last=last, seed=seed, components=COMPONENTS, rows=rows))
    cursor.execute(_STATES.format(components=COMPONENTS))


def fill_violations(cursor: "pymysql.cursors.Cursor", rows: int, days: int, seed: int, progress: Progress) -> None:
    """Replace the violations by `rows` of them, evenly over the last `days`, a fifth resolved, of all standards.

    The counts are not made row by row: the caller makes them anew.
    """
    cursor.execute("TRUNCATE TABLE metadata_violations")
    cursor.execute("TRUNCATE TABLE violation_counts")
    cursor.execute("SELECT COUNT(*) FROM metadata_standards")
    (standards,) = cursor.fetchone() or (0,)
    cursor.execute("SET @cockpit_counted = 1")
    step_us = days * 86_400_000_000 // (rows + 1)
    for first, last in _chunks(1, rows):
        progress(f"filling metadata_violations: {last:,} of {rows:,}")
        values = {"first": first, "last": last, "seed": seed, "days": days, "step_us": step_us}
        cursor.execute(_VIOLATIONS.format(**values, standards=standards))
    cursor.execute("SET @cockpit_counted = 0")


def _chunks(first: int, last: int) -> Iterator[tuple[int, int]]:
    for start in range(first, last + 1, _CHUNK_ROWS):
        yield start, min(start + _CHUNK_ROWS - 1, last)
