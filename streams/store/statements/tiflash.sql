-- TiFlash replicas and how far they are behind. Only TiDB runs these; `%s` after a SET is a number.
-- A reading of TiFlash counts rows because TiDB answers a plain look-up by primary key from TiKV, hint or not.

-- name: server
SELECT VERSION() AS version;

-- name: set_filesystem_timestamps
ALTER TABLE filesystem_timestamps SET TIFLASH REPLICA %s;

-- name: set_metadata_violations
ALTER TABLE metadata_violations SET TIFLASH REPLICA %s;

-- name: set_clock_sync_status
ALTER TABLE clock_sync_status SET TIFLASH REPLICA %s;

-- name: create_canary
CREATE TABLE IF NOT EXISTS tiflash_canary (
  id INT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- name: set_tiflash_canary
ALTER TABLE tiflash_canary SET TIFLASH REPLICA %s;

-- name: replicas
SELECT TABLE_NAME AS table_name, REPLICA_COUNT AS replicas, AVAILABLE AS available, PROGRESS AS progress
FROM information_schema.tiflash_replica
WHERE TABLE_SCHEMA = DATABASE();

-- name: sing
INSERT INTO tiflash_canary (id, seq) VALUES (1, %s)
ON DUPLICATE KEY UPDATE seq = GREATEST(seq, VALUES(seq));

-- name: hear_tiflash_canary
SELECT /*+ READ_FROM_STORAGE(TIFLASH[tiflash_canary]) */ COUNT(*) AS seen
FROM tiflash_canary WHERE id = 1 AND seq >= %s;

-- name: some_filesystem_timestamps
SELECT id FROM filesystem_timestamps WHERE id >= %s ORDER BY id LIMIT 1;

-- name: hear_filesystem_timestamps
SELECT /*+ READ_FROM_STORAGE(TIFLASH[filesystem_timestamps]) */ COUNT(*) AS seen
FROM filesystem_timestamps WHERE id = %s;

-- name: some_metadata_violations
SELECT id FROM metadata_violations WHERE id >= %s ORDER BY id LIMIT 1;

-- name: hear_metadata_violations
SELECT /*+ READ_FROM_STORAGE(TIFLASH[metadata_violations]) */ COUNT(*) AS seen
FROM metadata_violations WHERE id = %s;

-- name: some_clock_sync_status
SELECT id FROM clock_sync_status WHERE id >= %s ORDER BY id LIMIT 1;

-- name: hear_clock_sync_status
SELECT /*+ READ_FROM_STORAGE(TIFLASH[clock_sync_status]) */ COUNT(*) AS seen
FROM clock_sync_status WHERE id = %s;
