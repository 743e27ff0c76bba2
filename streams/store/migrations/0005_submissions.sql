-- `claim` is the submission_id for the content that came first under it and NULL for everything else
-- (conflicts, dry runs): the unique key lets one content own a submission_id, whatever two workers do.
CREATE TABLE IF NOT EXISTS submissions (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  submission_id VARCHAR(128) NOT NULL,
  claim VARCHAR(128) NULL,
  content_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  submitter VARCHAR(255) NOT NULL,
  submitted_at TIMESTAMP(6) NOT NULL,
  dry_run TINYINT(1) NOT NULL,
  documents INT UNSIGNED NOT NULL,
  verdict ENUM('accepted', 'rejected', 'error') NOT NULL,
  reason VARCHAR(32) NOT NULL,
  verdict_document MEDIUMTEXT NOT NULL,
  event_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source_partition INT NOT NULL,
  source_offset BIGINT NOT NULL,
  decided_at TIMESTAMP(6) NOT NULL,
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */,
  UNIQUE KEY uq_claim (claim),
  KEY idx_submission (submission_id)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
