-- A name is stored in Unicode NFC, without invisible characters around it, however the row
-- is written.  Lookups use the same form.
BEGIN;
SELECT plan(111);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
-- One name as it can be typed: composed, decomposed, in disorder, in part, with blanks.
CREATE TABLE public.typed AS SELECT * FROM (VALUES (1, U&'Zo\00eb B\1ed9'), (2, U&'Zoe\0308 Bo\0323\0302'), (3, U&'Zoe\0308 Bo\0302\0323'),
	(4, U&'Zo\00eb B\00f4\0323'), (5, U&' \00a0Zo\00eb B\1ed9\200b\000a'), (6, U&'\feff\2060Zoe\0308 Bo\0323\0302\00ad\fe0f')) AS v (n, name);
GRANT SELECT ON public.typed TO PUBLIC;
\set zoe '(SELECT name FROM public.typed WHERE n = 1)'

-- Rows that administrators write.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok(format('INSERT INTO casnet.users (username, email) VALUES (%L, %L)', name, name || '@x.test'), 'an account') FROM public.typed WHERE n = 6;
SELECT is((SELECT username FROM casnet.users WHERE username ~ '^Zo'), :zoe, 'has the form');
SELECT is((SELECT email FROM casnet.users WHERE username ~ '^Zo'), U&'Zo\00eb B\1ed9\00ad\fe0f@x.test', 'what is inside the address stays');
SELECT is(state_of(format('INSERT INTO casnet.users (username, email) VALUES (%L, ''other@x.test'')', name)), '23505', 'it is one account, typed as ' || n) FROM public.typed;
SELECT is(state_of(format('INSERT INTO casnet.users (username, email) VALUES (upper(%L), ''other@x.test'')', name)), '23505', 'in upper case, too, typed as ' || n) FROM public.typed;
SELECT is(state_of(format('INSERT INTO casnet.users (username, email) VALUES (''other'', %L)', name)), '23505', 'nor may it be an address, typed as ' || n) FROM public.typed;
UPDATE casnet.users SET email = E' \t zoe@x.test ' WHERE username ~ '^Zo';
SELECT is((SELECT email FROM casnet.users WHERE username ~ '^Zo'), 'zoe@x.test', 'an updated address');
INSERT INTO casnet.tenants (name) VALUES (U&'\3000Stra\00dfe e\0301 \2800');
SELECT is((SELECT name FROM casnet.tenants WHERE name ~ '^Str'), U&'Stra\00dfe \00e9', 'a tenant');
SELECT is(state_of($$INSERT INTO casnet.tenants (name) VALUES (U&'Stra\00dfe \00e9')$$), '23505', 'has its name alone');
SELECT is(error_of(format('INSERT INTO casnet.tenants (name) VALUES (%L)', ' ' || :'south' || U&'\200b')),
	'23514 | the name of the tenant is a UUID |  | Give another name: casnet.use_tenant() takes a UUID for the id of a tenant. | ', 'blanks around an id make no name');

-- Rows that users write.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO casnet.tags (name) SELECT name FROM public.typed ON CONFLICT (tenant_id, name) DO NOTHING;
SELECT results_eq('SELECT name FROM casnet.tags WHERE name ~ ''^Zo''', 'SELECT name FROM public.typed WHERE n = 1', 'one tag of all these names');
SELECT is(state_of(format('INSERT INTO casnet.tags (name) VALUES (%L)', name)), '23505', 'no second one, typed as ' || n) FROM public.typed;
UPDATE casnet.tags SET name = U&' u\0308ber ' WHERE name = 'North tag';
SELECT is((SELECT count(*) FROM casnet.tags WHERE name = U&'\00fcber'), 1::bigint, 'an update');
MERGE INTO casnet.tags AS t USING (VALUES (U&'\00fcber')) AS v (name) ON t.name = v.name WHEN MATCHED THEN UPDATE SET name = U&'a\030arger\200d';
SELECT is((SELECT count(*) FROM casnet.tags WHERE name = U&'\00e5rger'), 1::bigint, 'MERGE');
INSERT INTO casnet.tags (name) VALUES (U&'o\0308') ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name;
INSERT INTO casnet.tags (name) VALUES (U&' \00f6') ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name || U&'x\0323 ';
SELECT is((SELECT count(*) FROM casnet.tags WHERE name = U&'\00f6x\0323'), 1::bigint, 'ON CONFLICT DO UPDATE');
COPY casnet.persons_load (name) FROM stdin;
  Jose\xcc\x81  
\xe2\x80\x8bJos\xc3\xa9\xc2\xad
\.
COPY casnet.tags_load (name) FROM stdin;
 e\xcc\x81 
\.
SELECT results_eq('SELECT name FROM casnet.persons WHERE name ~ ''^Jos''', $$VALUES (U&'Jos\00e9'), (U&'Jos\00e9')$$, 'COPY of persons');
SELECT is((SELECT count(*) FROM casnet.tags WHERE name = U&'\00e9'), 1::bigint, 'and of tags');
UPDATE casnet.persons SET date_of_birth = '2001-02-03' WHERE name = U&'Jos\00e9';
SELECT is((SELECT count(*) FROM casnet.persons WHERE name = U&'Jos\00e9' AND date_of_birth = '2001-02-03'), 2::bigint, 'an update of something else');

-- Functions that look up a name, or make one.
SELECT is(rows_of(format('SELECT FROM casnet.search_persons(%L)', p)), 2::bigint, 'search_persons() ' || n) FROM (VALUES (1, U&'S\00e9'), (2, U&'se\0301'), (3, U&' \feffos\00e9\200b')) AS v (n, p);
SELECT is(casnet.tag_record('00000000-0000-7000-8000-0000000001a0', VARIADIC array_agg(name)), 1, 'tag_record()') FROM public.typed;
SELECT is(casnet.tags_of('00000000-0000-7000-8000-0000000001a0'), ARRAY[:zoe, U&'\00e5rger']::text[], 'gives the record that tag');
SELECT is(casnet_internal.tag_id(name), (SELECT t.id FROM casnet.tags AS t WHERE t.name = :zoe), 'tag_id() as ' || n) FROM public.typed;
SELECT is(rows_of(format('SELECT FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY[%L]))', name)), 1::bigint, 'records_tagged() planned away, as ' || n) FROM public.typed;
SELECT is(rows_of(format('SELECT casnet.records_tagged(ARRAY[%L])', name)), 1::bigint, 'and run, as ' || n) FROM public.typed;
SELECT is(casnet.tag_records(ARRAY['00000000-0000-7000-8000-0000000002a0']::uuid[], ARRAY[U&' Zoe\0308 Bo\0323\0302']), 1::bigint, 'tag_records()');
SELECT is(casnet.untag_record('00000000-0000-7000-8000-0000000002a0', U&'Zoe\0308 Bo\0323\0302 '), 1, 'untag_record()');
SELECT lives_ok($$SELECT casnet.rename_tag(U&'Zoe\0308 Bo\0323\0302', U&' Chloe\0308\2003')$$, 'rename_tag()');
SELECT is((SELECT count(*) FROM casnet.tags WHERE name = U&'Chlo\00eb'), 1::bigint, 'by both names');
SELECT is(casnet.merge_tags(U&' Chloe\0308', U&'e\0301'), 1::bigint, 'merge_tags()');

SELECT lives_ok(format('SELECT casnet.add_member(%L)', name), 'add_member()') FROM public.typed WHERE n = 2;
SELECT is(state_of(format('SELECT casnet.add_member(%L)', name)), '23505', 'once, typed as ' || n) FROM public.typed;
SELECT is(casnet_internal.find_user(upper(name)), (SELECT user_id FROM casnet.members() WHERE username = :zoe), 'find_user() as ' || n) FROM public.typed;
SELECT lives_ok(format('SELECT casnet.set_member_role(%L, ''viewer'')', name), 'set_member_role() as ' || n) FROM public.typed;
SELECT is(casnet.use_tenant(casnet.create_tenant(U&' Bu\0308ro \200f')::text), casnet.use_tenant(U&'B\00fcro'), 'create_tenant() and use_tenant()');
SELECT is(casnet.use_tenant(name), casnet.use_tenant(U&'B\00fcro'), 'by each form: ' || n) FROM (VALUES (1, U&'Bu\0308ro'), (2, U&'\00a0Bu\0308ro ')) AS v (n, name);
SELECT is(casnet.use_tenant(' ' || :'north' || ' '), :'north'::uuid, 'and an id');
SELECT casnet.invite_member(U&' n\00f6ra@X.test\0009') AS code \gset
SELECT is((SELECT email FROM casnet.invitations()), U&'n\00f6ra@x.test', 'invite_member()');
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET email = U&'N\00f6ra@x.test' WHERE id = :'nora';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('nora');
SELECT is(casnet.accept_invitation(:'code'), :'north'::uuid, 'and accept_invitation()');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.create_user(U&' Ka\030atja ', U&'ka\030atja@x.test', 'correct horse') AS katja \gset
SELECT is((SELECT username || ' ' || email FROM casnet.users WHERE id = :'katja'), U&'K\00e5tja k\00e5tja@x.test', 'create_user()');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT isnt(casnet.login(name, 'correct horse'), NULL, 'login() as ' || n) FROM (VALUES (1, U&'k\00e5tja'), (2, U&'KA\030aTJA\200b'), (3, U&' ka\030atja@x.test')) AS v (n, name);

-- Names without any visible character.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(error_of(format('INSERT INTO casnet.users (username, email) VALUES (%L, ''y@x.test'')', U&'\200b ')), '23514 | column username of table users is blank |  | Give a name with at least one visible character. | ', 'a blank username');
SELECT is(error_of(format('UPDATE casnet.users SET email = %L', U&'\00ad')), '23514 | column email of table users is blank |  | Give a name with at least one visible character. | ', 'an address');
SELECT is(state_of(format('INSERT INTO casnet.tenants (name) VALUES (%L)', U&'\3164')), '23514', 'a tenant');
SELECT is(state_of(format('SELECT casnet.create_tenant(%L)', U&'\2800')), '22023', 'for create_tenant()');
SELECT is(state_of(format('SELECT casnet.create_user(%L, ''y@x.test'', NULL)', U&'\200d')), '22023', 'for create_user()');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(state_of(format('INSERT INTO casnet.%s (name) VALUES (%L)', t, U&'\feff\200b')), '23514', 'in ' || t) FROM unnest(ARRAY['tags', 'persons', 'tags_load', 'persons_load']) AS t;
SELECT is(state_of(format('SELECT %s(%L)', f, U&'\feff\200b')), '22023', f) FROM unnest(ARRAY['casnet.invite_member', 'casnet_internal.search_part']) AS f;
SELECT is(state_of(format('SELECT casnet.tag_record(''00000000-0000-7000-8000-0000000001a0'', %L)', U&'\feff\200b')), '22023', 'tag_record()');
SELECT is(state_of(format('SELECT casnet.%s', f)), 'P0002', f || ' finds nobody') FROM unnest(ARRAY['add_member(U&''\200b'')', 'remove_member('' '')', 'use_tenant(U&''\2800'')']) AS f;
SELECT is(state_of('INSERT INTO casnet.tags (name) VALUES (NULL)'), '23502', 'NULL is for the table to refuse');
SELECT * FROM finish();
ROLLBACK;
