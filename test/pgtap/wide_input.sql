-- Long, odd and hostile text is stored, found or refused like any other.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql
CALL be('olga', 'North');

SELECT lives_ok($$SELECT casnet.create_tenant(repeat('x', 2000))$$, 'a name of 2,000 bytes');
SELECT throws_ok($$SELECT casnet.create_tenant(repeat('x', 2001))$$, '23514', NULL, 'one of 2,001');
SELECT is(casnet.use_tenant(repeat('x', 2000)), (SELECT tenant_id FROM casnet.my_tenants() WHERE name LIKE 'xx%'), 'is found');
CALL be('olga', 'North');
SELECT throws_ok(format('SELECT casnet.use_tenant(%L)', repeat(t, 10000)), 'P0002', NULL, 'one that is not there')
  FROM (VALUES ('y')) AS v (t);
CREATE TEMP TABLE names AS SELECT * FROM unnest(ARRAY['''; DROP TABLE casnet.records; --', 'Ärzte ohne Grenzen 国境なき医師団 🚑', E'a\nb\tc\\d', '$$%1$s%I{}"']) AS n;
SELECT lives_ok(format('SELECT casnet.create_tenant(%L)', n), 'an odd name') FROM names;
SELECT is((SELECT m.name FROM casnet.my_tenants() AS m WHERE m.tenant_id = casnet.use_tenant(n, true)), n, 'is found again') FROM names;
CALL be('olga', 'North');
SELECT throws_ok(format('SELECT casnet.%s', f), 'P0002', NULL, left(f, 50))
  FROM unnest(ARRAY['add_member(''%'')', 'remove_member(''mia'''' OR true --'')', 'set_member_role(''_ia'', ''owner'')', 'add_member(repeat(''x'', 100000))', 'remove_member('''')']) AS f;
SELECT throws_ok($$SELECT casnet.can(repeat('view_records', 10000))$$, '22023', NULL, 'a permission of 120,000 characters');
SELECT throws_ok($$SELECT casnet.add_member('nora', repeat('owner', 10000))$$, '22023', NULL, 'a role of 50,000');
SELECT throws_ok($$SELECT casnet.can('VIEW_RECORDS')$$, '22023', NULL, 'names of permissions have a case');
SELECT throws_ok($$SELECT casnet.can('view_records ')$$, '22023', NULL, 'and no blanks');
SELECT lives_ok($$INSERT INTO casnet.records (title, content) VALUES ('', repeat('long ', 1000000))$$, 'a record of five million characters');
SELECT is((SELECT max(length(content)) FROM casnet.records), 5000000, 'is read');
SELECT * FROM finish();
ROLLBACK;
