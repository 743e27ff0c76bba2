-- The TIMESTAMP(6) columns are the microsecond rendering of the exact `_ns` columns, clamped to what a
-- TIMESTAMP can hold. `path_key` is the first 16 bytes of sha256(host, NUL, path): with it the newest record
-- of a path is one index look-up, whatever the path's length.
CREATE TABLE IF NOT EXISTS filesystem_timestamps (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  host VARCHAR(255) NOT NULL,
  file_path TEXT NOT NULL,
  path_key BINARY(16) NOT NULL,
  atime TIMESTAMP(6) NOT NULL,
  mtime TIMESTAMP(6) NOT NULL,
  ctime TIMESTAMP(6) NOT NULL,
  atime_ns BIGINT NOT NULL,
  mtime_ns BIGINT NOT NULL,
  ctime_ns BIGINT NOT NULL,
  captured_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  git_commit_sha VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
  git_committed_at TIMESTAMP(6) NULL,
  birthtime_ns BIGINT NULL,
  size_bytes BIGINT NULL,
  inode BIGINT UNSIGNED NULL,
  device BIGINT UNSIGNED NULL,
  sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  platform VARCHAR(64) NULL,
  filesystem_type VARCHAR(64) NULL,
  event_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source_partition INT NOT NULL,
  source_offset BIGINT NOT NULL,
  PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */,
  KEY idx_file_path (file_path(255)),
  KEY idx_mtime (mtime),
  KEY idx_path_newest (path_key, captured_at)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
