-- What a role may do with a whole table, by trying: S elect, I nsert, U pdate,
-- D elete, T runcate, R eference, tri G ger; and no more with any column.
BEGIN;
SELECT * FROM no_plan();
\ir include/fixtures.sql
-- Signed in all the time, since policies refuse before privileges do.
CALL be('olga', 'North');
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_user;
GRANT casnet_user TO tap_user;
GRANT CREATE ON SCHEMA public TO tap_user, tap_operator;
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION public.may(statement text, letter text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN public.error_of(statement) ~ '^42501 [|] (permission denied for|must be owner)' THEN '' ELSE letter END
$$;
CREATE VIEW public.tried AS
SELECT c.relname::text AS name, c.oid::regclass AS place, c.relkind,
	   string_agg(format('%I = NULL', a.attname), ', ') FILTER (WHERE a.attgenerated = '') AS setting,
	   (SELECT string_agg(format('%I %s', k.attname, format_type(k.atttypid, -1)), ', ' ORDER BY o) FROM pg_index AS i, unnest(i.indkey::int2[]) WITH ORDINALITY AS x (n, o), pg_attribute AS k
		 WHERE i.indrelid = c.oid AND i.indisprimary AND k.attrelid = c.oid AND k.attnum = n) AS key_definition,
	   (SELECT string_agg(quote_ident(k.attname), ', ' ORDER BY o) FROM pg_index AS i, unnest(i.indkey::int2[]) WITH ORDINALITY AS x (n, o), pg_attribute AS k
		 WHERE i.indrelid = c.oid AND i.indisprimary AND k.attrelid = c.oid AND k.attnum = n) AS key_columns
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
 GROUP BY c.oid, c.relname, c.relkind;
GRANT SELECT ON public.tried TO PUBLIC;
-- A view that cannot be changed says so before the server checks privileges.
CREATE FUNCTION public.powers(t public.tried) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN t.relkind = 'v' THEN
		(SELECT string_agg(CASE WHEN has_table_privilege(t.place, p) THEN l ELSE '' END, '' ORDER BY n)
		   FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[], '{S,I,U,D,T,R,G}'::text[]) WITH ORDINALITY AS x (p, l, n))
	ELSE public.may(format('SELECT t FROM %s AS t', t.place), 'S')
		|| public.may(format('INSERT INTO %s DEFAULT VALUES', t.place), 'I')
		|| public.may(format('UPDATE %s SET %s', t.place, t.setting), 'U')
		|| public.may(format('DELETE FROM %s', t.place), 'D')
		|| public.may(format('TRUNCATE %s', t.place), 'T')
		|| CASE WHEN t.key_columns IS NULL THEN CASE WHEN has_any_column_privilege(t.place, 'REFERENCES') THEN 'R' ELSE '' END ELSE
		   public.may(format('CREATE TABLE public.probe (%s, FOREIGN KEY (%s) REFERENCES %s (%s))', t.key_definition, t.key_columns, t.place, t.key_columns), 'R') END
		|| public.may(format('CREATE TRIGGER probe AFTER INSERT ON %s EXECUTE FUNCTION public.nothing()', t.place), 'G')
	END
$$;
CREATE FUNCTION public.columns_of(t text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', a.attname,
			nullif(public.may(format('SELECT %I FROM casnet.%I', a.attname, t), 'S')
			|| public.may(format('INSERT INTO casnet.%I (%I) VALUES (NULL)', t, a.attname), 'I')
			|| public.may(format('UPDATE casnet.%I SET %I = NULL', t, a.attname), 'U')
			|| CASE WHEN has_column_privilege('casnet.' || t, a.attnum, 'REFERENCES') THEN 'R' ELSE '' END, '')), ', ' ORDER BY a.attnum)
	  FROM pg_attribute AS a WHERE a.attrelid = ('casnet.' || t)::regclass AND a.attnum > 0 AND NOT a.attisdropped
$$;
CREATE TEMP TABLE wanted (name, applications, administrators) AS VALUES
	('persons', 'SIUD', ''), ('records', 'SIUD', ''), ('record_persons', 'SIUD', ''), ('tags', 'SIUD', ''), ('record_tags', 'SIUD', ''), ('tasks', 'SIUD', ''), ('calendar_events', 'SIUD', ''),
	('persons_load', 'I', ''), ('records_load', 'I', ''), ('record_persons_load', 'I', ''), ('tags_load', 'I', ''), ('record_tags_load', 'I', ''), ('tasks_load', 'I', ''), ('calendar_events_load', 'I', ''),
	('users', 'S', 'SIUD'), ('tenants', 'SD', 'SIUD'), ('user_tenants', 'SIUD', 'SIUD'), ('user_tenant_permissions', 'SIUD', 'SIUD'), ('roles', 'S', 'SIUD'), ('role_permissions', 'S', 'SIUD'),
	('protected_tables', 'S', 'S'), ('declared_tables', 'S', 'S');
GRANT SELECT ON wanted TO PUBLIC;

SET LOCAL SESSION AUTHORIZATION tap_user;
SELECT is(powers(t), coalesce(w.applications, ''), 'application on ' || t.name) FROM tried AS t LEFT JOIN wanted AS w USING (name);
SELECT is(columns_of('users'), 'id S, username S, email S, full_name SU, hashed_password S, is_active S, is_superuser S, created_at S, updated_at S', 'columns of users');
SELECT is(columns_of('tenants'), 'id S, name SU, description SU, created_at S, updated_at S', 'columns of tenants');
SELECT ok(NOT has_schema_privilege(s, 'CREATE') AND has_schema_privilege(s, 'USAGE'), 'nothing is made in schema ' || s) FROM unnest('{casnet,casnet_internal}'::text[]) AS s;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(powers(t), coalesce(w.applications, ''), 'trusted backend on ' || t.name) FROM tried AS t LEFT JOIN wanted AS w USING (name);
SELECT is(columns_of('users'), 'id S, username S, email S, full_name SU, hashed_password S, is_active S, is_superuser S, created_at S, updated_at S', 'columns of users');
SELECT ok(NOT has_schema_privilege(s, 'CREATE'), 'nothing is made in schema ' || s) FROM unnest('{casnet,casnet_internal}'::text[]) AS s;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(powers(t), coalesce(w.administrators, ''), 'administrator on ' || t.name) FROM tried AS t LEFT JOIN wanted AS w USING (name);
SELECT is(columns_of('users'), 'id SIU, username SIU, email SIU, full_name SIU, hashed_password SIU, is_active SIU, is_superuser SIU, created_at SIU, updated_at SIU', 'columns of users');
SELECT is(columns_of('tenants'), 'id SIU, name SIU, description SIU, created_at SIU, updated_at SIU', 'columns of tenants');
SELECT ok(NOT has_schema_privilege(s, 'CREATE') AND has_schema_privilege(s, 'USAGE'), 'nothing is made in schema ' || s) FROM unnest('{casnet,casnet_internal}'::text[]) AS s;
RESET SESSION AUTHORIZATION;
-- The owner of the tables, whose functions run for everybody, makes only partitions of the audit.
SET LOCAL ROLE casnet_owner;
SELECT is(public.may('CREATE TABLE casnet.probe (id integer)', 'C') || public.may('CREATE TABLE casnet_internal.probe (id integer)', 'I'), 'I', 'the owner makes nothing in schema casnet');
RESET ROLE;
-- A column added later to accounts is for nobody, until somebody is granted it.
ALTER TABLE casnet.users ADD COLUMN badge text;
SET LOCAL SESSION AUTHORIZATION tap_user;
SELECT is(public.may('SELECT badge FROM casnet.users', 'S'), '', 'application on a new column');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.may('SELECT badge FROM casnet.users', 'S'), '', 'trusted backend on a new column');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(public.may('SELECT badge FROM casnet.users', 'S'), '', 'administrator on a new column');
RESET SESSION AUTHORIZATION;
GRANT SELECT (badge) ON casnet.users TO casnet_admin;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(public.may('SELECT badge FROM casnet.users', 'S'), 'S', 'which is given to administrators');
RESET SESSION AUTHORIZATION;
-- PUBLIC has nothing; a role with USAGE on the schema shows it.
CREATE ROLE tap_guest;
GRANT USAGE ON SCHEMA casnet, casnet_internal TO tap_guest;
SET LOCAL SESSION AUTHORIZATION tap_guest;
SELECT ok(NOT has_table_privilege(place, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
		  AND NOT has_any_column_privilege(place, 'SELECT, INSERT, UPDATE, REFERENCES'), 'guest on ' || name) FROM tried;
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_nobody;
SELECT ok(NOT has_schema_privilege('tap_nobody', s, 'USAGE'), 'nobody else gets into schema ' || s) FROM unnest('{casnet,casnet_internal}'::text[]) AS s;
SELECT * FROM finish();
ROLLBACK;
