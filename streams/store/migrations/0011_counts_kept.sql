-- A user without the TRIGGER privilege sees no triggers, and so could not tell whether the counts of violations are
-- kept. This function looks with its maker's eyes.
/*M!100103 CREATE OR REPLACE FUNCTION violation_counts_kept() RETURNS INT READS SQL DATA SQL SECURITY DEFINER
RETURN (
  SELECT COUNT(*) = 3
  FROM information_schema.triggers
  WHERE event_object_schema = DATABASE() AND event_object_table = 'metadata_violations'
    AND trigger_name IN ('violation_counts_insert', 'violation_counts_update', 'violation_counts_delete')
) */;
