-- install() brings over what an older version left, as after the restore of its dump:
-- hashes in users, one cutoff per user, keys to accounts.  No password, revocation
-- or token is lost, and no hash stays where it can be read.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/tokens.sql
SELECT token() AS ended, token('{"gen": 3}') AS good, token('{"gen": 3, "jti": "2"}') AS revoked \gset
RESET SESSION AUTHORIZATION;
\ir include/doctor.sql
DROP TRIGGER casnet_take_password ON casnet.users;
DROP TRIGGER casnet_keep_password ON casnet.users;
DROP TRIGGER casnet_end_invitations ON casnet.users;
DROP TRIGGER casnet_end_invitations ON casnet.user_tenants;
REVOKE SELECT (hashed_password) ON casnet.users FROM casnet_user, casnet_admin;
DROP TABLE casnet_internal.password_hashes, casnet_internal.token_cutoffs, casnet_internal.revoked_tokens;
CREATE TABLE casnet_internal.revoked_tokens (digest bytea NOT NULL, user_id uuid NOT NULL, expires_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT revoked_tokens_pkey PRIMARY KEY (digest), CONSTRAINT revoked_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES casnet.users (id) ON DELETE CASCADE);
CREATE TABLE casnet_internal.token_cutoffs (user_id uuid NOT NULL, generation bigint NOT NULL DEFAULT 1, issued_before bigint NOT NULL, spared bytea,
	created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT token_cutoffs_pkey PRIMARY KEY (user_id), CONSTRAINT token_cutoffs_user_id_fkey FOREIGN KEY (user_id) REFERENCES casnet.users (id) ON DELETE CASCADE);
INSERT INTO casnet_internal.token_cutoffs (user_id, generation, issued_before) VALUES (:'mia', 3, 1000);
INSERT INTO casnet_internal.revoked_tokens SELECT sha256(convert_to(substring(:'revoked' FROM '^[^.]*[.][^.]*'), 'UTF8')), :'mia', 'infinity';
UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username = 'mia';
UPDATE casnet.users SET hashed_password = 'what no system knows' WHERE username = 'vic';
UPDATE casnet.users SET hashed_password = NULL WHERE username = 'nora';
SELECT is((SELECT string_agg(object, ', ') FROM casnet.doctor() WHERE code = 'password-hash-left'), 'casnet.users', 'doctor() tells of hashes');

SELECT isnt(casnet.install(), NULL, 'install()');
SELECT is((SELECT count(*) FROM casnet.users WHERE hashed_password !~ '^[$]casnet[$]'), 0::bigint, 'no hash is left');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'password-hash-left'), 0::bigint, 'and none is told of');
SELECT is((SELECT hash FROM casnet_internal.password_hashes WHERE user_id = :'vic'), 'what no system knows', 'each is kept');
SELECT is((SELECT hashed_password FROM casnet.users WHERE username = 'nora'), NULL, 'as is that there is none');
SELECT is((SELECT count(*) FROM casnet_internal.password_hashes), 2::bigint, 'one row for each');
SELECT is((SELECT nonce FROM casnet_internal.token_cutoffs), 3::bigint, 'a generation is the number of the row');
SELECT is((SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('casnet_internal.token_cutoffs'::regclass, 'casnet_internal.revoked_tokens'::regclass)), 0::bigint, 'no key to accounts');
SELECT is((SELECT string_agg(a.attname, ', ' ORDER BY c.conname) FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
	WHERE c.contype = 'p' AND conrelid IN ('casnet_internal.token_cutoffs'::regclass, 'casnet_internal.revoked_tokens'::regclass)), 'id, id', 'and another one of its own');
SELECT is(fate(:'ended'), 'use 28000 The token was revoked.', 'what had ended');
SELECT is(fate(:'revoked'), 'use 28000 The token was revoked.', 'and what was revoked');
SELECT is(fate(:'good'), 'proves mia', 'but not what was good');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('mia', 'correct horse'), NULL, 'the password logs in');
SELECT casnet.sign_in(:'good') AS me \gset
SELECT is(rows_of('SELECT * FROM casnet.users WHERE id = casnet.current_user_id()'), 1::bigint, 'SELECT * works');
RESET SESSION AUTHORIZATION;
SELECT isnt(casnet.install(), NULL, 'install() once more');
SELECT is(fate(:'good'), 'proves mia', 'changes nothing');
SELECT * FROM finish();
ROLLBACK;
