-- If a type has a cast to json, the audit records a value as that cast gives it.  The cast
-- belongs to the type, so it has the rights of neither the table nor the writer.
BEGIN;
SELECT plan(15);
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
SELECT is(array_agg(DISTINCT who), '{tap_maker}', 'as the owner of the type') FROM shop.ran;
SELECT is(array_agg(DISTINCT identity), '{""}', 'nor of a user of casnet') FROM shop.ran;
SELECT is(current_setting('casnet.user_id'), :'olga', 'the session is who it was');
-- Composite types of several owners, at any depth: each cast runs as its owner, and the
-- value is that of to_jsonb().
CREATE ROLE tap_other;
SET LOCAL SESSION AUTHORIZATION tap_other;
CREATE TYPE shop.unit AS ENUM ('kg', 'l');
CREATE FUNCTION shop.as_json(shop.unit) RETURNS json LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.ran VALUES (current_user, ''); RETURN to_json('a unit'::text); END $$;
CREATE CAST (shop.unit AS json) WITH FUNCTION shop.as_json(shop.unit);
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TYPE shop.quantity AS (n integer, unit shop.unit, gone text);
ALTER TYPE shop.quantity DROP ATTRIBUTE gone;
CREATE DOMAIN shop.some_quantity AS shop.quantity;
CREATE DOMAIN shop.quantities AS shop.quantity[];
CREATE TYPE shop.item AS (name text, quantity shop.some_quantity, currency shop.currency, several shop.currency[], "at" date, none integer, data jsonb, part shop.quantity[]);
RESET SESSION AUTHORIZATION;
CREATE TABLE shop.carts (id integer, tenant_id uuid, item shop.item, items shop.item[], nested shop.quantities[], range int4range, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('shop.carts', 'invoices') \g /dev/null
SELECT casnet.enable_audit('shop.carts') \g /dev/null
DELETE FROM shop.ran;
INSERT INTO shop.carts SELECT 1, :'north', i, ARRAY[[i, NULL], [i, i]], ARRAY[ARRAY[q, NULL]::shop.quantities, ARRAY[]::shop.quantity[]::shop.quantities], '[1,2]'
  FROM (SELECT ROW(2, 'kg')::shop.quantity AS q) AS a, LATERAL (SELECT ROW('tea', q, 'EUR', '{EUR,NULL}', '2026-01-02', NULL, '{"b": [1, {}], "a": null}', ARRAY[q])::shop.item AS i) AS b;
SELECT is((SELECT array_agg(DISTINCT who) FROM shop.ran), '{tap_maker,tap_other}', 'each as the owner of its type');
SELECT is(count(*), 17::bigint, 'for each value') FROM shop.ran;
SELECT is(a.after->c, to_jsonb(t)->c, c) FROM shop.carts AS t, casnet.audit_log() AS a, unnest('{item,items,nested,range}'::text[]) AS c WHERE a.relation = 'shop.carts';
SELECT is(bool_or(who = current_user), true, 'as to_jsonb() does not') FROM shop.ran;
INSERT INTO shop.carts VALUES (2, :'north', NULL, '{}', NULL, NULL);
SELECT is(a.after - 'tenant_id' - 'id', '{"item": null, "items": [], "nested": null, "range": null}', 'without a value') FROM casnet.audit_log() AS a WHERE a.relation = 'shop.carts' AND a.after->>'id' = '2';
SELECT * FROM finish();
ROLLBACK;
