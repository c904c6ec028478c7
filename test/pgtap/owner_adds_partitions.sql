-- The owner of a protected partitioned table, without further rights, can still add
-- partitions to it.  They get the triggers of the table.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql

RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner LOGIN;
CREATE SCHEMA bills AUTHORIZATION tap_owner;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE bills.bills (tenant_id uuid, id uuid DEFAULT gen_random_uuid(), month int, updated_at timestamptz, PRIMARY KEY (tenant_id, id, month)) PARTITION BY LIST (month);
CREATE TABLE bills.jan PARTITION OF bills.bills FOR VALUES IN (1);
CREATE TABLE bills.by_tenant (tenant_id uuid, updated_at timestamptz) PARTITION BY LIST (tenant_id);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('bills.bills') AS notes, casnet.protect('bills.by_tenant') AS more \gset
SET LOCAL SESSION AUTHORIZATION tap_owner;
SELECT lives_ok('CREATE TABLE bills.feb PARTITION OF bills.bills FOR VALUES IN (2)', 'a new partition');
SELECT lives_ok('CREATE TABLE bills.mar (LIKE bills.bills INCLUDING ALL)', 'a table');
SELECT lives_ok('ALTER TABLE bills.bills ATTACH PARTITION bills.mar FOR VALUES IN (3)', 'and it as a partition');
SELECT lives_ok(format('CREATE TABLE bills.north PARTITION OF bills.by_tenant FOR VALUES IN (%L)', :'north'), 'a partition by tenant');

-- An audited table is different: its trigger records whatever it is given.
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('bills.bills');
SET LOCAL SESSION AUTHORIZATION tap_owner;
SELECT throws_ok('CREATE TABLE bills.apr PARTITION OF bills.bills FOR VALUES IN (4)', '42501', NULL, 'no partition of an audited table');
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION casnet_internal.record_change() TO tap_owner;
SET LOCAL SESSION AUTHORIZATION tap_owner;
SELECT lives_ok('CREATE TABLE bills.apr PARTITION OF bills.bills FOR VALUES IN (4)', 'unless it may attach the trigger');
SELECT * FROM finish();
ROLLBACK;
