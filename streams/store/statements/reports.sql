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
ORDER BY day DESC, violation_count DESC;

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
