-- Tables of any shape belong to a person: partitioned ones, with odd names, with another
-- column for the tenant, and rows that refer to each other in a ring.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/persons.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE shop.stays (id integer, tenant_id uuid, person_id uuid, note text, PRIMARY KEY (tenant_id, id)) PARTITION BY RANGE (id);
CREATE TABLE shop.stays_1 PARTITION OF shop.stays FOR VALUES FROM (1) TO (9);
CREATE TABLE shop.stays_2 PARTITION OF shop.stays FOR VALUES FROM (9) TO (20);
CREATE TABLE shop."odd ""one" ("the id" bigint, "my tenant" uuid, "who, is" uuid, "note" text, PRIMARY KEY ("my tenant", "the id"));
CREATE TABLE shop.tree (id integer, tenant_id uuid, parent integer, person_id uuid, note text, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('shop.stays'), casnet.protect('shop."odd ""one"', 'odd', tenant_column => 'my tenant'), casnet.protect('shop.tree') \g /dev/null
ALTER TABLE shop.stays ADD FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE shop."odd ""one" ADD FOREIGN KEY ("who, is", "my tenant") REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE shop.tree ADD FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE shop.tree ADD FOREIGN KEY (parent, tenant_id) REFERENCES shop.tree (id, tenant_id) ON DELETE CASCADE DEFERRABLE;
CREATE TABLE shop.leaves (id integer, tenant_id uuid, stay integer, note text, PRIMARY KEY (tenant_id, id));
ALTER TABLE shop.leaves ADD FOREIGN KEY (stay, tenant_id) REFERENCES shop.stays (id, tenant_id) ON DELETE CASCADE;
CREATE TABLE shop.crumbs (id integer, tenant_id uuid, stay integer, note text, PRIMARY KEY (tenant_id, id));
ALTER TABLE shop.crumbs ADD FOREIGN KEY (stay, tenant_id) REFERENCES shop.stays_2 (id, tenant_id) ON DELETE CASCADE;
CREATE TABLE shop.parts (id integer, tenant_id uuid, whole bigint, note text, PRIMARY KEY (tenant_id, id));
ALTER TABLE shop.parts ADD FOREIGN KEY (whole, tenant_id) REFERENCES shop."odd ""one" ("the id", "my tenant") ON DELETE CASCADE;
SELECT casnet.protect('shop.leaves'), casnet.protect('shop.crumbs'), casnet.protect('shop.parts') \g /dev/null
ALTER TABLE casnet.persons ADD COLUMN guardian uuid, ADD FOREIGN KEY (guardian, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE;
SELECT casnet.enable_audit(t) FROM unnest(ARRAY['shop.stays', 'shop."odd ""one"', 'shop.tree', 'shop.leaves', 'shop.crumbs', 'shop.parts']::regclass[]) AS t \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO shop.stays (id, person_id, note) VALUES (1, :'ann', 'ann in one'), (10, :'ann', 'ann in two'), (11, :'bob', 'bob');
UPDATE shop.stays SET id = 12, note = 'ann moves' WHERE id = 1;
INSERT INTO shop.leaves (id, stay, note) VALUES (1, 10, 'ann leaves'), (2, 11, 'bob leaves');
INSERT INTO shop."odd ""one" ("the id", "who, is", note) VALUES (1, :'ann', 'ann is odd');
INSERT INTO shop.crumbs (id, stay, note) VALUES (1, 10, 'ann crumbles');
INSERT INTO shop.parts (id, whole, note) VALUES (1, 1, 'ann in part');
DELETE FROM shop.parts;
UPDATE casnet.persons SET guardian = :'bob' WHERE id = :'ann';
INSERT INTO casnet.persons (id, name, guardian) VALUES ('00000000-0000-7000-8000-00000000e001', 'ann''s child', :'ann');
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO shop.tree (id, parent, person_id, note) VALUES (1, 3, :'ann', 'ann at the root'), (2, 1, NULL, 'ann on a branch'), (3, 2, NULL, 'ann in a ring'), (4, NULL, NULL, 'none');
SET CONSTRAINTS ALL IMMEDIATE;

SELECT is((SELECT array_agg(d#>>'{row,note}' ORDER BY d#>>'{row,note}') FROM casnet.export_person(:'ann') AS d WHERE d->>'table' ~ 'stays|odd|tree|leaves|crumbs'),
	'{ann at the root,ann crumbles,ann in a ring,ann in two,ann is odd,ann leaves,ann moves,ann on a branch}', 'each row once');
SELECT is((SELECT array_agg(concat_ws(' ', relation, action, rows)) FROM casnet.erase_person(:'ann') WHERE relation ~ 'stays|odd|tree|leaves|crumbs'),
	ARRAY['shop."odd ""one" deleted 1', 'shop.crumbs deleted 1', 'shop.leaves deleted 1', 'shop.stays deleted 2', 'shop.tree deleted 3'], 'by the names of their tables');
SELECT is((SELECT array_agg(note) FROM shop.stays), '{bob}', 'the rows of a partitioned table are gone');
SELECT is((SELECT array_agg(note) FROM shop.leaves), '{bob leaves}', 'and those below');
SELECT is((SELECT array_agg(note) FROM shop.tree), '{none}', 'a ring');
SELECT is((SELECT count(*) FROM shop."odd ""one"), 0::bigint, 'and odd names');
SELECT is((SELECT array_agg(concat_ws(' ', relation, action)) FROM casnet.audit_log() WHERE concat(before, after) ~* 'ann' AND action <> 'ERASE'), NULL, 'and all entries');
SELECT is((SELECT count(*) FROM casnet.persons WHERE name ~ 'ann'), 0::bigint, 'a person who goes with another one is gone');
SELECT is(public.entries_with('bob'), 2::bigint, 'but for those of others');
SELECT * FROM finish();
ROLLBACK;
