-- What every file of this folder starts from, inside its transaction: two
-- tenants, eight users, database roles, and be() to become somebody.
\set olga 00000000-0000-7000-8000-000000000001
\set adam 00000000-0000-7000-8000-000000000002
\set mia 00000000-0000-7000-8000-000000000003
\set vic 00000000-0000-7000-8000-000000000004
\set otto 00000000-0000-7000-8000-000000000005
\set ines 00000000-0000-7000-8000-000000000006
\set sue 00000000-0000-7000-8000-000000000007
\set nora 00000000-0000-7000-8000-000000000008
\set north 00000000-0000-7000-8000-0000000000a0
\set south 00000000-0000-7000-8000-0000000000b0
\set nowhere 00000000-0000-7000-8000-0000000000ff

SET LOCAL client_min_messages = warning;
CREATE ROLE tap_app;
GRANT casnet_authenticator TO tap_app;
CREATE ROLE tap_admin;
GRANT casnet_admin, casnet_authenticator TO tap_admin;
CREATE ROLE tap_operator;
GRANT casnet_admin TO tap_operator;

INSERT INTO casnet.users (id, username, email, is_active, is_superuser, hashed_password) VALUES
	(:'olga', 'olga', 'olga@north.test', true, false, rpad('$2b$12$olga', 60, 'x')),
	(:'adam', 'adam', 'adam@north.test', true, false, rpad('$2b$12$adam', 60, 'x')),
	(:'mia', 'mia', 'mia@north.test', true, false, rpad('$2b$12$mia', 60, 'x')),
	(:'vic', 'vic', 'vic@north.test', true, false, rpad('$2b$12$vic', 60, 'x')),
	(:'otto', 'otto', 'otto@south.test', true, false, rpad('$2b$12$otto', 60, 'x')),
	(:'ines', 'ines', 'ines@north.test', false, false, rpad('$2b$12$ines', 60, 'x')),
	(:'sue', 'sue', 'sue@root.test', true, true, rpad('$2b$12$sue', 60, 'x')),
	(:'nora', 'nora', 'nora@nowhere.test', true, false, rpad('$2b$12$nora', 60, 'x'));
INSERT INTO casnet.tenants (id, name) VALUES (:'north', 'North'), (:'south', 'South');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES
	(:'olga', :'north', 'owner'), (:'adam', :'north', 'admin'), (:'mia', :'north', 'member'),
	(:'vic', :'north', 'viewer'), (:'ines', :'north', 'member'),
	(:'mia', :'south', 'viewer'), (:'otto', :'south', 'owner');
-- In each tenant three records with ids ...1x0 to ...3x0, a tag on two of them, a person
-- whom the first record is about, a task about that record, and an event.
INSERT INTO casnet.records (tenant_id, id, title)
SELECT t.id, overlay(t.id::text PLACING n::text FROM 34)::uuid, t.name || ' record ' || n
  FROM casnet.tenants AS t, generate_series(1, 3) AS n WHERE t.id IN (:'north', :'south');
INSERT INTO casnet.tags (tenant_id, id, name)
SELECT t.id, overlay(t.id::text PLACING '9' FROM 34)::uuid, t.name || ' tag'
  FROM casnet.tenants AS t WHERE t.id IN (:'north', :'south');
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
SELECT r.tenant_id, r.id, overlay(r.tenant_id::text PLACING '9' FROM 34)::uuid
  FROM casnet.records AS r WHERE r.tenant_id IN (:'north', :'south') AND r.title !~ '3$';
INSERT INTO casnet.persons (tenant_id, id, name)
SELECT t.id, overlay(t.id::text PLACING '1' FROM 34)::uuid, t.name || ' person'
  FROM casnet.tenants AS t WHERE t.id IN (:'north', :'south');
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id)
SELECT p.tenant_id, overlay(p.tenant_id::text PLACING '1' FROM 34)::uuid, p.id
  FROM casnet.persons AS p WHERE p.tenant_id IN (:'north', :'south');
INSERT INTO casnet.tasks (tenant_id, id, title, record_id, assignee_id)
SELECT t.id, overlay(t.id::text PLACING '1' FROM 34)::uuid, t.name || ' task',
	   overlay(t.id::text PLACING '1' FROM 34)::uuid, :'mia'
  FROM casnet.tenants AS t WHERE t.id IN (:'north', :'south');
INSERT INTO casnet.calendar_events (tenant_id, id, title, starts_at, record_id)
SELECT t.id, overlay(t.id::text PLACING '1' FROM 34)::uuid, t.name || ' event', '2024-01-01',
	   overlay(t.id::text PLACING '1' FROM 34)::uuid
  FROM casnet.tenants AS t WHERE t.id IN (:'north', :'south');

CREATE TABLE public.who AS SELECT username AS name, id FROM casnet.users
	UNION ALL SELECT name, id FROM casnet.tenants;
GRANT SELECT ON public.who TO PUBLIC;
GRANT CREATE ON SCHEMA public TO tap_app;

-- CALL be('mia', 'North'): what a trusted backend does for each request.
CREATE PROCEDURE public.be(person text, tenant text DEFAULT NULL) LANGUAGE sql AS $$
	SELECT set_config('casnet.user_id', coalesce((SELECT id::text FROM public.who WHERE name = person), ''), false),
		   set_config('casnet.tenant_id', coalesce((SELECT id::text FROM public.who WHERE name = tenant), ''), false);
$$;

-- All that a client sees of a statement's error, 'none' without one.  The statement is
-- undone.
CREATE FUNCTION public.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
	name text;
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
	WHEN SQLSTATE 'ZZZZZ' THEN
		RETURN 'none';
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
			name = CONSTRAINT_NAME;
		RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint, name);
END
$$;

CREATE FUNCTION public.state_of(statement text) RETURNS text LANGUAGE sql AS
	'SELECT left(public.error_of(statement), 5)';

-- The first value that a statement returns, or its SQLSTATE; its changes stay.
CREATE FUNCTION public.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;

-- Number of rows that a statement returns or changes.
CREATE FUNCTION public.rows_of(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;

-- Now the statements of a test: no user yet, and no superuser.
SET LOCAL SESSION AUTHORIZATION tap_app;
