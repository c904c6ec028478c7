-- casnet.doctor() on signing keys, owners of tenants, and superusers of the
-- application.
BEGIN;
SELECT plan(38);
\ir include/fixtures.sql
\ir include/doctor.sql
\set jwk '{"kty": "OKP", "crv": "Ed25519", "x": "nmX563dBY9L-tOajIfSLqxoYoVhpHAzcTuAM5kCtWzo"}'

SELECT is(diagnosis('signing-key-missing'), NULL, 'a key');
SELECT casnet.retire_signing_key(kid) FROM casnet_internal.signing_keys WHERE retired_at IS NULL;
SELECT is(diagnosis('signing-key-missing'), 'warning casnet_internal.signing_keys', 'none');
SELECT is(after_remedy('signing-key-missing'), 'silent', 'remedy');

UPDATE casnet_internal.signing_keys SET created_at = now() - interval '364 days';
SELECT is(diagnosis('signing-key-old'), NULL, 'a key of this year');
UPDATE casnet_internal.signing_keys SET created_at = now() - interval '367 days', kid = 'old' WHERE retired_at IS NULL;
SELECT is(diagnosis('signing-key-old'), $$warning 'old'$$, 'an older one');
SELECT is(diagnosis('signing-key-left'), NULL, 'which signs');
SELECT is(after_remedy('signing-key-old'), 'silent', 'remedy');
SELECT is(diagnosis('signing-key-left'), NULL, 'replaced today');
UPDATE casnet_internal.signing_keys SET created_at = now() - interval '31 days' WHERE retired_at IS NULL AND kid <> 'old';
SELECT is(diagnosis('signing-key-left'), $$notice 'old'$$, 'replaced a month ago');
SELECT is(after_reading('signing-key-left'), 'silent', 'remedy');

SELECT is(diagnosis('name-clash'), NULL, 'no username is the address of another account');
ALTER TABLE casnet.users DISABLE TRIGGER casnet_one_namespace;
UPDATE casnet.users SET username = 'olga@north.test' WHERE id = :'adam';
SELECT is(diagnosis('name-clash'), 'warning casnet.users', 'one is');
SELECT is(after_remedy('name-clash'), 'nothing to paste', 'which takes thought');
UPDATE casnet.users SET username = 'adam' WHERE id = :'adam';
ALTER TABLE casnet.users ENABLE TRIGGER casnet_one_namespace;

SELECT casnet.add_signing_key('outer', :'jwk', issuer => 'https://id.test', audience => 'casnet');
SELECT is(diagnosis('signing-key-issuer'), NULL, 'an outside key with an issuer');
SELECT is(diagnosis('signing-key-audience'), NULL, 'and an audience');
SELECT casnet.add_signing_key('outer 2', :'jwk');
SELECT casnet.add_signing_key('outer 3', :'jwk', issuer => 'https://id.test');
SELECT is(diagnosis('signing-key-issuer'), $$warning 'outer 2'$$, 'without issuer');
SELECT is(diagnosis('signing-key-audience'), $$notice 'outer 3'$$, 'without audience');
SELECT is(after_remedy('signing-key-issuer'), 'nothing to paste', 'takes');
SELECT is(after_remedy('signing-key-audience'), 'nothing to paste', 'thought');
SELECT casnet.retire_signing_key('outer 2');
SELECT casnet.retire_signing_key('outer 3');
SELECT is(diagnosis('signing-key-issuer'), NULL, 'retired');
SELECT is(diagnosis('signing-key-audience'), NULL, 'both');

SELECT is(diagnosis('tenant-without-owner'), NULL, 'owners');
INSERT INTO casnet.tenants (id, name) VALUES (:'nowhere', 'Nowhere');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'mia', :'nowhere', 'admin');
SELECT is(diagnosis('tenant-without-owner'), 'warning ' || :'nowhere', 'none');
SELECT is(diagnosis('tenant-owner-inactive'), NULL, 'which is not the same as');
SELECT is(after_remedy('tenant-without-owner'), 'nothing to paste', '(takes thought)');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'ines', :'nowhere', 'owner');
SELECT is(diagnosis('tenant-without-owner'), NULL, 'one');
SELECT is(diagnosis('tenant-owner-inactive'), 'warning ' || :'nowhere', 'who is not active');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'nora', :'nowhere', 'owner');
SELECT is(diagnosis('tenant-owner-inactive'), NULL, 'beside one who is');

UPDATE casnet.users SET is_superuser = true WHERE username IN ('ines', 'olga', 'adam');
SELECT is(diagnosis('application-superusers'), NULL, 'three superusers, and an inactive one');
UPDATE casnet.users SET is_active = true WHERE username = 'ines';
SELECT is(diagnosis('application-superusers'), 'notice casnet.users', 'four');
SELECT matches((SELECT problem FROM casnet.doctor() WHERE code = 'application-superusers'), 'adam, ines, olga, sue', 'by name');

SELECT is(diagnosis('event-unreadable'), NULL, 'events that can be read');
SET LOCAL session_replication_role = replica;
INSERT INTO casnet.calendar_events (id, tenant_id, title, starts_at, time_zone, recurrence_rule) VALUES
	('00000000-0000-7000-8000-00000000e001', :'north', 'x', '2024-01-01', 'UTC', 'weekly'), ('00000000-0000-7000-8000-00000000e002', :'south', 'x', '2024-01-01', 'Mars/North', NULL), ('00000000-0000-7000-8000-00000000e003', :'south', 'x', '2024-01-01', 'UTC', 'FREQ=DAILY');
SET LOCAL session_replication_role = origin;
SELECT is(diagnosis('event-unreadable'), 'warning casnet.calendar_events', 'an old rule and a zone of another server');
SELECT is((SELECT problem FROM casnet.doctor() WHERE code = 'event-unreadable'), 'Events whose time zone or recurrence rule cannot be read: 2, such as 00000000-0000-7000-8000-00000000e001. "weekly" has no value. events_between() fails in their tenants.', 'with one of them');
SELECT is(after_remedy('event-unreadable'), 'nothing to paste', 'which somebody has to change');
DELETE FROM casnet.calendar_events WHERE id::text LIKE '%e00_';

-- While a restore is under way, tables are missing; doctor() still reports the rest.
SELECT is(error_of(format('DROP TABLE %s CASCADE; SELECT * FROM casnet_internal.doctor_data()', t)), 'none', 'without ' || t)
  FROM unnest(ARRAY['casnet_internal.signing_keys', 'casnet.user_tenants', 'casnet.users']) AS t;
SELECT * FROM finish();
ROLLBACK;
