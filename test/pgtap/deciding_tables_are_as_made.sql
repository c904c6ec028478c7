-- If a table that decides about access is missing, or has a wrong column, everybody is
-- refused.  Unsuitable indexes are not used.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
CALL be('mia', 'North');
SELECT ok(casnet.can('view_tags'), 'all is well');
CREATE FUNCTION pg_temp.answer() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN casnet.can('view_tags')::text || casnet.can('delete_tags');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
RESET SESSION AUTHORIZATION;
SAVEPOINT whole;
ALTER TABLE casnet.role_permissions RENAME TO elsewhere;
SELECT is(pg_temp.answer(), '55000 table casnet.role_permissions does not exist', 'a table is missing');
ROLLBACK TO whole;
SELECT is(pg_temp.answer(), 'truefalse', 'and is back');
ALTER TABLE casnet.users RENAME COLUMN is_active TO active;
SELECT is(pg_temp.answer(), '55000 table casnet.users has no column is_active of type boolean', 'a column has another name');
ROLLBACK TO whole;
ALTER TABLE casnet.users ALTER COLUMN is_superuser DROP DEFAULT, ALTER COLUMN is_superuser TYPE text;
SELECT is(pg_temp.answer(), '55000 table casnet.users has no column is_superuser of type boolean', 'a column has another type');
ROLLBACK TO whole;
SELECT is(pg_temp.answer(), 'truefalse', 'all is well again');

-- Another column at the same number, after an earlier column was dropped.
ALTER TABLE casnet.users DROP COLUMN full_name CASCADE;
ALTER TABLE casnet.users ADD COLUMN full_name text;
SELECT is(pg_temp.answer(), 'truefalse', 'columns are found by name');
ROLLBACK TO whole;

-- Without its key a table is read whole, whatever other index exists.
ALTER TABLE casnet.user_tenants DROP CONSTRAINT user_tenants_pkey CASCADE;
DROP INDEX casnet.user_tenants_tenant_id_user_id_idx;
CREATE INDEX ON casnet.user_tenants (user_id, tenant_id) WHERE role = 'owner';
SELECT is(pg_temp.answer(), 'truefalse', 'not an index of some rows');
CREATE INDEX ON casnet.user_tenants (user_id);
SELECT is(pg_temp.answer(), 'truefalse', 'nor one of fewer columns');
CREATE INDEX missing ON casnet.user_tenants (user_id, tenant_id);
UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'casnet.missing'::regclass;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'nora', :'north', 'viewer');
CALL be('nora', 'North');
SELECT is(pg_temp.answer(), 'truefalse', 'nor one that is not valid');
ALTER TABLE casnet.users DROP CONSTRAINT users_pkey CASCADE;
CREATE INDEX ON casnet.users USING hash (id);
SELECT is(pg_temp.answer(), 'truefalse', 'nor one of another kind');
ROLLBACK TO whole;
CALL be('mia', 'North');
SELECT is(pg_temp.answer(), 'truefalse', 'and the keys are back');
SELECT * FROM finish();
ROLLBACK;
