-- Making a table's audit and its load view runs nothing that belongs to the table.  What the
-- server asks of the table's types runs as the table's owner.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
\ir include/hostile.sql
SET LOCAL SESSION AUTHORIZATION tap_evil;
CALL h.make('t', 'tenant_id uuid NOT NULL DEFAULT ''00000000-0000-7000-8000-0000000000a0'',');
CREATE TABLE h.shades (id int PRIMARY KEY, tenant_id uuid NOT NULL, shade h.shade, own h.id DEFAULT ('(00000000-0000-7000-8000-0000000000a0)'::h.pair).id);
RESET SESSION AUTHORIZATION;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT casnet.protect('h.shades') IS NOT NULL AS made \gset
SELECT is(h.rose(), 'no', 'protected');
SELECT has_view('h', 'shades_load', 'with a view to load it through');
SELECT view_owner_is('h', 'shades_load', 'tap_evil', 'of its owner');

SELECT lives_ok('SELECT casnet.enable_audit(''h.t''), casnet.enable_audit(''h.shades'')', 'a superuser has them audited');
SELECT lives_ok('SELECT casnet_internal.make_load_view(''h.t'')', 'and makes a view');
SELECT view_owner_is('h', 't_load', 'tap_evil', 'which is the owner''s');
SELECT is(h.rose(), 'no', 'the default of a row type runs as the owner');
ALTER TABLE h.t ALTER own SET DEFAULT ('(00000000-0000-7000-8000-0000000000b0)'::h.pair).id;
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT lives_ok('SELECT casnet_internal.make_load_view(''h.t'')', 'brought up to date');
SELECT is(h.rose(), 'no', 'as the owner too');
SET LOCAL SESSION AUTHORIZATION tap_boss;
SELECT lives_ok('SELECT casnet.enable_audit(''h.t''), casnet.disable_audit(''h.t'')', 'an administrator does it');
SELECT is(h.rose_if_at_all(), NULL, 'nothing runs');

-- For rows, what belongs to the statement runs as the role that executes it.  The cast of a
-- type to json, which the audit calls, runs as the owner of the table.
RESET SESSION AUTHORIZATION;
SELECT casnet.disable_audit('h.t') IS NULL AS ended \gset
SELECT h.rose() IS NOT NULL AS begun \gset
GRANT USAGE ON SCHEMA h TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('sue', 'North');
SELECT lives_ok($$INSERT INTO h.shades (id, shade, own) VALUES (1, 'dark', NULL)$$, 'a row');
SELECT is(h.rose(), 'domain and null as tap_app', 'its audit runs as the owner');
COPY h.shades_load (id, shade, own) FROM stdin;
2	dark	\N
\.
SELECT is((SELECT count(*) FROM h.shades), 2::bigint, 'rows are loaded');
SELECT is(h.rose(), 'domain and null as tap_app', 'their audit too');
SELECT lives_ok('UPDATE h.shades SET shade = NULL WHERE id = 1', 'a change');
SELECT is(h.rose(), 'no', 'and this one');
RESET SESSION AUTHORIZATION;
SELECT casnet.delete_tenant(:'north') IS NOT NULL AS deleted \gset
SELECT is(h.rose(), 'no', 'rows that go with their tenant');
SELECT * FROM finish();
ROLLBACK;
