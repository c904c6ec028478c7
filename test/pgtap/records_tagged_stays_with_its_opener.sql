-- A cursor uses the tags of the tenant in which it was opened.  That holds even if the first
-- row is fetched after the session changed the tenant.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
CALL be('mia', 'North');
DECLARE tagged CURSOR FOR SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{North tag}'));
DECLARE other CURSOR FOR SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(none_of => '{North tag}'));
DECLARE by_from CURSOR FOR SELECT count(*) FROM casnet.records_tagged(any_of => '{North tag}');
DECLARE locking CURSOR FOR SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{North tag}')) FOR UPDATE;
CALL be('mia', 'South');
FETCH ALL FROM tagged \gset a_
SELECT is(:a_count, 2, 'records that have the tag');
FETCH ALL FROM other \gset b_
SELECT is(:b_count, 1, 'records that do not have it');
FETCH ALL FROM by_from \gset c_
SELECT is(:c_count, 2, 'in FROM');
CALL be('otto', 'South');
FETCH FROM locking \gset d_
SELECT matches(:'d_title'::text, '^North record [12]$', 'and for somebody else, with rows that are locked');
SELECT * FROM finish();
ROLLBACK;
