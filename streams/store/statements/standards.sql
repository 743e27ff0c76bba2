-- The registry of rules and the sets of rules that were live.

-- name: load
SELECT id, code, version, kind, applies_to, category, field, pattern, match_mode, path_glob, required, severity,
  status, owner, description, reference, samples, effective_from, effective_until
FROM metadata_standards
ORDER BY code;

-- name: fingerprint
SELECT COUNT(*) AS standards,
  BIT_XOR(CRC32(CONCAT_WS('|', code, version, kind, applies_to, category, field, pattern, match_mode, required,
    severity, status, COALESCE(path_glob, ''), COALESCE(effective_from, ''), COALESCE(effective_until, ''),
    updated_at))) AS digest
FROM metadata_standards;

-- name: load_for_update
SELECT id, code, version, kind, applies_to, category, field, pattern, match_mode, path_glob, required, severity,
  status, owner, description, reference, samples, effective_from, effective_until
FROM metadata_standards
ORDER BY code
FOR UPDATE;

-- name: insert_missing
INSERT INTO metadata_standards (id, code, version, kind, applies_to, category, field, pattern, match_mode, path_glob,
  required, severity, status, owner, description, reference, samples, effective_from, effective_until)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE metadata_standards.id = metadata_standards.id;

-- name: upsert
INSERT INTO metadata_standards (id, code, version, kind, applies_to, category, field, pattern, match_mode, path_glob,
  required, severity, status, owner, description, reference, samples, effective_from, effective_until)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE version = VALUES(version), kind = VALUES(kind), applies_to = VALUES(applies_to),
  category = VALUES(category), field = VALUES(field), pattern = VALUES(pattern), match_mode = VALUES(match_mode),
  path_glob = VALUES(path_glob), required = VALUES(required), severity = VALUES(severity), status = VALUES(status),
  owner = VALUES(owner), description = VALUES(description), reference = VALUES(reference), samples = VALUES(samples),
  effective_from = VALUES(effective_from), effective_until = VALUES(effective_until);

-- name: touch_revision
UPDATE ruleset_revisions SET created_at = CURRENT_TIMESTAMP(6) WHERE content_sha256 = %s;

-- name: add_revision
INSERT INTO ruleset_revisions (content_sha256, rules)
VALUES (%s, UNHEX(%s))
ON DUPLICATE KEY UPDATE content_sha256 = VALUES(content_sha256);

-- name: revision
SELECT revision FROM ruleset_revisions WHERE content_sha256 = %s;

-- name: last_revision
SELECT revision, rules
FROM ruleset_revisions
ORDER BY created_at DESC, revision DESC
LIMIT 1;
