-- Violations counted by four hours, so that a compliance report costs the same at any number of them. The
-- triggers, which only MariaDB gets, keep the counts exact whatever changes a violation; elsewhere the table
-- stays empty and the report counts the violations themselves. `bucket_start` is in seconds since the epoch: a
-- TIMESTAMP would pass through the time zone of whoever changes a row, and twice a year two hours are one there.
-- `shard` keeps writers from waiting for each other's row; a shard's counts may be negative, only sums mean something.
CREATE TABLE IF NOT EXISTS violation_counts (
  bucket_start BIGINT NOT NULL,
  standard_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  shard TINYINT UNSIGNED NOT NULL,
  violation_count BIGINT NOT NULL,
  resolved_count BIGINT NOT NULL,
  PRIMARY KEY (bucket_start, standard_id, shard) /*T![clustered_index] CLUSTERED */
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Off for a writer that adds the counts of its rows by itself, in the same transaction.
/*M!100103 CREATE OR REPLACE TRIGGER violation_counts_insert AFTER INSERT ON metadata_violations FOR EACH ROW
IF COALESCE(@cockpit_counted, 0) <> 1 THEN
  INSERT INTO violation_counts (bucket_start, standard_id, shard, violation_count, resolved_count)
  VALUES (UNIX_TIMESTAMP(NEW.detected_at) DIV 14400 * 14400, NEW.standard_id, CONNECTION_ID() MOD 8,
    1, NEW.status = 'resolved')
  ON DUPLICATE KEY UPDATE
    violation_count = violation_count + VALUES(violation_count),
    resolved_count = resolved_count + VALUES(resolved_count);
END IF */;

/*M!100103 CREATE OR REPLACE TRIGGER violation_counts_update AFTER UPDATE ON metadata_violations FOR EACH ROW
IF OLD.standard_id <> NEW.standard_id OR (OLD.status = 'resolved') <> (NEW.status = 'resolved')
  OR UNIX_TIMESTAMP(OLD.detected_at) DIV 14400 <> UNIX_TIMESTAMP(NEW.detected_at) DIV 14400
THEN
  INSERT INTO violation_counts (bucket_start, standard_id, shard, violation_count, resolved_count)
  VALUES
    (UNIX_TIMESTAMP(OLD.detected_at) DIV 14400 * 14400, OLD.standard_id, CONNECTION_ID() MOD 8,
      -1, -(OLD.status = 'resolved')),
    (UNIX_TIMESTAMP(NEW.detected_at) DIV 14400 * 14400, NEW.standard_id, CONNECTION_ID() MOD 8,
      1, NEW.status = 'resolved')
  ON DUPLICATE KEY UPDATE
    violation_count = violation_count + VALUES(violation_count),
    resolved_count = resolved_count + VALUES(resolved_count);
END IF */;

/*M!100103 CREATE OR REPLACE TRIGGER violation_counts_delete AFTER DELETE ON metadata_violations FOR EACH ROW
INSERT INTO violation_counts (bucket_start, standard_id, shard, violation_count, resolved_count)
VALUES (UNIX_TIMESTAMP(OLD.detected_at) DIV 14400 * 14400, OLD.standard_id, CONNECTION_ID() MOD 8,
  -1, -(OLD.status = 'resolved'))
ON DUPLICATE KEY UPDATE
  violation_count = violation_count + VALUES(violation_count),
  resolved_count = resolved_count + VALUES(resolved_count) */;

-- What was there before the triggers. Workers of an older version may be writing: the locks of this transaction
-- make each of their writes come before it, and be counted here, or after it, and be counted by a trigger.
/*M!100103 SET TRANSACTION ISOLATION LEVEL SERIALIZABLE */;

/*M!100103 START TRANSACTION */;

/*M!100103 DELETE FROM violation_counts */;

/*M!100103 INSERT INTO violation_counts (bucket_start, standard_id, shard, violation_count, resolved_count)
SELECT UNIX_TIMESTAMP(detected_at) DIV 14400 * 14400, standard_id, 0, COUNT(*), SUM(status = 'resolved')
FROM metadata_violations
GROUP BY UNIX_TIMESTAMP(detected_at) DIV 14400, standard_id */;

/*M!100103 COMMIT */;
