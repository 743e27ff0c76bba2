-- What is known of each clock: its state, or its initial record while it has never been read.

-- name: states
SELECT component_name, protocol, status, offset_microseconds, last_sync_at, alert
FROM clock_states
WHERE (%s = '' OR component_name = %s)
UNION ALL
SELECT i.component_name, i.protocol, i.status, i.offset_microseconds, i.last_sync_at, NULL
FROM clock_sync_status AS i
LEFT JOIN clock_states AS s ON s.component_name = i.component_name AND s.protocol = i.protocol
WHERE i.status = 'error' AND i.last_sync_at = '1970-01-01 00:00:01' AND i.source_offset IS NULL AND s.component_name IS NULL
  AND (%s = '' OR i.component_name = %s)
ORDER BY component_name, protocol;
