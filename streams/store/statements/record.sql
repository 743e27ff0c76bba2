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
   source_partition, source_offset, bound_microseconds, certainty, last_step_at, last_step_microseconds)
VALUES (%s);

-- name: clock_states
INSERT INTO clock_states
  (component_name, protocol, last_sync_at, offset_microseconds, status, alert, arrived_at, bound_microseconds,
   certainty, fresh_seconds, stale_since, last_step_at, last_step_microseconds, event_id, source_partition,
   source_offset, memory)
VALUES (%s)
ON DUPLICATE KEY UPDATE
  offset_microseconds = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(offset_microseconds), offset_microseconds),
  status = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(status), status),
  alert = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(alert), alert),
  arrived_at = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(arrived_at), arrived_at),
  bound_microseconds = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(bound_microseconds), bound_microseconds),
  certainty = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(certainty), certainty),
  fresh_seconds = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(fresh_seconds), fresh_seconds),
  stale_since = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(stale_since), stale_since),
  last_step_at = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(last_step_at), last_step_at),
  last_step_microseconds = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(last_step_microseconds), last_step_microseconds),
  event_id = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(event_id), event_id),
  source_partition = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(source_partition), source_partition),
  source_offset = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(source_offset), source_offset),
  memory = IF(VALUES(last_sync_at) >= last_sync_at, VALUES(memory), memory),
  last_sync_at = GREATEST(VALUES(last_sync_at), last_sync_at);

-- name: clock_peer_alerts
INSERT INTO clock_peer_alerts (component_name, protocol, kind, episode)
VALUES (%s)
ON DUPLICATE KEY UPDATE episode = VALUES(episode);

-- name: submissions
INSERT INTO submissions
  (id, submission_id, claim, content_sha256, submitter, submitted_at, dry_run, documents, verdict, reason,
   verdict_document, event_id, source_partition, source_offset, decided_at, document_contents)
VALUES (%s);

-- name: metadata_violations
INSERT INTO metadata_violations
  (id, standard_id, standard_version, subject, field, observed, expected, severity, fingerprint, evidence,
   ruleset_revision, event_id, source_topic, source_partition, source_offset, event_time, detected_at)
VALUES (%s);

-- name: standard_shadow_counts
INSERT INTO standard_shadow_counts (code, version, day, source_topic, source_partition, violations)
VALUES (%s)
ON DUPLICATE KEY UPDATE violations = violations + VALUES(violations);

-- name: outbox
INSERT INTO outbox (id, messages)
VALUES (%s);

-- name: query_metrics
INSERT INTO query_metrics (id, query_type, latency_ms)
VALUES (%s);

-- name: forget_announced
DELETE FROM outbox WHERE id IN (%s);

-- name: held
SELECT id FROM outbox WHERE id = %s;

-- name: unannounced
SELECT id, messages FROM outbox
WHERE created_at < CURRENT_TIMESTAMP(6) - INTERVAL %s SECOND
ORDER BY created_at
LIMIT 20;
