-- Everything that the recorder writes in its one transaction. The recorder puts the rows where `(%s)` stands.
-- A row's id is derived from its cause, so a row that is there already is this very row, and the error tells that
-- its record is stored already.

-- name: filesystem_timestamps
INSERT INTO filesystem_timestamps
  (id, file_path, path_key, atime, mtime, ctime, atime_ns, mtime_ns, ctime_ns,
   git_commit_sha, git_committed_at, birthtime_ns, size_bytes, inode, device, sha256,
   host, captured_at, platform, filesystem_type, event_id, source_partition, source_offset)
VALUES (%s);

-- name: clock_sync_status
INSERT INTO clock_sync_status
  (id, component_name, protocol, stratum, offset_microseconds, last_sync_at, status, rtt_microseconds,
   root_delay_microseconds, root_dispersion_microseconds, leap_status, reference_id, event_id,
   source_partition, source_offset)
VALUES (%s);

-- name: clock_states
INSERT INTO clock_states (component_name, protocol, last_sync_at, offset_microseconds, status, alert)
VALUES (%s)
ON DUPLICATE KEY UPDATE
  offset_microseconds = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(offset_microseconds), offset_microseconds),
  status = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(status), status),
  alert = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(alert), alert),
  last_sync_at = GREATEST(VALUES(last_sync_at), last_sync_at);

-- name: submissions
INSERT INTO submissions
  (id, submission_id, claim, content_sha256, submitter, submitted_at, dry_run, documents, verdict, reason,
   verdict_document, event_id, source_partition, source_offset, decided_at)
VALUES (%s);

-- name: metadata_violations
INSERT INTO metadata_violations
  (id, standard_id, standard_version, subject, field, observed, expected, severity, fingerprint, evidence,
   ruleset_revision, event_id, source_topic, source_partition, source_offset, event_time, detected_at)
VALUES (%s);

-- name: outbox
INSERT INTO outbox (id, messages)
VALUES (%s);

-- name: query_metrics
INSERT INTO query_metrics (id, query_type, latency_ms)
VALUES (%s);

-- name: forget_announced
DELETE FROM outbox WHERE id IN (%s);

-- name: unannounced
SELECT id, messages FROM outbox
WHERE created_at < CURRENT_TIMESTAMP(6) - INTERVAL %s SECOND
ORDER BY created_at
LIMIT 20;
