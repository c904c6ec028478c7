-- A cursor over functions that listed people's tenants depends on these lists.  It depends
-- on each of a few lists; if there are more than casnet keeps apart, any change refuses it.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/lost.sql
CREATE FUNCTION public.tenants_of(people text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	person text;
	before text := current_setting('casnet.user_id');
BEGIN
	FOREACH person IN ARRAY people LOOP
		PERFORM set_config('casnet.user_id', (SELECT id::text FROM public.who WHERE name = person), true);
		RETURN QUERY SELECT person || ' in ' || t.name FROM casnet.my_tenants() AS t;
	END LOOP;
	PERFORM set_config('casnet.user_id', before, true);
END
$$;
-- The result of the second FETCH once somebody has lost a membership; all of it is undone.
CREATE FUNCTION public.after_loss(people text[], loser uuid, tenant uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	r text;
	answer text;
BEGIN
	OPEN c FOR SELECT * FROM public.tenants_of(people);
	FETCH c INTO r;
	IF loser IS NOT NULL THEN
		PERFORM public.lost(loser, tenant);
	END IF;
	BEGIN
		FETCH c INTO r;
		answer := r;
	EXCEPTION WHEN OTHERS THEN
		answer := SQLSTATE;
	END;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZY', MESSAGE = answer;
EXCEPTION WHEN SQLSTATE 'ZZZZY' THEN
	RETURN SQLERRM;
END
$$;
CALL be('adam');
\set few '{mia,olga}'
\set many '{mia,olga,adam,vic,otto,sue,nora,mia,olga}'
SELECT is(public.after_loss(:'few', NULL, NULL), 'mia in South', 'nothing is lost');
SELECT is(public.after_loss(:'many', NULL, NULL), 'mia in South', 'of many neither');
SELECT is(public.after_loss(:'few', :'mia', :'north'), '42501', 'one who is listed leaves a tenant');
SELECT is(public.after_loss(:'few', :'mia', :'south'), '42501', 'or another');
SELECT is(public.after_loss(:'few', :'vic', :'north'), 'mia in South', 'one who is not listed');
SELECT is(public.after_loss('{mia,olga,adam,vic,otto,sue}', :'mia', :'south'), '42501', 'of many, the first one');
SELECT is(public.after_loss('{olga,mia,adam,vic,otto,sue}', :'mia', :'south'), '42501', 'or the second');
SELECT is(public.after_loss('{olga,adam,vic,otto,sue,mia}', :'mia', :'south'), '42501', 'or the last');
SELECT is(public.after_loss('{vic,olga,otto,mia,sue,adam}', :'vic', :'north'), '42501', 'whoever it is');
SELECT * FROM finish();
ROLLBACK;
