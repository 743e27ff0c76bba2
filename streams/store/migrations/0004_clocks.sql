CREATE TABLE IF NOT EXISTS clock_sync_status (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  component_name VARCHAR(100) NOT NULL,
  protocol ENUM('NTP', 'PTP', 'Browser', 'Server') NOT NULL,
  stratum INT NULL,
  offset_microseconds BIGINT NOT NULL,
  last_sync_at TIMESTAMP(6) NOT NULL,
  status ENUM('synchronized', 'drifting', 'error') NOT NULL,
  rtt_microseconds DOUBLE NULL,
  root_delay_microseconds DOUBLE NULL,
  root_dispersion_microseconds DOUBLE NULL,
  leap_status ENUM('normal', 'insert', 'delete', 'unsynchronised') NULL,
  reference_id VARCHAR(64) NULL,
  event_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source_partition INT NULL,
  source_offset BIGINT NULL,
  recorded_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */,
  KEY idx_component (component_name),
  KEY idx_status (status),
  KEY idx_component_newest (component_name, last_sync_at)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What the judge of clocks must remember of each clock: one row a clock, written in the transaction of the
-- reading that changed it.
CREATE TABLE IF NOT EXISTS clock_states (
  component_name VARCHAR(100) NOT NULL,
  protocol ENUM('NTP', 'PTP', 'Browser', 'Server') NOT NULL,
  last_sync_at TIMESTAMP(6) NOT NULL,
  offset_microseconds BIGINT NOT NULL,
  status ENUM('synchronized', 'drifting', 'error') NOT NULL,
  alert JSON NULL,
  updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (component_name, protocol) /*T![clustered_index] CLUSTERED */
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
