-- A call from a stored function is no session's beside rows of a cursor: they are the opener's,
-- and the cursor is refused to another user, whether its table is in FROM or in a subquery.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
CREATE FUNCTION public.here() RETURNS uuid LANGUAGE sql STABLE RETURN casnet.tenant_with('view_records');
CALL be('olga', 'North');
DECLARE sub CURSOR FOR SELECT public.here(), (SELECT min(title) FROM casnet.records);
DECLARE rows CURSOR FOR SELECT DISTINCT public.here(), left(title, 5) FROM casnet.records;
DECLARE own CURSOR FOR SELECT public.here() AS tenant, (SELECT min(title) FROM casnet.records) AS title;
FETCH own \gset
SELECT is(:'tenant' || ' ' || :'title', :'north' || ' North record 1', 'the opener fetches');
CALL be('otto', 'South');
SELECT throws_ok('FETCH sub', '55000', NULL, 'another user does not, from a subquery');
SELECT throws_ok('FETCH rows', '55000', NULL, 'nor from a table');
DECLARE next CURSOR FOR SELECT public.here() AS tenant, (SELECT min(title) FROM casnet.records) AS title;
FETCH next \gset
SELECT is(:'tenant' || ' ' || :'title', :'south' || ' South record 1', 'but opens one of its own');
SELECT * FROM finish();
ROLLBACK;
