-- The registry of standards: versions that never change, a log of what was done to them, what rules on trial would
-- have found, and the runs that judged stored history again.
ALTER TABLE metadata_standards
  ADD COLUMN matching ENUM('search', 'full') NOT NULL DEFAULT 'search';

-- `content` is the canonical JSON of everything but the status, `content_sha256` its digest: a row is inserted once,
-- and only its status moves. metadata_standards holds the version that is in force, or else the newest.
CREATE TABLE IF NOT EXISTS standard_versions (
  code VARCHAR(64) NOT NULL,
  version INT UNSIGNED NOT NULL,
  status ENUM('draft', 'shadow', 'active', 'suspended', 'retired') NOT NULL,
  content MEDIUMTEXT NOT NULL,
  content_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_by VARCHAR(255) NOT NULL,
  created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (code, version) /*T![clustered_index] CLUSTERED */,
  KEY idx_status (status)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS standard_history (
  id BIGINT NOT NULL AUTO_INCREMENT,
  code VARCHAR(64) NOT NULL,
  version INT UNSIGNED NOT NULL,
  from_status ENUM('draft', 'shadow', 'active', 'suspended', 'retired') NULL,
  to_status ENUM('draft', 'shadow', 'active', 'suspended', 'retired') NOT NULL,
  actor VARCHAR(255) NOT NULL,
  reason VARCHAR(1024) NOT NULL,
  ruleset_revision BIGINT NULL,
  created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (id),
  KEY idx_code (code, id)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin /*T![auto_id_cache] AUTO_ID_CACHE = 1 */;

-- One row, locked by whoever changes the registry or numbers a set of rules: the numbers rise by one a change.
CREATE TABLE IF NOT EXISTS standard_registry (
  id TINYINT NOT NULL PRIMARY KEY,
  revision BIGINT NOT NULL,
  content_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT INTO standard_registry (id, revision)
SELECT 1, COALESCE(MAX(revision), 0) FROM ruleset_revisions;

-- The same rules may be live twice, with others in between: each time has a revision of its own.
ALTER TABLE ruleset_revisions DROP INDEX uq_content;

-- A worker writes only the rows of its own partitions, so that no two workers wait for each other.
CREATE TABLE IF NOT EXISTS standard_shadow_counts (
  code VARCHAR(64) NOT NULL,
  version INT UNSIGNED NOT NULL,
  day DATE NOT NULL,
  source_topic VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source_partition INT NOT NULL,
  violations BIGINT NOT NULL,
  PRIMARY KEY (code, version, day, source_topic, source_partition) /*T![clustered_index] CLUSTERED */
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS standard_replays (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rules VARCHAR(4096) NOT NULL,
  events_from TIMESTAMP(6) NOT NULL,
  events_until TIMESTAMP(6) NOT NULL,
  actor VARCHAR(255) NOT NULL,
  ruleset_revision BIGINT NOT NULL,
  judged BIGINT NOT NULL DEFAULT 0,
  recorded BIGINT NOT NULL DEFAULT 0,
  started_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  finished_at TIMESTAMP(6) NULL,
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

ALTER TABLE metadata_violations
  ADD COLUMN origin ENUM('stream', 'replay') NOT NULL DEFAULT 'stream',
  ADD COLUMN replay_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL;

-- The documents as they were submitted, so that a changed rule can be held against them.
ALTER TABLE submissions
  ADD COLUMN document_contents MEDIUMTEXT NULL;
