-- In a transaction with one snapshot, erase_person() would not see what others have written
-- since it began, so it refuses.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT plan(1);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT is(error_of('SELECT casnet.erase_person(''00000000-0000-7000-8000-0000000001a0'')'), '55000 | a person cannot be erased in a transaction of this isolation level | It does not see what others have written since it began. | Call casnet.erase_person() in a READ COMMITTED transaction. | ', 'an isolation level with one snapshot');
SELECT * FROM finish();
ROLLBACK;
