-- Incidents: kept by the recorder, looked after by the keeper, changed by people. `(%s)` is a list of literals.
-- Whoever changes violations and their incident locks the incident first, and several in the order of fingerprints.
-- In `keep` an assignment may see what those before it did: whatever depends on the old status and times comes before
-- they change. `reopen_seconds` stands for a number.
-- name: keep
INSERT INTO violation_incidents
  (fingerprint, standard_id, code, subject, field, severity, occurrences, first_seen, last_seen, first_detected_at,
   last_detected_at, first_violation_id, first_topic, first_partition, first_offset, last_violation_id, last_topic,
   last_partition, last_offset)
VALUES (%s)
ON DUPLICATE KEY UPDATE
  unsettled = IF(status = 'open', unsettled, 1),
  episode = episode + IF(status = 'resolved' AND VALUES(last_seen) >= passed_at
    AND VALUES(last_detected_at) > resolved_at + INTERVAL reopen_seconds SECOND, 1, 0),
  reopened_at = IF(status = 'resolved' AND VALUES(last_seen) >= passed_at, VALUES(last_detected_at), reopened_at),
  acknowledged_by = IF(status = 'resolved' AND VALUES(last_seen) >= passed_at, NULL, acknowledged_by),
  acknowledged_at = IF(status = 'resolved' AND VALUES(last_seen) >= passed_at, NULL, acknowledged_at),
  status = IF(status = 'resolved' AND VALUES(last_seen) >= passed_at, 'open', status),
  standard_id = VALUES(standard_id),
  severity = IF(VALUES(severity) + 0 > severity + 0, VALUES(severity), severity),
  occurrences = occurrences + VALUES(occurrences),
  first_violation_id = IF(VALUES(first_seen) < first_seen, VALUES(first_violation_id), first_violation_id),
  first_topic = IF(VALUES(first_seen) < first_seen, VALUES(first_topic), first_topic),
  first_partition = IF(VALUES(first_seen) < first_seen, VALUES(first_partition), first_partition),
  first_offset = IF(VALUES(first_seen) < first_seen, VALUES(first_offset), first_offset),
  last_violation_id = IF(VALUES(last_seen) >= last_seen, VALUES(last_violation_id), last_violation_id),
  last_topic = IF(VALUES(last_seen) >= last_seen, VALUES(last_topic), last_topic),
  last_partition = IF(VALUES(last_seen) >= last_seen, VALUES(last_partition), last_partition),
  last_offset = IF(VALUES(last_seen) >= last_seen, VALUES(last_offset), last_offset),
  first_seen = LEAST(first_seen, VALUES(first_seen)),
  last_seen = GREATEST(last_seen, VALUES(last_seen)),
  first_detected_at = LEAST(first_detected_at, VALUES(first_detected_at)),
  last_detected_at = GREATEST(last_detected_at, VALUES(last_detected_at));

-- name: live_page
SELECT fingerprint, code, subject, field, status, episode, occurrences, last_seen, first_detected_at, last_detected_at,
  logged_status, logged_episode, waiver_id
FROM violation_incidents
WHERE status = %s AND unsettled = 0 AND fingerprint > %s
ORDER BY fingerprint
LIMIT %s;

-- name: one
SELECT * FROM violation_incidents WHERE fingerprint = %s;

-- name: lock
SELECT * FROM violation_incidents
WHERE fingerprint IN (%s)
ORDER BY fingerprint
FOR UPDATE;

-- name: move
UPDATE violation_incidents
SET status = %s, waiver_id = %s, acknowledged_by = %s, acknowledged_at = %s, resolved_by = %s, resolved_at = %s,
  passed_at = %s, logged_status = %s, logged_episode = episode, unsettled = 1
WHERE fingerprint = %s;

-- name: logged
UPDATE violation_incidents SET logged_status = status, logged_episode = episode WHERE fingerprint IN (%s);

-- name: settled
UPDATE violation_incidents SET unsettled = 0 WHERE fingerprint IN (%s);

-- name: log
INSERT INTO violation_transitions (fingerprint, episode, from_status, to_status, actor, reason, at, waiver_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s);

-- name: transitions
SELECT episode, from_status, to_status, actor, reason, at, waiver_id
FROM violation_transitions
WHERE fingerprint = %s
ORDER BY id;

-- name: unsettled
SELECT fingerprint FROM violation_incidents
WHERE status IN ('open', 'acknowledged', 'resolved', 'waived', 'false_positive') AND unsettled = 1
LIMIT %s;

-- name: settle_violations
-- What was resolved stays so: a violation that comes later is one of its own.
UPDATE metadata_violations
SET status = %s, resolved_at = %s
WHERE fingerprint IN (%s) AND status IN (%s)
LIMIT %s;

-- name: now
SELECT CURRENT_TIMESTAMP(6) AS at;

-- name: counts
SELECT status, COUNT(*) AS incidents FROM violation_incidents GROUP BY status;

-- name: newest_captures
SELECT t.path_key, t.captured_at, t.recorded_at, t.source_partition, t.source_offset
FROM (
  SELECT path_key, MAX(captured_at) AS captured_at
  FROM filesystem_timestamps
  WHERE path_key IN (%s) AND captured_at < CURRENT_TIMESTAMP(6) + INTERVAL 1 HOUR
  GROUP BY path_key
) AS newest
STRAIGHT_JOIN filesystem_timestamps AS t FORCE INDEX (idx_path_newest)
  ON t.path_key = newest.path_key AND t.captured_at = newest.captured_at
ORDER BY t.source_partition, t.source_offset;

-- name: clocks
-- The reading that each clock's state is of: its id is what the id of its violation would be made from.
SELECT s.component_name, s.protocol, s.last_sync_at, s.source_partition, s.source_offset, r.id AS reading_id,
  r.recorded_at
FROM clock_states AS s
LEFT JOIN clock_sync_status AS r
  ON r.component_name = s.component_name AND r.last_sync_at >= s.last_sync_at AND r.protocol = s.protocol
  AND r.event_id = s.event_id
WHERE s.component_name IN (%s);

-- name: verdicts
SELECT id, submitted_at, decided_at, verdict_document, source_partition, source_offset
FROM submissions
WHERE decided_at >= %s AND (decided_at > %s OR id > %s)
  AND dry_run = 0 AND reason <> 'conflict'
ORDER BY decided_at, id
LIMIT %s;

-- name: live_among
SELECT * FROM violation_incidents
WHERE fingerprint IN (%s) AND status IN ('open', 'acknowledged');

-- name: history
SELECT code, version, to_status, created_at
FROM standard_history
WHERE code IN (%s)
ORDER BY id;

-- name: standards_of
SELECT id, code, version, kind, applies_to, category, field, pattern, match_mode, matching, path_glob, required,
  severity, status, owner, description, reference, samples, effective_from, effective_until
FROM metadata_standards
WHERE code IN (%s);

-- name: add_waiver
INSERT INTO violation_waivers (id, fingerprint, code, field, subject_glob, owner, reason, created_by, ends_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: waivers
SELECT w.*, COALESCE(held.incidents, 0) AS incidents
FROM violation_waivers AS w
LEFT JOIN (
  SELECT waiver_id, COUNT(*) AS incidents FROM violation_incidents WHERE status = 'waived' GROUP BY waiver_id
) AS held ON held.waiver_id = w.id
WHERE (%s = 1 OR (w.revoked_at IS NULL AND w.ends_at > CURRENT_TIMESTAMP(6)))
ORDER BY w.ends_at, w.id;

-- name: unreleased_waivers
SELECT id, fingerprint, code, field, subject_glob, ends_at, revoked_at, owner, reason, created_by, revoked_by,
  revoked_reason
FROM violation_waivers
WHERE released_at IS NULL;

-- name: waiver
SELECT id, fingerprint, code, field, subject_glob, ends_at, revoked_at, owner, reason, created_by, revoked_by,
  revoked_reason
FROM violation_waivers
WHERE id = %s;

-- name: revoke_waiver
UPDATE violation_waivers
SET revoked_at = CURRENT_TIMESTAMP(6), revoked_by = %s, revoked_reason = %s
WHERE id = %s AND revoked_at IS NULL AND ends_at > CURRENT_TIMESTAMP(6);

-- name: waived_by
SELECT fingerprint FROM violation_incidents WHERE waiver_id = %s AND status = 'waived' ORDER BY fingerprint LIMIT %s;

-- name: released
UPDATE violation_waivers SET released_at = CURRENT_TIMESTAMP(6) WHERE id = %s AND released_at IS NULL;

-- name: listed
SELECT i.fingerprint, i.status, i.severity, i.code, s.category, i.subject, i.field, i.occurrences, i.episode,
  i.first_seen, i.last_seen, i.last_detected_at, i.acknowledged_by, i.resolved_by, i.resolved_at, i.waiver_id,
  i.last_violation_id AS id, v.observed, v.expected, i.last_topic AS source_topic,
  i.last_partition AS source_partition, i.last_offset AS source_offset
FROM violation_incidents AS i
JOIN metadata_standards AS s ON s.id = i.standard_id
LEFT JOIN metadata_violations AS v ON v.id = i.last_violation_id
WHERE i.last_detected_at >= CURRENT_TIMESTAMP(6) - INTERVAL %s DAY
  AND (%s IS NULL OR i.status = %s)
  AND (%s IS NULL OR i.severity = %s)
  AND (%s IS NULL OR i.code = %s)
  AND (%s IS NULL OR i.subject LIKE %s)
ORDER BY i.last_detected_at DESC
LIMIT %s;

-- name: samples
SELECT id, detected_at, event_time, observed, severity, status, origin, source_topic, source_partition, source_offset
FROM metadata_violations
WHERE fingerprint = %s
ORDER BY detected_at DESC, event_time DESC
LIMIT %s;
