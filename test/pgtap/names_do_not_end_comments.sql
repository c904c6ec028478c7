-- \gexec, as docs/own-tables.md advises, runs the notes of protect() and doctor().  A name with a line
-- break in them runs nothing.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT E'x\nCREATE ROLE tap_pwned; --' AS bad, E'z\nCREATE ROLE tap_pwned; --' AS worse \gset
CREATE SCHEMA evil;
CREATE TABLE evil.t (tenant_id uuid, id integer, :"bad" serial, twin integer);
ALTER TABLE evil.t ADD CONSTRAINT :"bad" PRIMARY KEY (id);
CREATE UNIQUE INDEX "y
CREATE ROLE tap_pwned; --" ON evil.t (twin);
CREATE TABLE evil.:"worse" (tenant_id uuid, id integer, t_id integer CONSTRAINT :"bad" REFERENCES evil.t (id));
-- As psql does it: each text is sent unchanged.
CREATE FUNCTION public.gexec(statements text[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	statement text;
BEGIN
	FOREACH statement IN ARRAY statements LOOP
		BEGIN
			EXECUTE statement;
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	RETURN cardinality(statements);
END
$$;
SELECT cmp_ok(public.gexec(casnet.protect('evil.t')), '>', 1, 'protect() has notes');
SELECT cmp_ok(public.gexec(casnet.protect(format('evil.%I', :'worse'), 'evil')), '>', 0, 'also about another name');
GRANT ALL ON ALL TABLES IN SCHEMA evil TO casnet_user;
SELECT cmp_ok(public.gexec(ARRAY(SELECT remedy FROM casnet.doctor() WHERE object ~ 'evil|x')), '>', 1, 'and doctor()');
SELECT is((SELECT count(*) FROM pg_roles WHERE rolname = 'tap_pwned'), 0::bigint, 'no role is made');
SELECT * FROM finish();
ROLLBACK;
