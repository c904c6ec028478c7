-- The name of an object cannot add a statement to a remedy of doctor() or a note of
-- protect().  The test's names look like the end of a name, a comment or a literal, or like
-- another part of their definition.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL client_min_messages = error;
CREATE PROCEDURE public.name_all(n text) LANGUAGE plpgsql AS $$
DECLARE
	s text := quote_ident(n);
	t text := format('%I.%I', n, n);
	-- From PostgreSQL 19 on, names of roles are in one line.
	role text := CASE WHEN current_setting('server_version_num')::integer >= 190000 THEN translate(n, E'\n', ' ') ELSE n END;
BEGIN
	EXECUTE format('CREATE SCHEMA %1$I', n);
	EXECUTE format('CREATE ROLE %1$I IN ROLE casnet_user, casnet_admin CREATEROLE BYPASSRLS', role);
	EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %1$I TO %2$I, casnet_user', n, role);
	EXECUTE format('CREATE TABLE %1$I.%1$I (%1$I uuid, x int CONSTRAINT %2$I UNIQUE, s serial, y int, PRIMARY KEY (%1$I, x))', n, n || 'u');
	EXECUTE format('CREATE SEQUENCE %1$I.%2$I', n, n || 'q');
	EXECUTE format('ALTER TABLE %1$I.%1$I ADD COLUMN %2$I int DEFAULT nextval(%3$L)', n, n || 'c', format('%I.%I', n, n || 'q'));
	EXECUTE format('ALTER TABLE %1$I.%1$I ENABLE ROW LEVEL SECURITY', n);
	EXECUTE format('CREATE INDEX %2$I ON %1$I.%1$I (y)', n, n || 'i');
	EXECUTE format('CREATE UNIQUE INDEX %2$I ON %1$I.%1$I (y) WHERE y > 0', n, n || 'j');
	EXECUTE format('ALTER TABLE %1$I.%1$I ADD CONSTRAINT %2$I EXCLUDE (y WITH =)', n, n || 'x');
	EXECUTE format('CREATE POLICY %1$I ON %1$I.%1$I USING (%1$I = casnet.tenant_with(''view_records''))', n);
	EXECUTE format('CREATE POLICY %2$I ON %1$I.%1$I AS RESTRICTIVE USING (%1$I = (SELECT casnet.tenant_with(''view_records'') AS %1$I))', n, n || 'w');
	EXECUTE format('CREATE POLICY %2$I ON %1$I.%1$I USING (y IN (SELECT 1 AS %1$I) OR current_setting(''a.b'', true) = %1$L)', n, n || 'v');
	EXECUTE format('CREATE TABLE %1$I.%2$I (%1$I uuid, a int CONSTRAINT %3$I REFERENCES %1$I.%1$I (x), k uuid CONSTRAINT %2$I REFERENCES casnet.tenants ON DELETE SET NULL)', n, n || 'r', n || 'f');
	EXECUTE format('CREATE POLICY %1$I ON %1$I.%2$I USING (%1$I = casnet.tenant_with(''view_records''))', n, n || 'r');
	EXECUTE format('CREATE TABLE %1$I.%2$I (%1$I uuid, a int) PARTITION BY LIST (a)', n, n || 'p');
	EXECUTE format('CREATE POLICY %1$I ON %1$I.%2$I USING (%1$I = casnet.tenant_with(''view_records''))', n, n || 'p');
	EXECUTE format('CREATE TABLE %1$I.%2$I PARTITION OF %1$I.%3$I FOR VALUES IN (1)', n, n || 'd', n || 'p');
	EXECUTE format('CREATE TABLE %1$I.%2$I (tenant_id uuid)', n, n || 'o');
	EXECUTE format('CREATE VIEW %1$I.%2$I AS SELECT title AS %1$I FROM casnet.records', n, n || 'a');
	EXECUTE format('CREATE MATERIALIZED VIEW %1$I.%2$I AS SELECT title FROM casnet.records', n, n || 'm');
	EXECUTE format('CREATE MATERIALIZED VIEW %1$I.%2$I AS SELECT title FROM casnet.tasks', n, n || 'n');
	EXECUTE format('CREATE VIEW %1$I.%2$I AS SELECT * FROM %1$I.%3$I', n, n || 'k', n || 'n');
	EXECUTE format('CREATE FUNCTION %1$I.%1$I() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT count(*)::int FROM casnet.records''', n);
	EXECUTE format('CREATE FUNCTION %1$I.%1$I(%1$I int) RETURNS uuid LANGUAGE sql IMMUTABLE LEAKPROOF AS ''SELECT casnet.current_tenant_id()''', n);
	EXECUTE format('CREATE POLICY %2$I ON %1$I.%1$I AS RESTRICTIVE USING (%1$I.%1$I(y) = (SELECT casnet.current_tenant_id() AS %1$I))', n, n || 'z');
	EXECUTE format('CREATE FUNCTION %1$I.%2$I() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NULL; END''', n, n || 't');
	EXECUTE format('CREATE TRIGGER %1$I AFTER DELETE ON %1$I.%2$I EXECUTE FUNCTION %1$I.%3$I()', n, n || 'r', n || 't');
	EXECUTE format('ALTER TABLE %1$I.%2$I OWNER TO %3$I', n, n || 'r', role);
	EXECUTE format('CREATE RULE %1$I AS ON UPDATE TO %1$I.%1$I DO ALSO DELETE FROM casnet.records', n);
	EXECUTE format('CREATE TYPE %1$I.%2$I AS ENUM (%1$L)', n, n || 'e');
	EXECUTE format('CREATE FUNCTION %1$I.%2$I(%1$I.%2$I) RETURNS uuid LANGUAGE sql AS ''SELECT NULL::uuid''', n, n || 'e');
	EXECUTE format('CREATE CAST (%1$I.%2$I AS uuid) WITH FUNCTION %1$I.%2$I(%1$I.%2$I) AS IMPLICIT', n, n || 'e');
	EXECUTE format('CREATE TABLE %1$I.%2$I (%1$I %1$I.%3$I CONSTRAINT %1$I REFERENCES casnet.tenants)', n, n || 'g', n || 'e');
	EXECUTE format('CREATE PUBLICATION %1$I FOR TABLE casnet.records', n);
	EXECUTE format('CREATE PUBLICATION %2$I FOR TABLES IN SCHEMA %1$I', n, n || '2');
	EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %1$I TO %2$I, casnet_user, PUBLIC', n, role);
	EXECUTE format('GRANT SELECT (%1$I) ON %1$I.%1$I TO PUBLIC', n);
	EXECUTE format('GRANT ALL ON casnet.users, casnet_internal.signing_keys TO %1$I', role);
	EXECUTE format('GRANT CREATE ON SCHEMA casnet, casnet_internal TO %1$I', role);
	EXECUTE format('GRANT EXECUTE ON FUNCTION casnet_internal.doctor_data() TO %1$I', role);
	EXECUTE format('GRANT SET ON PARAMETER session_replication_role, casnet.user_id TO %1$I', role);
	EXECUTE format('GRANT pg_read_all_data, pg_monitor TO %1$I', role);
	EXECUTE format('ALTER ROLE %1$I SET row_security = off', role);
	EXECUTE format('ALTER ROLE %1$I SET session_replication_role = replica', role);
	EXECUTE format('ALTER ROLE %1$I SET log_statement = ''all''', role);
	EXECUTE format('ALTER ROLE %1$I SET debug_print_plan = on', role);
	PERFORM casnet.add_signing_key(n, '{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}');
	UPDATE casnet_internal.signing_keys SET created_at = now() - interval '3 years' WHERE kid = n;
END
$$;
DO $do$
DECLARE
	n text;
BEGIN
	FOREACH n IN ARRAY ARRAY[
		E'--\nCREATE ROLE pwned; --', '" ON own.t (x); CREATE ROLE pwned; --', 'i USING btree (',
		'i ON own.t USING btree (', 'z); CREATE ROLE pwned; --', '''; CREATE ROLE pwned; --', '\1 \&; CREATE ROLE pwned; --',
		'x" ON own.t USING btree (', '$$; CREATE ROLE pwned; --', '( SELECT f() AS "z); CREATE ROLE pwned; --']
	LOOP
		CALL public.name_all(n);
	END LOOP;
END
$do$;
-- A text without its quoted parts and comments.
CREATE FUNCTION public.statements_of(remedy text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT regexp_replace(remedy, $x$\mE'(?:\\.|[^'\\]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n\r]*$x$, 'q', 'g')
$$;
SELECT is(public.statements_of(E'a "b;""" ''c'' E''d\\''; e'' -- f\ng'), E'a q q q q\ng', 'what is quoted is known');
CREATE TABLE public.advice AS SELECT code, remedy FROM casnet.doctor();
-- The same tables without what protect() refuses.
DO $$
DECLARE
	target record;
BEGIN
	FOR target IN
		SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass) AS statement
		  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
		 WHERE NOT t.tgisinternal AND c.relnamespace NOT IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
		UNION ALL
		SELECT format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass)
		  FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
		 WHERE p.polpermissive AND c.relnamespace NOT IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
	LOOP
		EXECUTE target.statement;
	END LOOP;
	FOR target IN
		SELECT c.oid::regclass AS name
		  FROM pg_class AS c
		  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname ~ '\W'
		 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
		   AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.confrelid = 'casnet.tenants'::regclass AND k.confdeltype = 'a')
	LOOP
		INSERT INTO public.advice SELECT 'protect', unnest(casnet.protect(target.name, 'things'));
	END LOOP;
END
$$;
SELECT is_empty($$SELECT code, remedy FROM public.advice WHERE public.statements_of(remedy) ~ '["'']'$$, 'quotes are in pairs');
SELECT is_empty($$SELECT code, remedy FROM public.advice WHERE public.statements_of(remedy) ~ 'pwned'$$, 'no name gets out of its quotes');
SELECT is_empty($$SELECT code, remedy FROM public.advice WHERE remedy LIKE '--%' AND code <> 'protect' AND public.statements_of(remedy) <> 'q'$$, 'or out of a comment');
-- As a user pastes it: each statement by itself, whether or not the others fail.
CREATE FUNCTION public.split(remedy text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
	WITH token AS (
		SELECT m.found[1] AS token, m.n, count(*) FILTER (WHERE m.found[1] = ';') OVER (ORDER BY m.n) AS statement
		  FROM regexp_matches(remedy, $x$('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n\r]*|;|[^;'"-]+|.)$x$, 'g') WITH ORDINALITY AS m (found, n))
	SELECT string_agg(t.token, '' ORDER BY t.n) FROM token AS t WHERE t.token <> ';' GROUP BY t.statement
$$;
SELECT set_eq($$SELECT public.split('a ";"; b '';;''; c -- d; e')$$, ARRAY['a ";"', ' b '';;''', ' c -- d; e'], 'statements are known');
CREATE FUNCTION public.paste() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	statement text;
	done bigint := 0;
BEGIN
	FOR statement IN
		SELECT s FROM public.advice AS a CROSS JOIN LATERAL public.split(a.remedy) WITH ORDINALITY AS s (s, n)
		 ORDER BY a.code <> 'protect', a.code, a.remedy, s.n
	LOOP
		BEGIN
			EXECUTE statement;
			done := done + 1;
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	RETURN done;
END
$$;
SELECT cmp_ok(public.paste(), '>', 300::bigint, 'as they are pasted');
SELECT is((SELECT count(*) FROM pg_roles WHERE rolname = 'pwned'), 0::bigint, 'they make no role');
SELECT is_empty($$SELECT code FROM casnet.doctor_codes() WHERE remedy = 'comment' AND code IN (SELECT code FROM public.advice WHERE remedy NOT LIKE '--%')$$,
	'comments are comments');
SELECT cmp_ok((SELECT count(DISTINCT code) FROM public.advice), '>', 40::bigint, 'of most kinds');
SELECT * FROM finish();
ROLLBACK;
