-- Lower case can compose characters that upper case does not: J with a caron is two
-- characters, its small letter is one.  No two accounts have the same name or address in
-- lower case.  Each account is found however its name is typed.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-0000000031a0', U&'\01F0an', U&'\01F0an@example.org');
SELECT throws_ok($$INSERT INTO casnet.users (username, email) VALUES (U&'J\030Can', 'jan@example.org')$$, '23505', NULL, 'no second username');
SELECT throws_ok($$INSERT INTO casnet.users (username, email) VALUES ('jan', U&'J\030CAN@example.org')$$, '23505', NULL, 'nor address');
SELECT throws_ok($$INSERT INTO casnet.users (username, email) VALUES (U&'J\030CAN@EXAMPLE.org', 'jan2@example.org')$$, '23505', NULL, 'nor a username like an address');
INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-0000000031a1', U&'W\030Aim', U&'W\030Aim@Example.org');
SELECT is((SELECT username FROM casnet.users WHERE id = '00000000-0000-7000-8000-0000000031a1'), U&'\1E98im', 'the capital alone is stored in lower case');
SELECT throws_ok($$INSERT INTO casnet.users (username, email) VALUES (U&'\1E98im', 'wim@example.org')$$, '23505', NULL, 'and clashes with the small one');
INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-0000000031a2', 'Zoë', 'Zoë@Example.org');
SELECT is((SELECT username || ' ' || email FROM casnet.users WHERE id = '00000000-0000-7000-8000-0000000031a2'), 'Zoë Zoë@Example.org', 'other names keep their capitals');
SELECT is((SELECT count(*) FROM casnet.users WHERE lower(username) !~ '^[ -~]*$' AND NOT lower(username) IS NFC NORMALIZED), 0::bigint, 'lower case is composed');

-- Functions find them alike.
SELECT is(casnet_internal.account_name_form(n), f, 'form of ' || n) FROM (VALUES (U&'J\030CAN', U&'\01F0an'), (U&'\0399\0308\0301a', U&'\0390a'), ('Ada', 'Ada'), (U&' e\0301va ', U&'\00E9va')) AS v (n, f);
SELECT is((casnet.find_user(n)).user_id, id::uuid, 'find_user() of ' || n)
  FROM (VALUES (U&'J\030CAN', '00000000-0000-7000-8000-0000000031a0'), (U&'j\030Can', '00000000-0000-7000-8000-0000000031a0'), (U&'W\030AIM@EXAMPLE.ORG', '00000000-0000-7000-8000-0000000031a1'), ('ZOË', '00000000-0000-7000-8000-0000000031a2')) AS v (n, id);
SELECT casnet.set_password('00000000-0000-7000-8000-0000000031a0', 'correct horse battery');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT isnt(casnet.login(n, 'correct horse battery'), NULL, 'login as ' || n) FROM unnest(ARRAY[U&'\01F0an', U&'J\030CAN', U&'J\030can@example.ORG']) AS n;
CALL be('olga', 'North');
SELECT lives_ok($$SELECT casnet.add_member(U&'J\030CAN', 'viewer')$$, 'add_member()');
SELECT is((SELECT user_id FROM casnet.members() WHERE username = U&'\01F0an'), '00000000-0000-7000-8000-0000000031a0'::uuid, 'adds that one');
SELECT casnet.invite_member(U&'\1E98im@EXAMPLE.org', 'viewer') AS code \gset
SET LOCAL casnet.user_id = '00000000-0000-7000-8000-0000000031a2';
SELECT throws_ok(format('SELECT casnet.accept_invitation(%L)', :'code'), NULL, NULL, 'another account accepts no invitation');
SET LOCAL casnet.user_id = '00000000-0000-7000-8000-0000000031a1';
SELECT lives_ok(format('SELECT casnet.accept_invitation(%L)', :'code'), 'but that of the address');

-- install() converts what an older version stored, unless it clashes.
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.users DISABLE TRIGGER casnet_canonical_names;
ALTER TABLE casnet.users DISABLE TRIGGER casnet_kept_names;
INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-0000000031b0', U&'T\0308om', 'tom@example.org'), ('00000000-0000-7000-8000-0000000031b1', U&'J\030Can', 'other@example.org');
SET LOCAL client_min_messages = error;
SELECT casnet.install() IS NOT NULL AS done \g /dev/null
SELECT results_eq($$SELECT username FROM casnet.users WHERE id IN ('00000000-0000-7000-8000-0000000031b0', '00000000-0000-7000-8000-0000000031b1') ORDER BY id$$, ARRAY[U&'\1E97om', U&'J\030Can'], 'install() brings over what clashes with none');
SELECT * FROM finish();
ROLLBACK;
