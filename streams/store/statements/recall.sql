-- What the judges must know of the past, looked up once a batch. `(%s)` is a list of literals.

-- name: newest_files
-- In this order and by this index: left to itself MariaDB reads the whole table for more than a few keys.
SELECT t.path_key, t.captured_at, t.mtime_ns, t.ctime_ns, t.inode, t.device, t.source_partition, t.source_offset
FROM (
  SELECT path_key, MAX(captured_at) AS captured_at
  FROM filesystem_timestamps
  WHERE path_key IN (%s) AND captured_at < CURRENT_TIMESTAMP(6) + INTERVAL 1 HOUR
  GROUP BY path_key
) AS newest
STRAIGHT_JOIN filesystem_timestamps AS t FORCE INDEX (idx_path_newest)
  ON t.path_key = newest.path_key AND t.captured_at = newest.captured_at;

-- name: clock_states
SELECT component_name, protocol, last_sync_at, offset_microseconds, status, alert
FROM clock_states
WHERE component_name IN (%s);

-- name: submissions
SELECT id, submission_id, claim, content_sha256, verdict_document
FROM submissions
WHERE submission_id IN (%s);

-- name: known_filesystem_timestamps
SELECT id FROM filesystem_timestamps WHERE id IN (%s);

-- name: known_clock_sync_status
SELECT id FROM clock_sync_status WHERE id IN (%s);

-- name: known_submissions
SELECT id FROM submissions WHERE id IN (%s);
