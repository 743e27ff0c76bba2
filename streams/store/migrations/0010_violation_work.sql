-- Violations as work. One row a fingerprint (standard, subject, field), written in the transaction of the violations
-- that it counts. `first_seen` and `last_seen` are times of events, and so is `passed_at`, up to which the incident is
-- settled: what is older than that reopens nothing. `logged_*` is what the log of transitions knows; `unsettled` is 1
-- while the log or the violations' own status lag behind. One index serves all: each costs the recorder.
CREATE TABLE IF NOT EXISTS violation_incidents (
  fingerprint CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  standard_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code VARCHAR(64) NOT NULL,
  subject TEXT NOT NULL,
  field VARCHAR(160) NOT NULL,
  severity ENUM('info', 'low', 'medium', 'high', 'critical') NOT NULL,
  status ENUM('open', 'acknowledged', 'resolved', 'waived', 'false_positive') NOT NULL DEFAULT 'open',
  episode INT UNSIGNED NOT NULL DEFAULT 1,
  occurrences BIGINT NOT NULL,
  first_seen TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  last_seen TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  first_detected_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  last_detected_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  first_violation_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  first_topic VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  first_partition INT NOT NULL,
  first_offset BIGINT NOT NULL,
  last_violation_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  last_topic VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  last_partition INT NOT NULL,
  last_offset BIGINT NOT NULL,
  acknowledged_by VARCHAR(255) NULL,
  acknowledged_at TIMESTAMP(6) NULL,
  resolved_by VARCHAR(255) NULL,
  resolved_at TIMESTAMP(6) NULL,
  passed_at TIMESTAMP(6) NULL,
  reopened_at TIMESTAMP(6) NULL,
  waiver_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  logged_status ENUM('open', 'acknowledged', 'resolved', 'waived', 'false_positive') NOT NULL DEFAULT 'open',
  logged_episode INT UNSIGNED NOT NULL DEFAULT 1,
  unsettled TINYINT(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (fingerprint) /*T![clustered_index] CLUSTERED */,
  KEY idx_status (status, unsettled, fingerprint)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Appended to and never changed: who moved which incident from where to where, why and when.
CREATE TABLE IF NOT EXISTS violation_transitions (
  id BIGINT NOT NULL AUTO_INCREMENT,
  fingerprint CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  episode INT UNSIGNED NOT NULL,
  from_status ENUM('open', 'acknowledged', 'resolved', 'waived', 'false_positive') NOT NULL,
  to_status ENUM('open', 'acknowledged', 'resolved', 'waived', 'false_positive') NOT NULL,
  actor VARCHAR(255) NOT NULL,
  reason VARCHAR(1024) NOT NULL,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  waiver_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  PRIMARY KEY (id),
  KEY idx_fingerprint (fingerprint, id)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin /*T![auto_id_cache] AUTO_ID_CACHE = 1 */;

-- Either one incident (`fingerprint`) or a scope: a standard's code, a field, a glob of subjects; NULL takes any.
-- `released_at` is when the last incident was given back after its end.
CREATE TABLE IF NOT EXISTS violation_waivers (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
  code VARCHAR(64) NULL,
  field VARCHAR(160) NULL,
  subject_glob VARCHAR(1024) NULL,
  owner VARCHAR(255) NOT NULL,
  reason VARCHAR(1024) NOT NULL,
  created_by VARCHAR(255) NOT NULL,
  created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  ends_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  revoked_at TIMESTAMP(6) NULL,
  revoked_by VARCHAR(255) NULL,
  revoked_reason VARCHAR(1024) NULL,
  released_at TIMESTAMP(6) NULL,
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */,
  KEY idx_released (released_at, ends_at)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The violations of an incident that are not yet what the incident is.
ALTER TABLE metadata_violations ADD INDEX idx_incident (fingerprint, status);

ALTER TABLE metadata_violations DROP INDEX idx_fingerprint;

-- When a capture was stored: a rule that was not in force then has not been passed. Unknown for what is there already.
ALTER TABLE filesystem_timestamps ADD COLUMN recorded_at TIMESTAMP(6) NULL;

ALTER TABLE filesystem_timestamps MODIFY COLUMN recorded_at TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6);

ALTER TABLE submissions ADD INDEX idx_decided (decided_at);

-- What was recorded before: open where any of its violations is, else resolved.
INSERT INTO violation_incidents
  (fingerprint, standard_id, code, subject, field, severity, status, occurrences, first_seen, last_seen,
   first_detected_at, last_detected_at, first_violation_id, first_topic, first_partition, first_offset,
   last_violation_id, last_topic, last_partition, last_offset, resolved_at, passed_at, logged_status)
SELECT g.fingerprint, l.standard_id, s.code, l.subject, l.field,
  CASE g.severity WHEN 5 THEN 'critical' WHEN 4 THEN 'high' WHEN 3 THEN 'medium' WHEN 2 THEN 'low' ELSE 'info' END,
  IF(g.unresolved > 0, 'open', 'resolved'), g.occurrences, g.first_seen, g.last_seen,
  g.first_detected_at, g.last_detected_at, f.id, f.source_topic, f.source_partition, f.source_offset,
  l.id, l.source_topic, l.source_partition, l.source_offset,
  IF(g.unresolved > 0, NULL, COALESCE(g.resolved_at, g.last_detected_at)),
  IF(g.unresolved > 0, NULL, g.last_seen), IF(g.unresolved > 0, 'open', 'resolved')
FROM (
  SELECT fingerprint, COUNT(*) AS occurrences, MAX(severity + 0) AS severity,
    SUM(CASE WHEN status = 'resolved' THEN 0 ELSE 1 END) AS unresolved, MAX(resolved_at) AS resolved_at,
    MIN(event_time) AS first_seen, MAX(event_time) AS last_seen,
    MIN(detected_at) AS first_detected_at, MAX(detected_at) AS last_detected_at,
    SUBSTRING(MIN(CONCAT(event_time, id)), 27) AS first_id, SUBSTRING(MAX(CONCAT(event_time, id)), 27) AS last_id
  FROM metadata_violations
  GROUP BY fingerprint
) AS g
JOIN metadata_violations AS f ON f.id = g.first_id
JOIN metadata_violations AS l ON l.id = g.last_id
JOIN metadata_standards AS s ON s.id = l.standard_id;
