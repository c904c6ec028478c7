-- casnet.doctor() counts the accounts whose password hash is of an older scheme, and says
-- which hashes cost too little or too much.
BEGIN;
SELECT plan(15);
\ir include/fixtures.sql
\ir include/doctor.sql
SELECT is(diagnosis('password-old'), 'notice bcrypt', 'hashes of another system');
SELECT alike((SELECT problem FROM casnet.doctor() WHERE code = 'password-old'), '%of 8 accounts%The first: adam.', 'are counted');
SELECT is(after_remedy('password-old'), 'nothing to paste', 'a login replaces them');
SELECT is(diagnosis('password-cheap'), NULL, 'none is cheap');
SELECT is(diagnosis('password-slow'), NULL, 'or slow');
SELECT is(diagnosis('password-unbearable'), NULL, 'or worse');

UPDATE casnet.users SET hashed_password = CASE username
	WHEN 'olga' THEN '$y$j9T$saltsaltsalt$FFXWS9GcDHTXXTCuaYk/LvwlhspimOF7xVWyAjg94G4'
	WHEN 'adam' THEN '$2b$09$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'
	WHEN 'mia' THEN '$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/'
	WHEN 'vic' THEN '$2b$14$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'
	WHEN 'otto' THEN 'pbkdf2_sha256$600000$saltofdjango$GXsAXiIARylYwzUKJKt/bKm4dARBj0C/K6Vvdnr3Df4='
	WHEN 'ines' THEN '$argon2id$v=19$m=65536,t=3,p=4$c2FsdG9mZGphbmdv$RZwX6qkCX6GHxmSutwP7dw'
	WHEN 'nora' THEN '$argon2id$v=19$m=1048576,t=3,p=4$c2FsdG9mZGphbmdv$RZwX6qkCX6GHxmSutwP7dw' END;
SELECT is(diagnosis('password-old'), 'notice argon2, notice pbkdf2-sha256', 'each scheme, but not that of new hashes');
SELECT is(diagnosis('password-cheap'), 'warning bcrypt, warning sha256-crypt', 'what is cheap to guess');
SELECT is(diagnosis('password-slow'), 'notice bcrypt', 'what takes more than a second');
SELECT is(diagnosis('password-unbearable'), 'warning argon2', 'and what never verifies');
SELECT is((SELECT string_agg(split_part(problem, ': ', 2), ' ' ORDER BY code, object) FROM casnet.doctor() WHERE code LIKE 'password%'),
	'adam. mia. ines. otto. vic. nora.', 'with a name each, and no account without a hash');
SELECT unalike((SELECT string_agg(problem || remedy, ' ') FROM casnet.doctor() WHERE code LIKE 'password%'), '%saltof%', 'and no hash');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code LIKE 'password%'), 6::bigint, 'administrators see the same');
SELECT throws_ok(format('SELECT * FROM casnet_internal.password_scheme(%L)', :'mia'), '42501', NULL, 'and do not look one up by themselves');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SELECT * FROM casnet_internal.doctor_passwords()', '42501', NULL, 'applications do not');
SELECT * FROM finish();
ROLLBACK;
