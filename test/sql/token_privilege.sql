-- No role of casnet can reach keys, digests, hashes and codes.
\set QUIET on
\set VERBOSITY sqlstate
SET SESSION AUTHORIZATION regress_backend;
CALL be('mia', 'North');
TABLE casnet_internal.signing_keys;
TABLE casnet_internal.revoked_tokens;
TABLE casnet_internal.token_cutoffs;
TABLE casnet_internal.invitations;
DELETE FROM casnet_internal.revoked_tokens;
INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('x', 'HS256', repeat('x', 32)::bytea);
UPDATE casnet_internal.token_cutoffs SET nonce = 0;
TABLE casnet_internal.password_hashes;
SELECT casnet_internal.issue_token('00000000-0000-7000-8000-000000000007', NULL, '1 day');
SELECT casnet.add_signing_key('x');
SELECT casnet.retire_signing_key('x');
SELECT casnet_internal.bring_over_passwords();
SET SESSION AUTHORIZATION regress_admin;
TABLE casnet_internal.signing_keys;
TABLE casnet_internal.revoked_tokens;
TABLE casnet_internal.token_cutoffs;
TABLE casnet_internal.invitations;
TABLE casnet_internal.password_hashes;
SELECT casnet_internal.issue_token('00000000-0000-7000-8000-000000000007', NULL, '1 day');
SET SESSION AUTHORIZATION regress_nobody;
TABLE casnet_internal.signing_keys;
SELECT casnet.login('mia', 'secret');
SELECT casnet.sign_in('x');
