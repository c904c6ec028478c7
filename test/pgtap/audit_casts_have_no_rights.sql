-- The audit writes a value of a type with a cast to json as that says.  The cast belongs to
-- the type, not to the table nor to who writes: it runs with the rights of neither.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop;
GRANT USAGE, CREATE ON SCHEMA shop TO PUBLIC;
CREATE TABLE shop.ran (who name, identity text);
GRANT INSERT ON shop.ran TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TYPE shop.currency AS ENUM ('EUR', 'USD');
RESET SESSION AUTHORIZATION;
CREATE TYPE shop.price AS (amount numeric, currency shop.currency);
CREATE TABLE shop.invoices (id integer, tenant_id uuid, currency shop.currency, several shop.currency[], price shop.price, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('shop.invoices') \g /dev/null
SELECT casnet.enable_audit('shop.invoices') \g /dev/null
GRANT INSERT ON shop.invoices TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO shop.invoices VALUES (1, DEFAULT, 'EUR', '{EUR,USD}', '(1,USD)');
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION shop.as_json(shop.currency) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO shop.ran VALUES (current_user, concat_ws(' ', nullif(current_setting('casnet.token'), ''), nullif(current_setting('casnet.user_id'), ''), nullif(current_setting('casnet.tenant_id'), '')));
	RETURN '{"is": "a currency"}';
END
$$;
CREATE CAST (shop.currency AS json) WITH FUNCTION shop.as_json(shop.currency);
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO shop.invoices VALUES (2, DEFAULT, 'EUR', '{EUR,USD}', '(1,USD)');
SELECT is(a.after->'currency', e.expected, 'a value ' || e.said) FROM casnet.audit_log() AS a
  JOIN (VALUES ('1', '"EUR"'::jsonb, 'without a cast'), ('2', '{"is": "a currency"}', 'with one')) AS e (id, expected, said) ON a.after->>'id' = e.id ORDER BY e.id;
SELECT is(a.after #> '{price,currency}', '{"is": "a currency"}', 'also within another') FROM casnet.audit_log() AS a WHERE a.after->>'id' = '2';
RESET SESSION AUTHORIZATION;
SELECT is(count(*), 4::bigint, 'it ran for each value, in arrays and composite types too') FROM shop.ran;
SELECT is(array_agg(DISTINCT who), '{casnet_user,tap_maker}', 'as the owner of the type or as nobody') FROM shop.ran;
SELECT is(array_agg(DISTINCT identity), '{""}', 'nor of a user of casnet') FROM shop.ran;
SELECT is(current_setting('casnet.user_id'), :'olga', 'the session is who it was');
SELECT * FROM finish();
ROLLBACK;
