-- What is known of each clock: its state, or its initial record while it has never been read.

-- name: states
SELECT component_name, protocol, status, certainty, offset_microseconds, bound_microseconds, last_sync_at, arrived_at,
  updated_at, last_step_at, last_step_microseconds, event_id, source_partition, source_offset, alert, memory
FROM clock_states
WHERE (%s = '' OR component_name = %s)
UNION ALL
SELECT i.component_name, i.protocol, i.status, NULL, i.offset_microseconds, NULL, i.last_sync_at, NULL,
  i.recorded_at, NULL, NULL, i.event_id, NULL, NULL, NULL, NULL
FROM clock_sync_status AS i
LEFT JOIN clock_states AS s ON s.component_name = i.component_name AND s.protocol = i.protocol
WHERE i.id IN (%s) AND s.component_name IS NULL
  AND (%s = '' OR i.component_name = %s)
ORDER BY component_name, protocol;

-- name: now
SELECT CURRENT_TIMESTAMP(6) AS at;

-- name: peer_alerts
SELECT component_name, protocol, kind, episode
FROM clock_peer_alerts
WHERE episode IS NOT NULL;

-- name: silent
SELECT component_name, protocol, last_sync_at, arrived_at, updated_at, offset_microseconds, bound_microseconds, status,
  certainty, event_id, source_partition, source_offset, alert, memory
FROM clock_states
WHERE stale_since IS NULL AND arrived_at < %s
  AND TIMESTAMPDIFF(MICROSECOND, arrived_at, %s) > COALESCE(fresh_seconds, 0) * 500000
ORDER BY arrived_at
LIMIT 1000;

-- name: heard_until
SELECT COALESCE(source_partition, 0) AS source_partition, MAX(arrived_at) AS arrived_at
FROM clock_states
WHERE arrived_at IS NOT NULL
GROUP BY COALESCE(source_partition, 0);

-- name: peers
SELECT component_name, protocol, offset_microseconds, arrived_at, fresh_seconds, event_id, source_partition,
  source_offset, JSON_EXTRACT(memory, '$.at_us') AS at_us
FROM clock_states
WHERE stale_since IS NULL AND status <> 'error' AND memory IS NOT NULL AND arrived_at >= %s
ORDER BY arrived_at DESC
LIMIT 10000;

-- name: newest
SELECT component_name, protocol, status, offset_microseconds, last_sync_at
FROM clock_states
ORDER BY last_sync_at DESC
LIMIT %s;
