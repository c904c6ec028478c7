-- users.hashed_password takes a hash and stores a mark.  However a row is written, it gets
-- only its own hash, and a row that is not written leaves nothing.
BEGIN;
SELECT plan(36);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
\set first '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'
\set second '$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/'
CREATE FUNCTION public.hash_of(name text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT coalesce((SELECT hash FROM casnet_internal.password_hashes WHERE user_id = u.id ORDER BY coalesce(replaces, id) DESC, id DESC LIMIT 1), 'none')
	  FROM casnet.users AS u WHERE u.username = name
$$;
CREATE FUNCTION public.rows_left() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM casnet_internal.password_hashes WHERE user_id NOT IN (SELECT id FROM public.who)';
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE FUNCTION pg_temp.mark_of(name text) RETURNS text LANGUAGE sql AS 'SELECT hashed_password FROM casnet.users WHERE username = name';

INSERT INTO casnet.users (username, email, hashed_password) VALUES ('one', 'one@x', :'first'), ('two', 'two@x', :'second'), ('three', 'three@x', NULL);
SELECT is(array_agg(hash_of(n)), ARRAY[:'first', :'second', 'none'], 'INSERT of several rows') FROM unnest('{one,two,three}'::text[]) AS n;
SELECT matches(pg_temp.mark_of('one'), '^[$]casnet[$][0-9a-f]{8}-[0-9a-f-]{27}$', 'a mark');
SELECT isnt(pg_temp.mark_of('one'), pg_temp.mark_of('two'), 'each its own');
SELECT is((SELECT count(*) FROM casnet.users WHERE hashed_password LIKE '$2b$%' OR hashed_password LIKE '$5$%'), 0::bigint, 'no hash');
SELECT throws_ok('TABLE casnet_internal.password_hashes', '42501', NULL, 'nor is it read where it is');

UPDATE casnet.users SET hashed_password = :'second' WHERE username IN ('one', 'three');
SELECT is(array_agg(hash_of(n)), ARRAY[:'second', :'second'], 'UPDATE of several rows') FROM unnest('{one,three}'::text[]) AS n;
UPDATE casnet.users SET hashed_password = hashed_password, full_name = 'One' WHERE username = 'one';
SELECT is(hash_of('one'), :'second', 'the mark written back, as with the whole row');
SELECT pg_temp.mark_of('two') AS two \gset
UPDATE casnet.users SET hashed_password = :'two' WHERE username = 'two';
SELECT is(hash_of('two'), :'second', 'also as a value');
SELECT throws_ok(format('UPDATE casnet.users SET hashed_password = %L WHERE username = ''one''', :'two'), '22023', 'hashed_password cannot be the mark of another account', 'the mark of another');
SELECT throws_ok($$UPDATE casnet.users SET hashed_password = '$casnet$01a225ec-0246-743d-8103-f2816051c3f0' WHERE username = 'one'$$, '22023', 'hashed_password cannot be the mark of another account', 'one of nobody');
SELECT throws_ok(format('UPDATE casnet.users SET hashed_password = %L', p), '22023', 'hashed_password must be the hash of a password', 'no hash: ' || left(p, 12))
  FROM unnest(ARRAY['', 'battery staple', '$casnet$', '$casnet$x', '$2b$', '$y$j9T$', '$1$saltsalt$NuzA7WTAelpl95xgBGWN60', repeat('$5$', 200), :'first' || '.']) AS p;
SELECT ok(error_of('INSERT INTO casnet.users (username, email, hashed_password) VALUES (''x'', ''x'', ''battery staple'')') !~ 'battery', 'which is not quoted');
UPDATE casnet.users SET hashed_password = NULL WHERE username = 'three';
SELECT is(hash_of('three'), 'none', 'NULL takes it away');

INSERT INTO casnet.users (username, email, hashed_password) VALUES ('one', 'one@x', :'first') ON CONFLICT (username) DO NOTHING;
SELECT is(hash_of('one'), :'second', 'ON CONFLICT DO NOTHING');
INSERT INTO casnet.users (username, email, hashed_password) VALUES ('one', 'one@x', :'first'), ('four', 'four@x', :'first')
	ON CONFLICT (username) DO UPDATE SET hashed_password = excluded.hashed_password;
SELECT is(array_agg(hash_of(n)), ARRAY[:'first', :'first'], 'ON CONFLICT DO UPDATE, and the row without one') FROM unnest('{one,four}'::text[]) AS n;
INSERT INTO casnet.users (username, email, hashed_password) VALUES ('one', 'one@x', :'second') ON CONFLICT (username) DO UPDATE SET full_name = 'Two';
SELECT is(hash_of('one'), :'first', 'ON CONFLICT DO UPDATE of something else');
MERGE INTO casnet.users AS u USING (VALUES ('one', :'second'), ('five', :'second')) AS v (name, hash) ON u.username = v.name
	WHEN MATCHED THEN UPDATE SET hashed_password = v.hash WHEN NOT MATCHED THEN INSERT (username, email, hashed_password) VALUES (v.name, v.name, v.hash);
SELECT is(array_agg(hash_of(n)), ARRAY[:'second', :'second'], 'MERGE') FROM unnest('{one,five}'::text[]) AS n;
-- COPY FROM is for roles that no policy binds.
RESET SESSION AUTHORIZATION;
COPY casnet.users (username, email, hashed_password) FROM STDIN;
six	six@x	$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/
seven	seven@x	\N
\.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(array_agg(hash_of(n)), ARRAY[:'second', 'none'], 'COPY') FROM unnest('{six,seven}'::text[]) AS n;

-- A rollback leaves nothing, in the table or in memory.
SAVEPOINT a;
UPDATE casnet.users SET hashed_password = :'first' WHERE username = 'two';
SELECT pg_temp.mark_of('two') AS undone \gset
SELECT is(hash_of('two'), :'first', 'in a savepoint');
ROLLBACK TO a;
SELECT is(hash_of('two'), :'second', 'rolled back');
SELECT is(state_of(format('UPDATE casnet.users SET hashed_password = %L WHERE username = ''two''', :'undone')), '22023', 'with its mark');
SELECT is(state_of(format('UPDATE casnet.users SET hashed_password = %L WHERE username = ''two''', pg_temp.mark_of('six'))), '22023', 'a mark serves once');
-- A mark in a new row stays, and gives it no other row's hash.
INSERT INTO casnet.users (username, email, hashed_password) SELECT 'eight', 'eight', hashed_password FROM casnet.users WHERE username = 'two';
SELECT is(pg_temp.mark_of('eight') || hash_of('eight'), :'two' || 'none', 'a mark that is inserted');
SELECT rows_left() AS before \gset
DELETE FROM casnet.users WHERE username IN ('one', 'two', 'eight');
SELECT is(rows_left(), (:before - 2)::bigint, 'hashes go with their account');
SELECT is(rows_of('SELECT * FROM casnet.users'), (SELECT count(id) FROM casnet.users), 'and SELECT * works');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(rows_of('SELECT * FROM casnet.users'), (SELECT count(id) FROM casnet.users), 'for applications, too');
SELECT throws_ok('UPDATE casnet.users SET hashed_password = hashed_password', '42501', NULL, 'which do not write it');
RESET SESSION AUTHORIZATION;
ANALYZE casnet_internal.signing_keys, casnet_internal.password_hashes, casnet.users;
SELECT is((SELECT count(*) FROM pg_stats WHERE schemaname IN ('casnet', 'casnet_internal') AND (attname IN ('key', 'hash', 'digest', 'spared') OR attname = 'hashed_password' AND most_common_vals::text LIKE '%$2b$%')), 0::bigint, 'and no statistics have one');
SELECT * FROM finish();
ROLLBACK;
