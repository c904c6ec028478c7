-- While a tenant is deleted, code of a table's owner runs without a user and a tenant, even
-- if that owner is the session's role.  So it does the same whoever deletes.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA shop AUTHORIZATION tap_app;
CREATE TABLE shop.orders (id integer);
SELECT casnet.protect('shop.orders') IS NOT NULL AS protected \gset
INSERT INTO shop.orders (tenant_id, id) VALUES (:'north', 1), (:'south', 2);
ALTER TABLE shop.orders OWNER TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE shop.heard (who text, tenant text, shown text);
CREATE FUNCTION shop.listen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO shop.heard VALUES (coalesce(casnet.current_user_id()::text, 'nobody'), coalesce(casnet.current_tenant_id()::text, 'none'),
		concat(current_setting('casnet.user_id'), current_setting('casnet.tenant_id')));
	RETURN OLD;
END
$$;
CREATE TRIGGER listen BEFORE DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.listen();
CALL be('olga', 'North');
SELECT cmp_ok(casnet.delete_tenant(:'north'), '>', 10::bigint, 'the tenant is deleted');
SELECT is((SELECT array_agg(h::text) FROM shop.heard AS h), '{"(nobody,none,\"\")"}', 'by nobody, in no tenant');
SELECT is(current_setting('casnet.tenant_id'), :'north', 'and the session is what it was');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM shop.orders), 1::bigint, 'with its rows');
SELECT * FROM finish();
ROLLBACK;
