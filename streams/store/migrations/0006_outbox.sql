-- Announcements that were decided in a transaction and may not have reached Kafka yet: at most one row a
-- transaction and megabyte, deleted once Kafka has acknowledged them.
CREATE TABLE IF NOT EXISTS outbox (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  messages MEDIUMBLOB NOT NULL,
  created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */,
  KEY idx_created (created_at)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS query_metrics (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  query_type VARCHAR(64) NOT NULL,
  latency_ms DOUBLE NOT NULL,
  recorded_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */,
  KEY idx_type_recorded (query_type, recorded_at)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
