-- Users of the database, each with the least that it needs: for `cockpit users create`, which puts the accounts' names
-- in place of 'cockpit_…'@'%', and for people who rather run it by hand in the product's database. What runs on
-- MariaDB alone is in its comments. Tables are named without their database: it is the one in use.

-- name: account
CREATE USER IF NOT EXISTS 'cockpit'@'%' IDENTIFIED BY 'password';

-- name: password
ALTER USER 'cockpit'@'%' IDENTIFIED BY 'password' REQUIRE NONE;

-- name: migrator
-- Changes the schema and drops nothing; triggers run with what it may. No other database, no users, no files.
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, TRIGGER ON * TO 'cockpit_migrator'@'%';
/*M!100103 GRANT CREATE ROUTINE, ALTER ROUTINE, EXECUTE ON * TO 'cockpit_migrator'@'%' */;

-- name: worker
-- Reads all, adds events and what is found in them, moves states, and deletes announcements that were sent.
GRANT SELECT ON schema_migrations TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON metadata_standards TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON standard_versions TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT ON standard_history TO 'cockpit_worker'@'%';
GRANT SELECT, UPDATE ON standard_registry TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT ON ruleset_revisions TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON standard_shadow_counts TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON standard_replays TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT ON filesystem_timestamps TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT ON clock_sync_status TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON clock_states TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON clock_peer_alerts TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT ON submissions TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON metadata_violations TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON violation_counts TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON violation_incidents TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT ON violation_transitions TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON violation_waivers TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, DELETE ON outbox TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT ON query_metrics TO 'cockpit_worker'@'%';
GRANT SELECT, INSERT, UPDATE ON tiflash_canary TO 'cockpit_worker'@'%';
/*M!100103 GRANT EXECUTE ON FUNCTION violation_counts_kept TO 'cockpit_worker'@'%' */;

-- name: reader
-- Reports and dashboards: everything but messages that are on their way.
GRANT SELECT ON schema_migrations TO 'cockpit_reader'@'%';
GRANT SELECT ON metadata_standards TO 'cockpit_reader'@'%';
GRANT SELECT ON standard_versions TO 'cockpit_reader'@'%';
GRANT SELECT ON standard_history TO 'cockpit_reader'@'%';
GRANT SELECT ON standard_registry TO 'cockpit_reader'@'%';
GRANT SELECT ON ruleset_revisions TO 'cockpit_reader'@'%';
GRANT SELECT ON standard_shadow_counts TO 'cockpit_reader'@'%';
GRANT SELECT ON standard_replays TO 'cockpit_reader'@'%';
GRANT SELECT ON filesystem_timestamps TO 'cockpit_reader'@'%';
GRANT SELECT ON clock_sync_status TO 'cockpit_reader'@'%';
GRANT SELECT ON clock_states TO 'cockpit_reader'@'%';
GRANT SELECT ON clock_peer_alerts TO 'cockpit_reader'@'%';
GRANT SELECT ON submissions TO 'cockpit_reader'@'%';
GRANT SELECT ON metadata_violations TO 'cockpit_reader'@'%';
GRANT SELECT ON violation_counts TO 'cockpit_reader'@'%';
GRANT SELECT ON violation_incidents TO 'cockpit_reader'@'%';
GRANT SELECT ON violation_transitions TO 'cockpit_reader'@'%';
GRANT SELECT ON violation_waivers TO 'cockpit_reader'@'%';
GRANT SELECT ON query_metrics TO 'cockpit_reader'@'%';
GRANT SELECT ON tiflash_canary TO 'cockpit_reader'@'%';
/*M!100103 GRANT EXECUTE ON FUNCTION violation_counts_kept TO 'cockpit_reader'@'%' */;

-- name: tables
SELECT LOWER(table_name) AS name FROM information_schema.tables WHERE table_schema = DATABASE();
