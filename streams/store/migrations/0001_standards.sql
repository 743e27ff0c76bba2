-- The registry of rules. `id`, `code` and the columns of the design are the contract; every column has a
-- default, so that a person can add a rule with one plain INSERT.
CREATE TABLE IF NOT EXISTS metadata_standards (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code VARCHAR(64) NOT NULL,
  version INT UNSIGNED NOT NULL DEFAULT 1,
  kind ENUM('regex', 'builtin') NOT NULL DEFAULT 'regex',
  applies_to ENUM('filesystem', 'clock', 'submission') NOT NULL,
  category VARCHAR(64) NOT NULL,
  field VARCHAR(160) NOT NULL,
  pattern VARCHAR(4096) NOT NULL,
  match_mode ENUM('must_match', 'must_not_match') NOT NULL DEFAULT 'must_match',
  path_glob VARCHAR(512) NULL,
  required TINYINT(1) NOT NULL DEFAULT 0,
  severity ENUM('info', 'low', 'medium', 'high', 'critical') NOT NULL DEFAULT 'medium',
  status ENUM('draft', 'shadow', 'active', 'suspended', 'retired') NOT NULL DEFAULT 'draft',
  owner VARCHAR(255) NOT NULL DEFAULT '',
  description VARCHAR(2048) NOT NULL DEFAULT '',
  reference VARCHAR(512) NOT NULL DEFAULT '',
  samples JSON NULL,
  effective_from TIMESTAMP(6) NULL,
  effective_until TIMESTAMP(6) NULL,
  created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */,
  UNIQUE KEY uq_code (code)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row a set of rules that ever was live, by content: all workers that hold the same rules name the same
-- revision. `rules` is the gzipped JSON of the set, the last good one for a worker that starts beside a bad table.
CREATE TABLE IF NOT EXISTS ruleset_revisions (
  revision BIGINT NOT NULL AUTO_INCREMENT,
  content_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rules MEDIUMBLOB NOT NULL,
  created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (revision),
  UNIQUE KEY uq_content (content_sha256)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin /*T![auto_id_cache] AUTO_ID_CACHE = 1 */;
