-- Keys, digests, hashes and codes are out of reach of every role of ours.
\set QUIET on
\set VERBOSITY sqlstate
SET SESSION AUTHORIZATION regress_backend;
CALL be('mia', 'North');
TABLE casnet.signing_keys;
TABLE casnet.revoked_tokens;
TABLE casnet.token_cutoffs;
TABLE casnet.invitations;
DELETE FROM casnet.revoked_tokens;
INSERT INTO casnet.signing_keys (kid, algorithm, key) VALUES ('x', 'HS256', repeat('x', 32)::bytea);
UPDATE casnet.token_cutoffs SET nonce = 0;
TABLE casnet.password_hashes;
SELECT casnet.issue_token('00000000-0000-7000-8000-000000000007', NULL, '1 day');
SELECT casnet.add_signing_key('x');
SELECT casnet.retire_signing_key('x');
SELECT casnet.bring_over_passwords();
SET SESSION AUTHORIZATION regress_admin;
TABLE casnet.signing_keys;
TABLE casnet.revoked_tokens;
TABLE casnet.token_cutoffs;
TABLE casnet.invitations;
TABLE casnet.password_hashes;
SELECT casnet.issue_token('00000000-0000-7000-8000-000000000007', NULL, '1 day');
SET SESSION AUTHORIZATION regress_nobody;
TABLE casnet.signing_keys;
SELECT casnet.login('mia', 'secret');
SELECT casnet.sign_in('x');
