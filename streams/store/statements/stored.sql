-- Stored history, read again: the newest for a trial, and page by page in the order of ids for a replay.
-- A page is cut out before anything is compared, so that its cost does not depend on what is looked for.

-- name: newest_filesystem
SELECT host, file_path, git_commit_sha, platform, filesystem_type, sha256
FROM filesystem_timestamps
ORDER BY captured_at DESC
LIMIT %s;

-- name: newest_clock
SELECT component_name, protocol, reference_id, leap_status, stratum
FROM clock_sync_status
WHERE source_offset IS NOT NULL
ORDER BY last_sync_at DESC
LIMIT %s;

-- name: newest_submission
SELECT submission_id, submitter, document_contents
FROM submissions
WHERE document_contents IS NOT NULL
ORDER BY decided_at DESC
LIMIT %s;

-- name: page_filesystem
SELECT id, host, file_path, git_commit_sha, platform, filesystem_type, sha256, captured_at AS event_time, event_id,
  source_partition, source_offset
FROM filesystem_timestamps
WHERE id > %s
ORDER BY id
LIMIT %s;

-- name: page_clock
SELECT id, component_name, protocol, reference_id, leap_status, stratum, last_sync_at AS event_time, event_id,
  source_partition, source_offset
FROM clock_sync_status
WHERE id > %s
ORDER BY id
LIMIT %s;

-- name: page_submission
SELECT id, submission_id, submitter, document_contents, dry_run, reason, submitted_at AS event_time, event_id,
  source_partition, source_offset
FROM submissions
WHERE id > %s
ORDER BY id
LIMIT %s;

-- name: count_filesystem
SELECT COUNT(*) AS total FROM filesystem_timestamps;

-- name: count_clock
SELECT COUNT(*) AS total FROM clock_sync_status;

-- name: count_submission
SELECT COUNT(*) AS total FROM submissions;

-- name: known_violations
SELECT id FROM metadata_violations WHERE id IN (%s);

-- name: tag_violations
UPDATE metadata_violations SET origin = 'replay', replay_id = %s WHERE id IN (%s) AND origin = 'stream';

-- name: begin_replay
INSERT INTO standard_replays (id, rules, events_from, events_until, actor, ruleset_revision)
VALUES (%s, %s, %s, %s, %s, %s);

-- name: advance_replay
UPDATE standard_replays SET judged = %s, recorded = %s WHERE id = %s;

-- name: finish_replay
UPDATE standard_replays SET finished_at = CURRENT_TIMESTAMP(6) WHERE id = %s;
