-- What the judges must know of the past, looked up once a batch. `(%s)` is a list of literals.

-- Of two records of one moment the one that came first, as in memory.
-- name: newest_files
-- With the condition on captured_at MariaDB counts the entries of each key first; without it, it trusts statistics that
-- are wrong while a table is young, and reads the whole index.
-- In this order and by this index: left to itself MariaDB reads the whole table for more than a few keys.
SELECT t.path_key, t.captured_at, t.atime_ns, t.mtime_ns, t.ctime_ns, t.inode, t.device, t.birthtime_ns, t.size_bytes,
  t.sha256, t.git_commit_sha, t.git_committed_at, t.source_partition, t.source_offset
FROM (
  SELECT path_key, MAX(captured_at) AS captured_at
  FROM filesystem_timestamps
  WHERE path_key IN (%s) AND captured_at < CURRENT_TIMESTAMP(6) + INTERVAL 1 HOUR
  GROUP BY path_key
) AS newest
STRAIGHT_JOIN filesystem_timestamps AS t FORCE INDEX (idx_path_newest)
  ON t.path_key = newest.path_key AND t.captured_at = newest.captured_at
ORDER BY t.source_partition, t.source_offset;

-- name: path_keys_after
SELECT DISTINCT path_key FROM filesystem_timestamps WHERE path_key > %s ORDER BY path_key LIMIT %s;

-- Among the last records of one path; several of these are joined by UNION ALL.
-- name: had_mtime
(SELECT path_key, mtime_ns
FROM (
  SELECT path_key, mtime_ns
  FROM filesystem_timestamps
  WHERE path_key = %s
  ORDER BY captured_at DESC
  LIMIT 200
) AS recent
WHERE mtime_ns = %s
LIMIT 1);

-- name: paths_with_mtime
-- By the seed's index on mtime, of a bounded number of rows: a file that is captured daily has one each day. Left to
-- itself MariaDB reads the whole of a young table; and DISTINCT would write each answer to a table on disk first.
(SELECT host, mtime_ns, path_key, file_path
FROM filesystem_timestamps FORCE INDEX (idx_mtime)
WHERE mtime = %s AND host = %s AND mtime_ns = %s
LIMIT 200);

-- name: clock_states
SELECT component_name, protocol, last_sync_at, arrived_at, updated_at, offset_microseconds, bound_microseconds, status,
  certainty, event_id, source_partition, source_offset, alert, memory
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
