-- Length, in bytes, is the only rule; passwords that look the same are the same (NFKC).
BEGIN;
SELECT plan(36);
\ir include/fixtures.sql
\ir include/tokens.sql

SELECT is(state_of(format('SELECT casnet.hash_password(%L)', p)), e, n) FROM (VALUES
	('', '22023', 'empty'), ('1234567', '22023', '7 bytes'), ('12345678', 'none', '8 bytes'), ('        ', 'none', '8 spaces'), ('éééé', 'none', '8 bytes in 4 characters'), ('ééé', '22023', '6 bytes in 3'),
	(repeat('x', 511), 'none', '511 bytes'), (repeat('x', 512), 'none', '512 bytes'), (repeat('x', 600), 'none', '600 bytes'), (repeat('x', 1024), 'none', '1024 bytes'),
	(repeat('x', 1025), '22023', '1025 bytes'), (repeat('é', 513), '22023', '1026 bytes in 513 characters'), (repeat('x', 1000000), '22023', 'a million bytes'), (repeat('ﷺ', 341), 'none', 'which grow eleven-fold by NFKC')) AS v (p, e, n);
SELECT is(casnet.hash_password(NULL), NULL, 'null has none');
SELECT is(error_of('SELECT casnet.hash_password(''hunter2'')'), '22023 | the password is too short |  | A password has 8 to 1024 bytes. | ', 'the message does not quote it');

RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.same(a text, b text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	UPDATE casnet.users SET hashed_password = casnet.hash_password(a) WHERE username = 'nora';
	PERFORM casnet.login('nora', b);
	RETURN true;
EXCEPTION WHEN invalid_password THEN
	PERFORM casnet_internal.login_succeeded('nora');
	RETURN false;
END
$$;
SELECT is(pg_temp.same(a, b), e, n) FROM (VALUES
	(U&'caf\00e9 noir', U&'cafe\0301 noir', true, 'composed and decomposed'), (U&'cafe\0301 noir', U&'caf\00e9 noir', true, 'the other way'),
	(U&'\fb01nancial', 'financial', true, 'a ligature'), (U&'\ff10\ff11\ff12\ff13', '0123', false, 'wide digits, too short if narrow'), (U&'\ff10\ff11\ff12\ff1345678', '012345678', true, 'wide digits'),
	('password', 'Password', false, 'case counts'), ('password', 'password ', false, 'a space counts'), ('password', ' password', false, 'at either end'), ('pässword', 'password', false, 'an accent counts'),
	(repeat('x', 511), repeat('x', 510), false, '511 and 510'), (repeat('x', 600), repeat('x', 600), true, '600 bytes'), (repeat('x', 600), repeat('x', 601), false, '600 and 601'),
	(repeat('x', 599) || 'a', repeat('x', 599) || 'b', false, 'the last of 600'), (repeat('x', 72) || 'abcd', repeat('x', 72) || 'efgh', false, 'beyond the 72 of bcrypt'), (repeat('x', 1024), repeat('x', 1024), true, '1024 bytes')) AS v (a, b, e, n)
 WHERE length(a) > 4;
-- The digest of a long password does not work as a password.
SELECT is(pg_temp.same(repeat('x', 600), encode(sha256(convert_to(repeat('x', 600), 'UTF8')), 'hex')), false, 'the digest of a long one is no password');

-- through the API
UPDATE casnet.users SET hashed_password = casnet.hash_password(U&'caf\00e9 noir') WHERE username = 'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('mia', U&'cafe\0301 noir'), NULL, 'login with the decomposed form');
SELECT casnet.sign_in(casnet.login('mia', U&'caf\00e9 noir')) AS me \gset
SELECT is(state_of(format('SELECT casnet.change_password(%L, %L)', U&'caf\00e9 noir', p)), e, n) FROM (VALUES
	('1234567', '22023', 'not to 7 bytes'), (NULL, '22023', 'not to null'), (repeat('x', 1025), '22023', 'not to 1025 bytes'), (repeat('x', 1024), 'none', 'to 1024 bytes')) AS v (p, e, n);
SELECT * FROM finish();
ROLLBACK;
