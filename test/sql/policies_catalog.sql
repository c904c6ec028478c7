-- Row level security is enabled and forced on every table.  Each command has one permissive
-- policy, for everybody, without a subquery.  Thirteen tables have none: nobody has a privilege
-- for them either.
\set QUIET on
\pset format unaligned
SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class
 WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind IN ('r', 'p')
 ORDER BY relname COLLATE "C";

SELECT tablename, cmd, permissive, roles, coalesce(qual, '') AS using, coalesce(with_check, '') AS check
  FROM pg_policies WHERE schemaname IN ('casnet', 'casnet_internal') AND policyname <> 'casnet_admin'
 ORDER BY tablename COLLATE "C", cmd COLLATE "C";

SELECT tablename, cmd, permissive, roles, qual, with_check
  FROM pg_policies WHERE schemaname IN ('casnet', 'casnet_internal') AND policyname = 'casnet_admin'
 ORDER BY tablename COLLATE "C";

\echo none of these
SELECT c.relname, v.cmd FROM pg_class AS c, (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS v (cmd)
 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind IN ('r', 'p')
   AND c.relname NOT IN ('signing_keys', 'revoked_tokens', 'token_cutoffs', 'issuers', 'issuer_keys', 'identities', 'password_hashes', 'invitations', 'codes', 'sessions', 'audit_entries', 'audit_entries_default', 'protected', 'guarded_schemas', 'declared')
   AND (SELECT count(*) FROM pg_policies AS p
		 WHERE p.schemaname IN ('casnet', 'casnet_internal') AND p.tablename = c.relname
		   AND p.cmd = v.cmd AND p.permissive = 'PERMISSIVE' AND p.roles = '{public}') <> 1;
SELECT p.tablename, p.policyname FROM pg_policies AS p
 WHERE p.schemaname IN ('casnet', 'casnet_internal') AND p.tablename IN ('signing_keys', 'revoked_tokens', 'token_cutoffs', 'issuers', 'issuer_keys', 'identities', 'password_hashes', 'invitations', 'codes', 'sessions', 'audit_entries', 'audit_entries_default', 'protected', 'guarded_schemas', 'declared');
SELECT c.relname, r.rolname FROM pg_class AS c,
	(VALUES ('casnet_user'), ('casnet_authenticator'), ('casnet_admin'), ('regress_nobody')) AS r (rolname)
 WHERE c.relname IN ('signing_keys', 'revoked_tokens', 'token_cutoffs', 'issuers', 'issuer_keys', 'identities', 'password_hashes', 'invitations', 'codes', 'sessions', 'audit_entries', 'audit_entries_default', 'protected', 'guarded_schemas', 'declared') AND c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
   AND (has_table_privilege(r.rolname, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
		OR has_any_column_privilege(r.rolname, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));
SELECT polname FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
   AND (p.polqual ~ 'SUBLINK' OR p.polwithcheck ~ 'SUBLINK');

\echo a tenant table has no unique key without tenant_id, no sequence, no foreign key that forgets it
SELECT i.indexrelid::regclass FROM pg_index AS i
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attname = 'tenant_id'
 WHERE i.indrelid::regclass::text ~ '^casnet(_internal)?[.]' AND i.indisunique AND a.attnum <> ALL (i.indkey)
   -- a digest of random bits, so no user chooses it
   AND i.indexrelid::regclass::text <> 'casnet_internal.invitations_pkey';
SELECT relname FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind = 'S';
SELECT o.conname FROM pg_constraint AS o
  JOIN pg_attribute AS a ON a.attrelid = o.conrelid AND a.attname = 'tenant_id'
  JOIN pg_attribute AS f ON f.attrelid = o.confrelid AND f.attname = 'tenant_id'
 WHERE o.contype = 'f' AND o.connamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
   AND (a.attnum <> ALL (o.conkey) OR f.attnum <> ALL (o.confkey));
