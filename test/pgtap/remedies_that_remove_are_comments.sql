-- Each statement that doctor() offers to paste adds or tightens protection.  A remedy that
-- would remove a protection, rows, objects of the application or somebody's access is a
-- comment.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
\ir include/doctor.sql
-- All codes: whoever adds a code adds it to one of the lists.
SELECT set_eq('SELECT code FROM casnet.doctor_codes() WHERE remedy = ''comment''', ARRAY[
	'role-administers', 'grant-maintain', 'policy-restrictive', 'policy-subquery', 'policy-wrapped-call', 'policy-row-function',
	'policy-forgeable', 'key-cast', 'table-reachable', 'table-unguarded', 'declaration-ended', 'table-strange-code', 'load-view-changed', 'sequence-shared', 'rule-definer', 'later-trigger', 'publication-of-tenants', 'slot-logical',
	'server-outdated', 'password-unbearable', 'password-cheap', 'password-slow', 'password-old', 'name-clash', 'name-form', 'event-unreadable', 'check-not-valid', 'signing-key-left', 'signing-key-issuer', 'signing-key-audience', 'permission-left', 'permission-unowned', 'tenant-without-owner',
	'tenant-owner-inactive', 'application-superusers',
	'node-unreachable', 'node-unasked', 'node-worker', 'node-version', 'node-preload', 'table-not-distributed', 'shard-unprotected', 'policy-lost'], 'those that remove, or take a decision');
SELECT set_eq('SELECT code FROM casnet.doctor_codes() WHERE remedy = ''statement''', ARRAY[
	'role-superuser', 'role-bypassrls', 'role-replication', 'role-createrole', 'role-server-access', 'role-owns-table',
	'role-powerful', 'owner-powerful', 'owner-other', 'owner-schema', 'role-statistics', 'identity-settable', 'parameter-granted', 'grant-unpoliced',
	'grant-public', 'grant-secret', 'grant-account', 'grant-schema', 'grant-function', 'partition-open', 'statements-readable',
	'table-rls-off', 'table-not-forced', 'table-no-policy', 'table-open', 'table-unprotected', 'table-audit-gap', 'policy-changed', 'policy-widens',
	'policy-immutable', 'key-not-enforced', 'key-across-tenants', 'key-without-tenant', 'index-without-tenant', 'view-definer', 'view-materialized',
	'function-definer', 'function-search-path', 'function-leakproof', 'setting-row-security', 'setting-replication-role',
	'setting-token', 'setting-identity', 'log-statement', 'log-parameters', 'log-parameters-on-error', 'log-trees',
	'preload-shared', 'preload-session', 'extension-outdated', 'schema-outdated', 'table-missing', 'definition-missing', 'trigger-missing',
	'password-hash-left', 'audit-incomplete', 'protection-unnoted', 'signing-key-missing', 'signing-key-old',
	'node-keeps-shards', 'node-key', 'node-activities', 'node-commands', 'node-owner', 'shell-not-empty'], 'and those that add or tighten');

CREATE TABLE public.notes (tenant_id uuid, n serial, title text);
CREATE POLICY notes ON public.notes USING (tenant_id = casnet.tenant_with('view_records'));
CREATE POLICY narrow ON public.notes AS RESTRICTIVE USING (title <> '');
CREATE POLICY wrapped ON public.notes AS RESTRICTIVE USING (tenant_id = (SELECT casnet.tenant_with('view_records')));
CREATE RULE copied AS ON UPDATE TO public.notes DO ALSO DELETE FROM casnet.records;
GRANT SELECT ON public.notes TO casnet_user;
SET LOCAL client_min_messages = error;
CREATE PUBLICATION partly FOR TABLE casnet.records;
CREATE PUBLICATION everything FOR ALL TABLES;
SELECT casnet.add_signing_key('old'), casnet.add_signing_key('new') \g /dev/null
UPDATE casnet_internal.signing_keys SET created_at = now() - interval '100 days' WHERE kid = 'old';
UPDATE casnet_internal.signing_keys SET created_at = now() - interval '50 days' WHERE kid = 'new';
SELECT is((SELECT bool_and(d.remedy LIKE '-- %') FROM casnet.doctor() AS d WHERE d.code = v.code), true, v.code)
  FROM (VALUES ('policy-restrictive'), ('role-administers'), ('publication-of-tenants'), ('signing-key-left'), ('rule-definer'),
			   ('policy-wrapped-call'), ('sequence-shared')) AS v (code);
-- The remedies as a user pastes them.
CREATE TABLE public.before AS
	SELECT (SELECT count(*) FROM pg_policy) AS policies, (SELECT count(*) FROM pg_publication) AS publications,
		   (SELECT count(*) FROM casnet_internal.signing_keys WHERE retired_at IS NULL) AS keys, (SELECT count(*) FROM pg_rules) AS rules;
DO $$
DECLARE
	remedy text;
BEGIN
	FOR remedy IN SELECT d.remedy FROM casnet.doctor() AS d WHERE d.severity = 'notice' AND d.remedy !~ 'ALTER|CREATE EXTENSION' LOOP
		EXECUTE remedy;
	END LOOP;
END
$$;
SELECT results_eq($$SELECT (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_publication),
	(SELECT count(*) FROM casnet_internal.signing_keys WHERE retired_at IS NULL), (SELECT count(*) FROM pg_rules)$$, 'TABLE public.before', 'all is there');
SELECT ok(pg_has_role('tap_admin', 'casnet_admin', 'MEMBER'), 'and who administers does');

-- protect() offers to revoke privileges that no policy limits: from applications by a
-- statement, from other roles in a comment.
CREATE ROLE tap_copier;
CREATE TABLE public.bills (id integer, tenant_id uuid);
GRANT TRUNCATE, SELECT ON public.bills TO tap_copier, tap_app;
CREATE TABLE public.said AS SELECT unnest(casnet.protect('public.bills')) AS note;
SELECT matches((SELECT note FROM public.said WHERE note ~ 'tap_app'), E'\nREVOKE TRUNCATE ON public.bills FROM tap_app;$', 'a note about an application');
SELECT matches((SELECT note FROM public.said WHERE note ~ 'tap_copier'), E'\n-- unless it is meant: REVOKE TRUNCATE ON public.bills FROM tap_copier;$', 'and about another role');
SELECT is((SELECT count(*) FROM public.said WHERE note !~ '^--'), 0::bigint, 'each begins with its reason');
SELECT * FROM finish();
ROLLBACK;
