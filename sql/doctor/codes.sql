-- What casnet.doctor() can find; each code has one severity.

CREATE OR REPLACE FUNCTION casnet_internal.node_codes(
	OUT code text, OUT severity text, OUT remedy text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	('node-unreachable', 'warning', 'comment', 'a worker does not answer, so nobody knows what it protects'),
	('node-unasked', 'notice', 'comment', 'whoever called doctor() may not ask the workers'),
	('node-worker', 'notice', 'comment', 'doctor() was called on a worker'),
	('node-version', 'error', 'comment', 'a worker has no casnet or another version'),
	('node-preload', 'error', 'comment', 'a node does not load casnet after Citus'),
	('node-keeps-shards', 'error', 'statement', 'Citus may put shards on the coordinator'),
	('node-key', 'error', 'statement', 'a worker does not have the key by which it knows sessions of the coordinator'),
	('node-activities', 'error', 'statement', 'sessions read on a worker the tokens of others of the same role'),
	('node-commands', 'error', 'statement', 'applications may call functions of Citus that pass by policies'),
	('node-owner', 'warning', 'statement', 'casnet_owner cannot log in on a worker, so functions fail'),
	('table-not-distributed', 'error', 'comment', 'a table of casnet is not distributed as it has to be'),
	('shard-unprotected', 'error', 'comment', 'a shard is missing, or protects its rows less than its table'),
	('shell-not-empty', 'error', 'statement', 'rows from before the distribution are still on the coordinator'),
	('policy-lost', 'error', 'comment', 'a restrictive policy, which shards do not have, is on a distributed table')
$$;
COMMENT ON FUNCTION casnet_internal.node_codes() IS
	'internal: what casnet.doctor() can find about nodes of Citus';

CREATE OR REPLACE FUNCTION casnet.doctor_codes(
	OUT code text, OUT severity text, OUT remedy text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	-- roles
	('role-superuser', 'error', 'statement', 'an application role is a superuser or can become one'),
	('role-bypassrls', 'error', 'statement', 'an application role has BYPASSRLS or can become a role that has'),
	('role-replication', 'error', 'statement', 'an application role may copy the whole cluster'),
	('role-createrole', 'error', 'statement', 'an application role may give itself memberships'),
	('role-server-access', 'error', 'statement', 'an application role is in a predefined role that bypasses privileges or policies'),
	('role-owns-table', 'error', 'statement', 'an application role owns a table of tenants, or is a member of its owner'),
	('role-powerful', 'error', 'statement', 'casnet_user, casnet_authenticator or casnet_admin may log in or has another power'),
	('owner-powerful', 'error', 'statement', 'casnet_owner has a power or a member'),
	('owner-other', 'error', 'statement', 'a table or function of casnet belongs to another role than casnet_owner'),
	('owner-schema', 'error', 'statement', 'schema casnet or casnet_internal belongs to a role that is no superuser'),
	('role-statistics', 'warning', 'statement', 'an application role sees the statements of others'),
	('role-administers', 'notice', 'comment', 'an application role is a member of casnet_admin'),
	('identity-settable', 'error', 'statement', 'roles besides casnet_authenticator may set casnet.user_id'),
	('parameter-granted', 'error', 'statement', 'an application role may set a parameter that switches protection off'),
	-- privileges
	('grant-unpoliced', 'error', 'statement', 'TRUNCATE, REFERENCES or TRIGGER, which no policy limits, is granted'),
	('grant-maintain', 'notice', 'comment', 'MAINTAIN is granted'),
	('grant-public', 'warning', 'statement', 'PUBLIC has a privilege on a table of tenants'),
	('grant-secret', 'error', 'statement', 'an application role has a privilege on keys, tokens, invitations or the like'),
	('grant-account', 'error', 'statement', 'accounts can be raised to superusers'),
	('grant-schema', 'error', 'statement', 'somebody may create objects in schema casnet or casnet_internal'),
	('grant-function', 'error', 'statement', 'an application role may call a function that is not for applications'),
	('partition-open', 'error', 'statement', 'a partition or child can be reached around the policies of its parent, or a protected table by its parent'),
	('statements-readable', 'warning', 'statement', 'pg_stat_statements shows statements to application roles'),
	-- tables
	('table-rls-off', 'error', 'statement', 'a table of tenants has row level security switched off'),
	('table-not-forced', 'warning', 'statement', 'the policies of a table do not bind its owner'),
	('table-no-policy', 'warning', 'statement', 'a table of tenants has no policy for a command'),
	('table-open', 'error', 'statement', 'a table with tenant_id has no row level security, and applications reach it'),
	('table-unprotected', 'warning', 'statement', 'a table with tenant_id has no row level security; no application reaches it yet'),
	('table-reachable', 'warning', 'comment', 'applications reach a table that has no row level security and is neither shared nor exempt'),
	('table-unguarded', 'warning', 'comment', 'a guarded schema has a table that is neither protected nor shared nor exempt'),
	('declaration-ended', 'warning', 'comment', 'a shared or exempt table has changed since it was declared'),
	('protection-unnoted', 'warning', 'statement', 'a table has the policies of casnet.protect(), and no export has its rows'),
	('table-audit-gap', 'warning', 'statement', 'changes of an audited table are not recorded, or it is not known since when they are'),
	('table-strange-code', 'error', 'comment', 'a domain or function that another role can change runs for a table of casnet'),
	-- policies
	('policy-changed', 'error', 'statement', 'a policy of casnet is missing or not what casnet.install() or casnet.protect() makes'),
	('policy-widens', 'error', 'statement', 'another permissive policy lets more rows through'),
	('policy-restrictive', 'notice', 'comment', 'a restrictive policy stands beside those of casnet'),
	('policy-subquery', 'warning', 'comment', 'a policy has a subquery'),
	('policy-wrapped-call', 'warning', 'comment', 'a policy hides a function in (SELECT f())'),
	('policy-row-function', 'warning', 'comment', 'a policy calls a function for each row'),
	('policy-immutable', 'error', 'statement', 'a policy calls a function that is marked IMMUTABLE and depends on the session'),
	('policy-forgeable', 'warning', 'comment', 'a policy trusts a setting that anybody can set'),
	-- keys and indexes
	('key-across-tenants', 'error', 'statement', 'a foreign key can point to a row of another tenant'),
	('key-not-enforced', 'error', 'statement', 'a foreign key of casnet, or from a table of tenants to casnet.tenants, does not hold for all rows or is missing'),
	('key-cast', 'error', 'comment', 'a foreign key runs the cast of a type as the owner of a table of casnet'),
	('key-without-tenant', 'error', 'statement', 'the error of a unique key reveals that another tenant has the value'),
	('index-without-tenant', 'warning', 'statement', 'an index of a table of tenants does not begin with the tenant'),
	('sequence-shared', 'warning', 'comment', 'tenants share a sequence, whose gaps reveal what others do'),
	-- views
	('view-definer', 'error', 'statement', 'a view shows applications the rows of all tenants'),
	('load-view-changed', 'error', 'comment', 'a view to load a table of tenants through belongs to another role than the table, or was changed'),
	('view-materialized', 'error', 'statement', 'a materialized view has rows of tenants and no policies'),
	('rule-definer', 'error', 'comment', 'a rule reads or writes a table of tenants past its policies'),
	('function-definer', 'error', 'statement', 'a SECURITY DEFINER function reads a table of tenants past its policies'),
	('function-search-path', 'warning', 'statement', 'a SECURITY DEFINER function of a powerful role follows the search_path of its caller'),
	('function-leakproof', 'warning', 'statement', 'a function of this database is marked LEAKPROOF'),
	('later-trigger', 'warning', 'comment', 'a trigger of another role runs as whoever deletes a tenant or a member'),
	('publication-of-tenants', 'notice', 'comment', 'a publication sends the rows of all tenants'),
	('slot-logical', 'notice', 'comment', 'a logical replication slot reads the changes of all tenants'),
	('audit-incomplete', 'notice', 'statement', 'a key changes rows of a table that is not audited when an audited row is deleted'),
	-- settings
	('setting-row-security', 'warning', 'statement', 'row_security is off for a role or database'),
	('setting-replication-role', 'error', 'statement', 'triggers are switched off by session_replication_role'),
	('setting-token', 'error', 'statement', 'a token is in a setting that every role can read'),
	('setting-identity', 'warning', 'statement', 'a setting makes every session the same user'),
	('log-statement', 'warning', 'statement', 'tokens and passwords in statements are in the log'),
	('log-parameters', 'warning', 'statement', 'bound values, such as tokens and passwords, are in the log'),
	('log-parameters-on-error', 'warning', 'statement', 'bound values of statements that fail are in the log'),
	('log-trees', 'warning', 'statement', 'statements are in the log as trees'),
	('preload-shared', 'notice', 'statement', 'failed logins are counted for each connection alone'),
	('preload-session', 'notice', 'statement', 'the first statements of a session meet settings that nothing has checked'),
	-- versions, tables and rows of casnet
	('server-outdated', 'warning', 'comment', 'the server has a known hole in row level security'),
	('extension-outdated', 'warning', 'statement', 'a newer version of casnet is on this machine than in this database'),
	('schema-outdated', 'warning', 'statement', 'the tables are not at the version of the extension'),
	('table-missing', 'error', 'statement', 'a table of casnet is missing'),
	('definition-missing', 'warning', 'statement', 'a column, default, constraint or index of casnet is missing, or the tenant of a protected table'),
	('check-not-valid', 'warning', 'comment', 'a table of casnet has rows that a check would refuse, such as a tenant whose name is an id'),
	('trigger-missing', 'error', 'statement', 'a trigger of casnet is missing, replaced or switched off'),
	('password-hash-left', 'error', 'statement', 'casnet.users has password hashes, visible to whoever reads accounts'),
	('password-unbearable', 'warning', 'comment', 'accounts cannot log in, since their hashes cost too much'),
	('password-cheap', 'warning', 'comment', 'password hashes of an older system are cheap to guess'),
	('password-slow', 'notice', 'comment', 'the time of a failed login reveals which accounts have a costly hash'),
	('password-old', 'notice', 'comment', 'accounts have a password hash of an older system'),
	('name-form', 'warning', 'comment', 'names are not in the form in which casnet looks for them'),
	('name-clash', 'warning', 'comment', 'a username is the email address of another account'),
	('event-unreadable', 'warning', 'comment', 'the time zone or recurrence rule of an event cannot be read, and so no calendar of its tenant'),
	('signing-key-missing', 'warning', 'statement', 'no key verifies tokens'),
	('signing-key-old', 'warning', 'statement', 'the key that signs tokens is older than a year'),
	('signing-key-left', 'notice', 'comment', 'a replaced key still verifies tokens'),
	('signing-key-issuer', 'warning', 'comment', 'an outside key is trusted whatever issuer the token names'),
	('signing-key-audience', 'notice', 'comment', 'an outside key is trusted for tokens meant for others'),
	('permission-left', 'notice', 'comment', 'permissions of a protected table that was dropped are still there'),
	('permission-unowned', 'notice', 'comment', 'a role gives a permission that the role owner does not'),
	('tenant-without-owner', 'warning', 'comment', 'a tenant has no owner'),
	('tenant-owner-inactive', 'warning', 'comment', 'no owner of a tenant is active'),
	('application-superusers', 'notice', 'comment', 'more than three users hold every permission in every tenant')
	UNION ALL SELECT * FROM casnet_internal.node_codes()
$$;
COMMENT ON FUNCTION casnet.doctor_codes() IS
	'what casnet.doctor() can find: codes, their severity, whether the remedy is a statement or a comment, and their meaning';
