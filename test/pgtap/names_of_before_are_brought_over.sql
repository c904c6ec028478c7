-- install() converts the names of older versions.  It leaves and reports those that it
-- cannot convert; doctor() counts them until somebody renames them.
BEGIN;
SELECT plan(28);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS $$SELECT string_agg(object || ' ' || substring(problem FROM '\d+'), ', ') FROM casnet.doctor() WHERE code = 'name-form'$$;
SELECT is(pg_temp.told(), NULL, 'nothing is reported');
-- As an older version left them, which had no such triggers.
SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger WHERE tgname IN ('casnet_canonical_names', 'casnet_kept_names')
\gexec
SET LOCAL session_replication_role = replica;
INSERT INTO casnet.users (id, username, email) VALUES
	('00000000-0000-7000-8000-000000000011', U&' Zoe\0308 ', 'zoe@x.test'), ('00000000-0000-7000-8000-000000000012', U&'zo\00eb', U&'\200bother@x.test'),
	('00000000-0000-7000-8000-000000000013', ' mia', 'mia2@x.test'), ('00000000-0000-7000-8000-000000000014', U&'vic@north.test\200b', 'vic2@x.test');
INSERT INTO casnet.tenants (id, name) VALUES ('00000000-0000-7000-8000-0000000000c0', U&'Bu\0308ro '), ('00000000-0000-7000-8000-0000000000d0', ' North');
INSERT INTO casnet.tags (tenant_id, id, name) VALUES (:'north', '00000000-0000-7000-8000-000000000021', 'North tag '), (:'south', '00000000-0000-7000-8000-000000000022', 'North tag '),
	(:'north', '00000000-0000-7000-8000-000000000023', ' a'), (:'north', '00000000-0000-7000-8000-000000000024', 'a '), (:'north', '00000000-0000-7000-8000-000000000025', U&'\200b');
INSERT INTO casnet.persons (tenant_id, name) SELECT :'north', U&' Jose\0301 ' FROM generate_series(1, 30);
INSERT INTO casnet.persons (tenant_id, id, name) VALUES (:'south', '00000000-0000-7000-8000-000000000031', repeat(U&'\0958', 600));
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id, relation) VALUES (:'north', '00000000-0000-7000-8000-0000000003a0', '00000000-0000-7000-8000-0000000001a0', U&' me\0300re');
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x01', :'north', U&' no\0308@x.test', 'member', :'olga', 'infinity');
SET LOCAL session_replication_role = origin;
SELECT is(pg_temp.told(), 'casnet.persons.name 31, casnet.record_persons.relation 1, casnet.tags.name 5, casnet.tenants.name 2, casnet.users.email 1, casnet.users.username 3, casnet_internal.invitations.email 1', 'names of before are reported');

SELECT isnt(casnet.install(), NULL, 'install()');
SELECT is((SELECT username FROM casnet.users WHERE id = '00000000-0000-7000-8000-000000000011'), U&' Zoe\0308 ', 'a username that another one has stays');
SELECT is((SELECT email FROM casnet.users WHERE id = '00000000-0000-7000-8000-000000000012'), 'other@x.test', 'an address has the form');
SELECT is((SELECT username FROM casnet.users WHERE id = '00000000-0000-7000-8000-000000000013'), ' mia', 'the name of another account stays');
SELECT is((SELECT username FROM casnet.users WHERE id = '00000000-0000-7000-8000-000000000014'), U&'vic@north.test\200b', 'and the address of another account');
SELECT is((SELECT string_agg(name, '|' ORDER BY id) FROM casnet.tenants WHERE id::text ~ '[cd]0$'), U&'B\00fcro| North', 'tenants');
SELECT is((SELECT string_agg(name, '|' ORDER BY id) FROM casnet.tags WHERE id::text ~ '2\d$'), U&'North tag |North tag|a|a |\200b', 'tags, one of two that become the same');
SELECT is((SELECT count(*) FROM casnet.persons WHERE name = U&'Jos\00e9'), 30::bigint, 'persons');
SELECT is((SELECT octet_length(name) FROM casnet.persons WHERE id = '00000000-0000-7000-8000-000000000031'), 1800, 'but for what would be too long');
SELECT is((SELECT relation FROM casnet.record_persons WHERE relation <> 'subject'), U&'m\00e8re', 'relations');
SELECT is((SELECT email FROM casnet_internal.invitations WHERE digest = '\x01'), U&'n\00f6@x.test', 'invitations');
SELECT is(pg_temp.told(), 'casnet.persons.name 1, casnet.tags.name 3, casnet.tenants.name 1, casnet.users.username 3', 'what stays is reported');
SELECT is((SELECT count(DISTINCT updated_at) FROM casnet.users WHERE id::text ~ '1[34]$' AND updated_at > created_at), 0::bigint, 'and was not touched');
SELECT is(diagnosis('name-form'), 'warning casnet.persons.name, warning casnet.tags.name, warning casnet.tenants.name, warning casnet.users.username', 'administrators get the report');
SELECT is(after_remedy('name-form'), 'nothing to paste', 'which takes thought');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'name-form' AND (problem || remedy || object) ~ 'mia|North|000000'), 0::bigint, 'no name and no id is in it');

-- Names that stay are no obstacle.
SELECT is(rows_of('UPDATE casnet.users SET is_active = false WHERE username = '' mia'''), 1::bigint, 'the account can be changed');
SELECT is(rows_of('UPDATE casnet.users SET username = username, full_name = ''Mia'' WHERE username = '' mia'''), 1::bigint, 'also by a client that writes all columns');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(casnet_internal.tag_id('North tag '), '00000000-0000-7000-8000-0000000009a0'::uuid, 'the name is found where it has the form');
SELECT is(rows_of('DELETE FROM casnet.tags WHERE name = ''North tag '''), 1::bigint, 'a tag can be deleted');
SELECT is(rows_of('UPDATE casnet.tags SET name = '' b '' WHERE name = ''a '''), 1::bigint, 'or gets another name');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.tags WHERE name = U&'\200b';
DELETE FROM casnet.users WHERE id::text ~ '1[134]$';
UPDATE casnet.tenants SET name = 'Another' WHERE name = ' North';
UPDATE casnet.persons SET name = 'Short' WHERE name ~ U&'^\0958';
SELECT is(pg_temp.told(), NULL, 'nothing is reported any more');
SELECT isnt(casnet.install(), NULL, 'install() once more');
SELECT is((SELECT string_agg(name, '|' ORDER BY id) FROM casnet.tags WHERE id::text ~ '2\d$'), 'North tag|a|b', 'changes nothing');
-- doctor() reports a table that another role owns.
ALTER TABLE casnet.persons OWNER TO tap_operator;
SELECT isnt(casnet.install(), NULL, 'install() with a table of somebody else');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'owner-other'), 1::bigint, 'which is reported');
SELECT * FROM finish();
ROLLBACK;
