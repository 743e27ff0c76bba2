-- What people and probes ask. Every statement runs on TiDB and MariaDB; the hints are comments elsewhere.

-- name: compliance
SELECT /*+ READ_FROM_STORAGE(TIFLASH[v]) */
  DATE(v.detected_at) AS day,
  s.category AS category,
  COUNT(*) AS violation_count,
  SUM(CASE WHEN v.status = 'resolved' THEN 1 ELSE 0 END) AS resolved_count,
  ROUND(SUM(CASE WHEN v.status = 'resolved' THEN 1 ELSE 0 END) * 100.0 / COUNT(*), 2) AS resolution_rate
FROM metadata_violations AS v
JOIN metadata_standards AS s ON s.id = v.standard_id
WHERE v.detected_at >= CURRENT_TIMESTAMP(6) - INTERVAL %s DAY
GROUP BY day, s.category
ORDER BY day DESC, violation_count DESC, category;

-- name: compliance_counted
-- The same from the counts: whole buckets, and the violations themselves for what is left of the oldest one.
SELECT
  c.day AS day,
  s.category AS category,
  SUM(c.found) AS violation_count,
  SUM(c.resolved) AS resolved_count,
  ROUND(SUM(c.resolved) * 100.0 / SUM(c.found), 2) AS resolution_rate
FROM (
  SELECT DATE(FROM_UNIXTIME(b.bucket_start)) AS day, b.standard_id AS standard_id,
    SUM(b.violation_count) AS found, SUM(b.resolved_count) AS resolved
  FROM violation_counts AS b
  WHERE b.bucket_start >= CEILING(UNIX_TIMESTAMP(CURRENT_TIMESTAMP(6) - INTERVAL %s DAY) / 14400) * 14400
  GROUP BY DATE(FROM_UNIXTIME(b.bucket_start)), b.standard_id
  UNION ALL
  SELECT DATE(v.detected_at) AS day, v.standard_id AS standard_id,
    COUNT(*) AS found, SUM(CASE WHEN v.status = 'resolved' THEN 1 ELSE 0 END) AS resolved
  FROM metadata_violations AS v
  WHERE v.detected_at >= CURRENT_TIMESTAMP(6) - INTERVAL %s DAY
    AND v.detected_at <
      FROM_UNIXTIME(CEILING(UNIX_TIMESTAMP(CURRENT_TIMESTAMP(6) - INTERVAL %s DAY) / 14400) * 14400)
  GROUP BY DATE(v.detected_at), v.standard_id
) AS c
JOIN metadata_standards AS s ON s.id = c.standard_id
GROUP BY c.day, s.category
HAVING SUM(c.found) > 0
ORDER BY day DESC, violation_count DESC, category;

-- name: newest_component
SELECT component_name FROM clock_states ORDER BY updated_at DESC LIMIT 1;

-- name: clock_status
SELECT component_name, protocol, status, offset_microseconds, last_sync_at, stratum, leap_status
FROM clock_sync_status
WHERE component_name = %s
ORDER BY last_sync_at DESC
LIMIT 1;

-- name: slo
SELECT
  query_type,
  COUNT(*) AS samples,
  AVG(latency_ms) AS average_ms,
  MAX(CASE WHEN place <= CEIL(0.95 * total) THEN latency_ms END) AS p95_ms,
  MAX(CASE WHEN place <= CEIL(0.99 * total) THEN latency_ms END) AS p99_ms
FROM (
  SELECT
    query_type,
    latency_ms,
    ROW_NUMBER() OVER (PARTITION BY query_type ORDER BY latency_ms) AS place,
    COUNT(*) OVER (PARTITION BY query_type) AS total
  FROM query_metrics
  WHERE recorded_at >= CURRENT_TIMESTAMP(6) - INTERVAL 1 HOUR
) AS ranked
GROUP BY query_type
ORDER BY query_type;

-- name: violations_by_standard
SELECT
  s.code AS code, s.category AS category, v.severity AS severity,
  COUNT(*) AS violation_count, COUNT(DISTINCT v.fingerprint) AS incidents,
  MIN(v.subject) AS example_subject, MIN(v.observed) AS example_observed
FROM metadata_violations AS v
JOIN metadata_standards AS s ON s.id = v.standard_id
WHERE v.detected_at >= CURRENT_TIMESTAMP(6) - INTERVAL %s DAY
GROUP BY s.code, s.category, v.severity
ORDER BY violation_count DESC, s.code;

-- name: violations
SELECT
  v.id, v.detected_at, v.event_time, s.code, s.category, v.severity, v.status, v.subject, v.field, v.observed,
  v.expected, v.standard_version, v.ruleset_revision, v.fingerprint, v.evidence, v.event_id,
  v.source_topic, v.source_partition, v.source_offset, v.resolved_at
FROM metadata_violations AS v
JOIN metadata_standards AS s ON s.id = v.standard_id
WHERE v.detected_at >= CURRENT_TIMESTAMP(6) - INTERVAL %s DAY
  AND (%s IS NULL OR v.status = %s)
  AND (%s IS NULL OR v.severity = %s)
  AND (%s IS NULL OR s.code = %s)
  AND (%s IS NULL OR v.subject LIKE %s)
ORDER BY v.detected_at DESC
LIMIT %s;

-- name: violation
SELECT
  v.id, v.detected_at, v.event_time, s.code, s.category, s.description, s.reference, v.severity, v.status,
  v.subject, v.field, v.observed, v.expected, v.standard_version, v.ruleset_revision, v.fingerprint,
  v.evidence, v.event_id, v.source_topic, v.source_partition, v.source_offset, v.resolved_at
FROM metadata_violations AS v
JOIN metadata_standards AS s ON s.id = v.standard_id
WHERE v.id = %s;

-- name: files_under
SELECT host, file_path, mtime, captured_at, size_bytes, git_commit_sha
FROM filesystem_timestamps
WHERE file_path LIKE %s
LIMIT %s;

-- name: files_at
SELECT host, file_path, mtime, captured_at, size_bytes, git_commit_sha
FROM filesystem_timestamps
WHERE file_path = %s
ORDER BY captured_at DESC
LIMIT %s;
