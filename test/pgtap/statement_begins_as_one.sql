-- A statement that changes the session while it starts is refused: the settings before the
-- change could have named an invalid token.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
GRANT CREATE ON SCHEMA public TO tap_client;
SET LOCAL SESSION AUTHORIZATION tap_client;
-- Mia's own token, and one in Otto's name, with an invalid signature.
SELECT public.token() AS good \gset
SELECT public.b64url('{"alg":"HS256","kid":"nokey"}') || '.' || public.b64url(format('{"sub":"%s","exp":4102444800,"gen":0}', :'otto')) || '.' ||
	   public.b64url(decode(repeat('00', 32), 'hex')) AS forged \gset
CREATE TABLE public.tokens (good text, forged text);
INSERT INTO public.tokens VALUES (:'good', :'forged');
CREATE TABLE public.parted (k integer) PARTITION BY RANGE (k);
CREATE TABLE public.parted_1 PARTITION OF public.parted FOR VALUES FROM (0) TO (10);
CREATE TABLE public.parted_2 PARTITION OF public.parted FOR VALUES FROM (10) TO (20);
INSERT INTO public.parted VALUES (5), (15);
CREATE FUNCTION public.switched() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_config('casnet.token', good, false), set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000a0', false) FROM public.tokens;
	RETURN 5;
END
$$;
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE shared AS SELECT r.title FROM public.parted AS p, casnet.records AS r WHERE p.k = public.switched() FOR SHARE OF r;
PREPARE plain AS SELECT r.title FROM public.parted AS p, casnet.records AS r WHERE p.k = public.switched();
PREPARE accounts AS SELECT u.username FROM public.parted AS p, casnet.users AS u WHERE p.k = public.switched();
PREPARE changed AS UPDATE casnet.records AS r SET content = 'x' FROM public.parted AS p WHERE p.k = public.switched() RETURNING title;
SELECT casnet.sign_in(:'good') AS u, set_config('casnet.tenant_id', :'north', false) AS t \gset
SELECT is((SELECT count(*) FROM public.parted), 2::bigint, 'a table of one''s own');
-- Plan now, so that later planning calls nothing.
SELECT is(ARRAY[rows_of('EXECUTE shared'), rows_of('EXECUTE plain'), rows_of('EXECUTE accounts'), rows_of('EXECUTE changed')], '{3,3,5,3}', 'the same identity again is no change');
SELECT set_config('casnet.token', :'forged', false) AS f, set_config('casnet.tenant_id', :'south', false) AS t \gset
SELECT matches(error_of('SELECT title FROM casnet.records'), '^28000 ', 'a forged token gives no user');
SELECT matches(error_of('EXECUTE shared'), '^55000 ', 'rows that are locked');
SELECT set_config('casnet.token', :'forged', false) AS f, set_config('casnet.tenant_id', :'south', false) AS t \gset
SELECT matches(error_of('EXECUTE plain'), '^55000 ', 'rows that are read');
SELECT set_config('casnet.token', :'forged', false) AS f, set_config('casnet.tenant_id', :'south', false) AS t \gset
SELECT matches(error_of('EXECUTE accounts'), '^55000 ', 'accounts');
SELECT set_config('casnet.token', :'forged', false) AS f, set_config('casnet.tenant_id', :'south', false) AS t \gset
SELECT matches(error_of('EXECUTE changed'), '^55000 ', 'rows that are changed');
SELECT set_config('casnet.token', :'forged', false) AS f, set_config('casnet.tenant_id', :'south', false) AS t \gset
DECLARE c CURSOR FOR SELECT 1;
SELECT matches(error_of('EXECUTE shared'), '^55000 ', 'once more');
SELECT * FROM finish();
ROLLBACK;
