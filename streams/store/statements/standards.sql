-- The registry of rules and the sets of rules that were live.

-- name: heads
SELECT id, code, version, kind, applies_to, category, field, pattern, match_mode, matching, path_glob, required,
  severity, status, owner, description, reference, samples, effective_from, effective_until
FROM metadata_standards
ORDER BY code;

-- name: now
SELECT CURRENT_TIMESTAMP(6) AS at;

-- name: versions
SELECT s.id, v.code, v.version, v.status, v.content, v.content_sha256, v.created_by, v.created_at
FROM standard_versions AS v
JOIN metadata_standards AS s ON s.code = v.code
ORDER BY v.code, v.version;

-- name: versions_of
SELECT s.id, v.code, v.version, v.status, v.content, v.content_sha256, v.created_by, v.created_at
FROM standard_versions AS v
JOIN metadata_standards AS s ON s.code = v.code
WHERE v.code = %s
ORDER BY v.version;

-- name: shadow_candidates
SELECT s.id, v.code, v.version, v.status, v.content, v.content_sha256, v.created_by, v.created_at
FROM standard_versions AS v
JOIN metadata_standards AS s ON s.code = v.code AND s.version <> v.version
WHERE v.status = 'shadow'
ORDER BY v.code, v.version;

-- name: fingerprint
SELECT COUNT(*) AS standards,
  BIT_XOR(CRC32(CONCAT_WS('|', code, version, kind, applies_to, category, field, pattern, match_mode, matching,
    required, severity, status, COALESCE(path_glob, ''), COALESCE(effective_from, ''), COALESCE(effective_until, ''),
    updated_at))) AS digest,
  (SELECT BIT_XOR(CRC32(CONCAT_WS('|', code, version))) FROM standard_versions WHERE status = 'shadow') AS candidates,
  CURRENT_TIMESTAMP(6) AS at
FROM metadata_standards;

-- name: put_head
INSERT INTO metadata_standards (id, code, version, kind, applies_to, category, field, pattern, match_mode, matching,
  path_glob, required, severity, status, owner, description, reference, samples, effective_from, effective_until)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE version = VALUES(version), kind = VALUES(kind), applies_to = VALUES(applies_to),
  category = VALUES(category), field = VALUES(field), pattern = VALUES(pattern), match_mode = VALUES(match_mode),
  matching = VALUES(matching), path_glob = VALUES(path_glob), required = VALUES(required), severity = VALUES(severity),
  status = VALUES(status), owner = VALUES(owner), description = VALUES(description), reference = VALUES(reference),
  samples = VALUES(samples), effective_from = VALUES(effective_from), effective_until = VALUES(effective_until);

-- name: add_version
INSERT INTO standard_versions (code, version, status, content, content_sha256, created_by)
VALUES (%s, %s, %s, %s, %s, %s);

-- name: set_status
UPDATE standard_versions SET status = %s WHERE code = %s AND version = %s;

-- name: add_history
INSERT INTO standard_history (code, version, from_status, to_status, actor, reason, ruleset_revision)
VALUES (%s, %s, %s, %s, %s, %s, %s);

-- name: history
SELECT code, version, from_status, to_status, actor, reason, ruleset_revision, created_at
FROM standard_history
WHERE (%s IS NULL OR code = %s)
ORDER BY id DESC
LIMIT %s;

-- name: lock
SELECT revision, content_sha256 FROM standard_registry WHERE id = 1 FOR UPDATE;

-- name: newest_revision
SELECT COALESCE(MAX(revision), 0) AS revision FROM ruleset_revisions;

-- name: add_revision
INSERT INTO ruleset_revisions (revision, content_sha256, rules)
VALUES (%s, %s, UNHEX(%s));

-- name: set_revision
UPDATE standard_registry SET revision = %s, content_sha256 = %s WHERE id = 1;

-- name: last_revision
SELECT revision, rules
FROM ruleset_revisions
ORDER BY revision DESC
LIMIT 1;

-- name: shadow_counts
SELECT version, day, SUM(violations) AS violations
FROM standard_shadow_counts
WHERE code = %s
GROUP BY version, day
ORDER BY version, day;

-- name: violation_counts
SELECT standard_version AS version, origin, COUNT(*) AS violations
FROM metadata_violations
WHERE standard_id = %s AND detected_at >= CURRENT_TIMESTAMP(6) - INTERVAL 30 DAY
GROUP BY standard_version, origin
ORDER BY standard_version, origin;
