-- The counts of violations by four hours: see migrations/0007_violation_counts.sql.

-- name: add
INSERT INTO violation_counts (bucket_start, standard_id, shard, violation_count, resolved_count)
VALUES (%s)
ON DUPLICATE KEY UPDATE
  violation_count = violation_count + VALUES(violation_count),
  resolved_count = resolved_count + VALUES(resolved_count);

-- name: triggers
SELECT COUNT(*) AS found
FROM information_schema.triggers
WHERE event_object_schema = DATABASE() AND event_object_table = 'metadata_violations'
  AND trigger_name IN ('violation_counts_insert', 'violation_counts_update', 'violation_counts_delete');

-- name: kept
SELECT violation_counts_kept() AS kept;

-- name: forget
DELETE FROM violation_counts;

-- name: recount
INSERT INTO violation_counts (bucket_start, standard_id, shard, violation_count, resolved_count)
SELECT UNIX_TIMESTAMP(detected_at) DIV 14400 * 14400, standard_id, 0, COUNT(*), SUM(status = 'resolved')
FROM metadata_violations
GROUP BY UNIX_TIMESTAMP(detected_at) DIV 14400, standard_id;
