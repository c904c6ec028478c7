-- A stored expression, such as the check of a domain, asks again in the same statement once
-- the session has changed or lost a right.  That holds even if PL/pgSQL keeps what it has
-- asked.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA own AUTHORIZATION tap_app;
CREATE PROCEDURE public.demote(person text, new_role text) LANGUAGE sql SECURITY DEFINER AS $$
	UPDATE casnet.user_tenants SET role = new_role WHERE user_id = (SELECT id FROM public.who WHERE name = person);
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE DOMAIN own.here AS uuid CHECK (VALUE = casnet.tenant_with('view_records'));
CREATE DOMAIN own.editors AS integer CHECK (casnet.can('edit_records'));
CREATE DOMAIN own.in_editors AS integer CHECK (casnet.tenant_with('edit_records') IS NOT NULL);
CREATE FUNCTION own.is_here(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.here := t; BEGIN RETURN 'fits'; END $$;
CREATE FUNCTION own.edits() RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.editors := 1; BEGIN RETURN 'fits'; END $$;
CREATE FUNCTION own.edits_here() RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.in_editors := 1; BEGIN RETURN 'fits'; END $$;
-- An expression's answer, then a change, then the answer again, all in one statement.
CREATE FUNCTION own.twice(question text, change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	first text;
	second text;
BEGIN
	EXECUTE question INTO first;
	EXECUTE change;
	EXECUTE question INTO second;
	RETURN first || ', then ' || second;
EXCEPTION WHEN check_violation OR insufficient_privilege THEN
	RETURN first || ', then ' || SQLSTATE;
END
$$;
CALL be('mia', 'North');
SELECT is(own.twice('SELECT own.edits()', 'SELECT 1'), 'fits, then fits', 'no change');
SELECT is(own.twice('SELECT own.edits()', 'CALL public.demote(''mia'', ''viewer'')'), 'fits, then 23514', 'a lower role');
SELECT is(own.twice('SELECT own.edits_here()', 'CALL public.demote(''mia'', ''viewer'')'), 'fits, then 42501', 'likewise in the tenant');
SELECT is(own.twice(format('SELECT own.is_here(%L)', :'north'), 'CALL public.be(''mia'', ''South'')'), 'fits, then 23514', 'another tenant');
CALL be('mia', 'North');
CREATE FUNCTION own.is_here_again(t uuid) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m own.here := t; BEGIN RETURN 'fits'; END $$;
SELECT is(own.twice(format('SELECT own.is_here_again(%L)', :'north'), 'CALL public.be(''nora'', ''North'')'), 'fits, then 42501', 'somebody else');
SELECT * FROM finish();
ROLLBACK;
