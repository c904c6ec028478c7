-- Hashes of older systems verify and are replaced at the first login.  Unknown hashes are
-- refused.
BEGIN;
SELECT plan(62);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
-- all of 'correct horse', by crypt(3) with a fixed salt
CREATE TABLE public.old_hash AS SELECT * FROM (VALUES
	('$2b$', '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'),
	('$2a$', '$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'),
	('$2y$', '$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'),
	('$5$ of few rounds', '$5$rounds=1000$saltsalt$R6e4P8ccT9iMqkYg7Z8YtpId/lfsIfnuPkp8WXposU8'),
	('$6$ of few rounds', '$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi.HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4NOfU8BmqFPrpGqwA1'),
	('$5$', '$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/'),
	('$y$ of low cost', '$y$j75$saltsaltsalt$zQziiNee/3jd.PJJvsNgy7GH5uO3HbsUNcQ3Jsopj2B')) AS v (scheme, hash);
GRANT SELECT ON public.old_hash TO PUBLIC;
INSERT INTO casnet.users (username, email, hashed_password)
SELECT 'user ' || scheme, scheme || '@old.test', hash FROM old_hash;
CREATE FUNCTION pg_temp.written(hash text) RETURNS text LANGUAGE sql AS $$
	SELECT public.error_of(format('UPDATE casnet.users SET hashed_password = %L WHERE username = ''nora''', hash))
$$;
SELECT is(left(pg_temp.written(hash || 'x'), 5), '22023', scheme || ' with something behind it is none') FROM old_hash;
SELECT is(left(pg_temp.written(hash), 5), '22023', 'is no hash: ' || hash) FROM unnest(ARRAY['$1$saltsalt$NuzA7WTAelpl95xgBGWN60', 'abhfCpXqd4GrI', '$7$CU..../....saltsaltsalt$gjzAlnDYkkg3ZeAuY.AduFwcmTTXJlfh0R2a95o5tK/',
	'$gy$j9T$saltsaltsalt$V902Gt2U2.phVCrZlmreJkiKzono9N931nWTw0iMdB8', '', '*', '!', '*0', '$y$', '$2b$04$', '$6$', '$y$j9T$', 'correct horse', '$casnet$', '$y$ my long password of forty-three letters, all told.']) AS hash;
SELECT ok(pg_temp.written('a plain password') !~ 'plain password', 'and is not quoted');
SELECT is(pg_temp.written(NULL), 'none', 'null is no password');

\ir include/verifies.sql
SELECT ok(NOT pg_temp.verifies('Correct horse', hash), scheme || ' refuses') FROM old_hash;
SELECT ok(NOT pg_temp.verifies(password, NULL), 'no hash refuses') FROM unnest(ARRAY['', NULL]) AS password;
-- All of 'password 123', with costs that nobody should have to wait for.
SELECT ok(NOT pg_temp.verifies('password 123', hash), 'costs too much: ' || hash) FROM (VALUES
	('$2a$16$aaaaaaaaaaaaaaaaaaaaaOBHQF3YzWlpC9Lxa2TYsCBxvh72mEL92'),
	('$5$rounds=5000001$saltsalt$Z4eSKNoBJYOW/N.pVnfcx9LoTfUvD1QeA2UBl23J9g7'),
	('$6$rounds=5000001$saltsalt$02hSxtTsEw6FTDdn0MRWDKbWJ32pmX.g5O2pIRyB5EPfzIrSqgVVybTWwDG/iVFYuwaHJs7Hxyiwc/bqG01rf/'),
	('$y$jG5$saltsaltsalt$7hPbueX8e.wTBKiR9aQpItx5Z7xvFSCWbpJuYT9g568'),
	('$y$jFU$saltsaltsalt$/wSmURtlN0OfXDLxEGG7od2mQBLfvqoAl9Ww4q95fe6'),
	-- cheap ones, of a kind that can cost more
	('$y$.75$saltsaltsalt$8oo5ZLyWNICf14pAr5g9cKwkwpQ1nw9a0kW5YVEi/LB'),
	('$y$j75.1$saltsaltsalt$099ovCgOWT7n2yyIzliHCjmzMpos/FXLTOfABRKb2SC')) AS v (hash);
SELECT ok(pg_temp.verifies('password 123', hash), 'costs as much as it may: ' || hash) FROM (VALUES
	('$5$aaaaaaa99999999$9Ji3SvuSmPj5u9RmL5uoVu9PHtB0MvJ1hTxnZFO4fR3'),	-- a salt, and no rounds
	('$2a$15$abcdefghijklmnopqrstuueRmsIJdzNpqDRDGDqNHFOmpxMEHY6WS'),
	('$y$j95$saltsaltsalt$F0zPPVWvln6Cs2Clvyg7M6r1rn.NABN3NNXD5WrAiy3')) AS v (hash);
SELECT matches(casnet.hash_password('correct horse'), '^\$y\$j9T\$[./0-9A-Za-z]{20,}\$[./0-9A-Za-z]{43}$', 'a new hash is yescrypt');
SELECT isnt(casnet.hash_password('correct horse'), casnet.hash_password('correct horse'), 'with a salt of its own');

SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('user ' || scheme, 'correct horse'), NULL, 'login with ' || scheme) FROM old_hash;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(left(hash, 7), ' ') FROM casnet_internal.password_hashes WHERE user_id = u.id), '$y$j9T$', scheme || ' was replaced')
  FROM old_hash JOIN casnet.users AS u ON u.username = 'user ' || scheme;
-- In a read-only transaction a login works and replaces no hash.
UPDATE casnet.users SET hashed_password = (SELECT hash FROM old_hash WHERE scheme = '$2b$') WHERE username = 'mia';
SAVEPOINT a;
SET LOCAL transaction_read_only = on;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('mia', 'correct horse'), NULL, 'a login that may not write');
ROLLBACK TO a;

CREATE TEMP TABLE kept AS SELECT id FROM casnet_internal.password_hashes;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('user ' || scheme, 'correct horse'), NULL, 'once more') FROM old_hash LIMIT 1;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM kept JOIN casnet_internal.password_hashes USING (id)), (SELECT count(*) FROM kept), 'a new hash stays');

SELECT * FROM finish();
ROLLBACK;
