-- An entry never names another user than the one as whom the statement began.  After a
-- change of the user, rows of a load, cascades and nested statements are refused.  That
-- undoes what was written before, too.
BEGIN;
SELECT plan(20);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/both_tenants.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records'), casnet.enable_audit('casnet.tasks') \gset
CREATE FUNCTION public.entries() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT coalesce(string_agg(concat_ws(' ', e.action, e.relation, coalesce(w.name, 'nobody')), ', ' ORDER BY e.id), 'none')
	  FROM casnet_internal.audit_entries AS e LEFT JOIN public.who AS w ON w.id = e.user_id
$$;
SELECT public.token('{"sub": "00000000-0000-7000-8000-000000000003", "tid": "00000000-0000-7000-8000-0000000000a0"}') AS mia_token,
	public.token('{"sub": "00000000-0000-7000-8000-000000000001", "tid": "00000000-0000-7000-8000-0000000000a0"}') AS olga_token \gset
CREATE TABLE public.ways (n integer, way text, change text);
INSERT INTO public.ways VALUES (1, 'another token', format('set_config(''casnet.token'', %L, false) IS NOT NULL', :'olga_token')),
	(2, 'sign_in()', format('casnet.sign_in(%L) IS NOT NULL', :'olga_token')),
	(3, 'sign_out()', 'casnet.sign_out() IS NOT NULL'),
	(4, 'the same user by another token', format('set_config(''casnet.token'', %L, false) IS NOT NULL', public.token('{"jti": "other", "tid": "00000000-0000-7000-8000-0000000000a0"}')));
GRANT SELECT ON public.ways TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT set_config('casnet.token', :'mia_token', false) IS NULL AS signed_in \gset

SELECT is(state_of(format('INSERT INTO casnet.records_load (tenant_id, title, content) SELECT %L, CASE WHEN n = 1 OR %s THEN ''forged '' || n END, ''c'' FROM generate_series(1, 3) AS n', :'north', change)), '55000', 'a load, ' || way)
  FROM public.ways WHERE n < 4 ORDER BY n;
SELECT is(state_of(format('INSERT INTO casnet.records (tenant_id, title) SELECT %L, CASE WHEN n = 1 OR %s THEN ''forged '' || n END FROM generate_series(1, 3) AS n', :'north', change)), '55000', 'INSERT, ' || way)
  FROM public.ways WHERE n < 4 ORDER BY n;
SELECT is(state_of(format('UPDATE casnet.tasks SET title = ''x'' WHERE %s', change)), '55000', 'UPDATE, ' || way)
  FROM public.ways WHERE n < 4 ORDER BY n;
SELECT is(state_of(format('WITH d AS (DELETE FROM casnet.tasks RETURNING 1) INSERT INTO casnet.records (title, tenant_id) SELECT ''forged'', %L FROM d WHERE %s', :'north', change)), '55000', 'WITH, ' || way)
  FROM public.ways WHERE n < 4 ORDER BY n;
SELECT is(public.entries(), 'none', 'nothing was written');

-- A function that catches the refusal, and goes on as any user.
CREATE FUNCTION pg_temp.caught(forging text, token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE forging;
	EXCEPTION WHEN OTHERS THEN
		NULL;
	END;
	INSERT INTO casnet.records (title) VALUES ('after the refusal');
	PERFORM set_config('casnet.token', token, false);
	INSERT INTO casnet.records (title) VALUES ('as another');
	RETURN public.entries();
END
$$;
SELECT is(pg_temp.caught(format('INSERT INTO casnet.records (tenant_id, title) SELECT %L, CASE WHEN n = 1 OR %s THEN ''forged '' || n END FROM generate_series(1, 3) AS n', :'north', change), :'olga_token'),
	'INSERT casnet.records mia, INSERT casnet.records olga', 'each statement after it has its own user') FROM public.ways WHERE n = 1;
SELECT is((SELECT count(*) FROM casnet.records WHERE title ~ 'forged'), 0::bigint, 'nothing of the one that was refused');

-- A session that signs in as the same user by another token is still that user.
SELECT set_config('casnet.token', :'mia_token', false) IS NULL AS signed_in \gset
SELECT matches(state_of(format('UPDATE casnet.records SET title = ''x'' WHERE %s', change)), '^(none|55000)$', way) FROM public.ways WHERE n = 4;
INSERT INTO casnet.records (title) VALUES ('the last');
SELECT matches(public.entries(), 'mia$', 'and its entries say so');

-- The tasks of a deleted record lose it by a separate UPDATE, which is all that the audit
-- sees of the statement.
RESET SESSION AUTHORIZATION;
SELECT casnet.disable_audit('casnet.records') \gset
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT set_config('casnet.token', :'mia_token', false) IS NULL AS signed_in \gset
SELECT is(state_of(format('DELETE FROM casnet.records WHERE id = %L AND %s', '00000000-0000-7000-8000-0000000001a0', change)), '55000', 'DELETE with a cascade, ' || way)
  FROM public.ways WHERE n < 4 ORDER BY n;
SELECT * FROM finish();
ROLLBACK;
