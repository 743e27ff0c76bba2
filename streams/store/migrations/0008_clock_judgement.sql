-- A reading's error bound, how sure its status is, and the newest step of its clock as of this reading: the
-- forensics ask whether a clock was stepped while a file's times seem to go backwards.
ALTER TABLE clock_sync_status
  ADD COLUMN bound_microseconds DOUBLE NULL,
  ADD COLUMN certainty ENUM('proven', 'uncertain', 'indeterminate', 'late') NULL,
  ADD COLUMN last_step_at TIMESTAMP(6) NULL,
  ADD COLUMN last_step_microseconds BIGINT NULL;

-- `arrived_at` is when Kafka got the newest reading: silence is measured by it, not by what a clock says of itself.
-- `memory` holds the last readings, steps and alerts of the clock; `alert` is the one that matters most.
ALTER TABLE clock_states
  ADD COLUMN arrived_at TIMESTAMP(6) NULL,
  ADD COLUMN bound_microseconds DOUBLE NULL,
  ADD COLUMN certainty ENUM('proven', 'uncertain', 'indeterminate', 'late') NULL,
  ADD COLUMN fresh_seconds DOUBLE NULL,
  ADD COLUMN stale_since TIMESTAMP(6) NULL,
  ADD COLUMN last_step_at TIMESTAMP(6) NULL,
  ADD COLUMN last_step_microseconds BIGINT NULL,
  ADD COLUMN event_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN source_partition INT NULL,
  ADD COLUMN source_offset BIGINT NULL,
  ADD COLUMN memory JSON NULL;

ALTER TABLE clock_states ADD INDEX idx_arrived (arrived_at);

UPDATE clock_states SET arrived_at = updated_at, updated_at = updated_at WHERE arrived_at IS NULL;

-- Alerts that are about several clocks at once, or about one beside its peers: one row each while it fires.
CREATE TABLE IF NOT EXISTS clock_peer_alerts (
  component_name VARCHAR(100) NOT NULL,
  protocol ENUM('NTP', 'PTP', 'Browser', 'Server') NOT NULL,
  kind ENUM('outlier', 'reference_suspect') NOT NULL,
  episode JSON NULL,
  updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (component_name, protocol, kind) /*T![clustered_index] CLUSTERED */
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
