-- install() moves hashes that users contains, for example after triggers were disabled.  No
-- password is lost, and no hash stays where it can be read.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
\ir include/doctor.sql
DROP TRIGGER casnet_take_password ON casnet.users;
DROP TRIGGER casnet_keep_password ON casnet.users;
DROP TRIGGER casnet_end_invitations ON casnet.users;
DROP TRIGGER casnet_end_invitations ON casnet.user_tenants;
DROP TABLE casnet_internal.password_hashes;
UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username = 'mia';
UPDATE casnet.users SET hashed_password = 'what no system knows' WHERE username = 'vic';
UPDATE casnet.users SET hashed_password = NULL WHERE username = 'nora';
SELECT is((SELECT string_agg(object, ', ') FROM casnet.doctor() WHERE code = 'password-hash-left'), 'casnet.users', 'doctor() reports hashes');

SELECT isnt(casnet.install(), NULL, 'install()');
SELECT is((SELECT count(*) FROM casnet.users WHERE hashed_password !~ '^[$]casnet[$]'), 0::bigint, 'no hash is left');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'password-hash-left'), 0::bigint, 'and none is reported');
SELECT is((SELECT hash FROM casnet_internal.password_hashes WHERE user_id = :'vic'), 'what no system knows', 'each is kept');
SELECT is((SELECT hashed_password FROM casnet.users WHERE username = 'nora'), NULL, 'and so is NULL');
SELECT is((SELECT count(*) FROM casnet_internal.password_hashes), 2::bigint, 'one row for each');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT isnt(casnet.login('mia', 'correct horse'), NULL, 'the password logs in');
RESET SESSION AUTHORIZATION;
SELECT isnt(casnet.install(), NULL, 'install() once more');
SELECT * FROM finish();
ROLLBACK;
