-- erase_person() blanks the entries about rows of the person also where a column, a table or
-- the key of rows had another name or form, or the row was nobody's for a while.  Entries
-- about rows that stay are kept.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
\set ann 00000000-0000-7000-8000-00000000a001
\set bob 00000000-0000-7000-8000-00000000b001
RESET SESSION AUTHORIZATION;
CREATE SCHEMA shop;
CREATE PROCEDURE public.make(name text, what text DEFAULT 'CASCADE', key text DEFAULT 'id', audits boolean DEFAULT true) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE shop.%I (id uuid DEFAULT casnet.uuid_v7(), person_id uuid, note text, tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), PRIMARY KEY (%s),
		FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE %s)', name, key, what);
	IF audits THEN
		PERFORM casnet.enable_audit(('shop.' || name)::regclass);
	END IF;
END
$$;
CREATE FUNCTION public.left_of(table_name text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', e.action, e.before->'note', e.after->'note'), ', ' ORDER BY e.at, e.id)
	  FROM casnet_internal.audit_entries AS e WHERE e.relation = 'shop.' || table_name AND concat(e.before, e.after) ~ 'text'
$$;
SELECT casnet.enable_audit('casnet.persons');
CALL be('olga', 'North');
INSERT INTO casnet.persons (id, tenant_id, name) VALUES (:'ann', :'north', 'Ann'), (:'bob', :'north', 'Bob');
CALL make('renamed_column'); CALL make('renamed'); CALL make('reused'); CALL make('gap'); CALL make('key', audits => false); CALL make('number', audits => false);
CALL make('nobody'); CALL make('nobodys'); CALL make('cleared', 'SET NULL (person_id)'); CALL make('parent'); CALL make('old_parent');
CREATE TABLE shop.child (id int PRIMARY KEY, parent_id uuid REFERENCES shop.parent ON DELETE CASCADE, tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), note text);
CREATE TABLE shop.old_child (id int PRIMARY KEY, parent_id uuid REFERENCES shop.old_parent ON DELETE CASCADE, tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), note text);
SELECT casnet.enable_audit('shop.child'), casnet.enable_audit('shop.old_child');

-- A row that was deleted before its column or table got another name.
INSERT INTO shop.renamed_column (person_id, note) VALUES (:'ann', 'text');
INSERT INTO shop.renamed (person_id, note) VALUES (:'ann', 'text');
INSERT INTO shop.reused (person_id, note) VALUES (:'ann', 'text');
DELETE FROM shop.renamed_column; DELETE FROM shop.renamed; DELETE FROM shop.reused;
INSERT INTO shop.renamed_column (person_id, note) VALUES (:'bob', 'text of bob');
ALTER TABLE shop.renamed_column RENAME person_id TO client_id;
ALTER TABLE shop.renamed RENAME TO renamed_once;
ALTER TABLE shop.reused RENAME TO reused_once;
CREATE TABLE shop.reused (id uuid PRIMARY KEY, person_id uuid, tenant_id uuid);
SELECT casnet.enable_audit('shop.reused');
-- One that refers to a row of the person's, which is there or was deleted.
INSERT INTO shop.parent (person_id) VALUES (:'ann');
INSERT INTO shop.old_parent (person_id) VALUES (:'ann');
INSERT INTO shop.child SELECT 1, id, tenant_id, 'text' FROM shop.parent;
INSERT INTO shop.old_child SELECT 1, id, tenant_id, 'text' FROM shop.old_parent;
DELETE FROM shop.child; DELETE FROM shop.old_parent;
ALTER TABLE shop.child RENAME TO child_once; ALTER TABLE shop.old_parent RENAME TO old_parent_once; ALTER TABLE shop.old_child RENAME TO old_child_once;
-- Rows that are older than the audit, and get another key, or a key of another form.
INSERT INTO shop.key (person_id) VALUES (:'ann');
INSERT INTO shop.number (person_id) VALUES (:'ann');
SELECT casnet.enable_audit('shop.key'), casnet.enable_audit('shop.number');
UPDATE shop.key SET note = 'text'; UPDATE shop.key SET note = 'other text';
UPDATE shop.number SET note = 'text'; UPDATE shop.number SET note = 'other text'; UPDATE shop.number SET id = casnet.uuid_v7();
ALTER TABLE shop.key DROP CONSTRAINT key_pkey, ADD PRIMARY KEY (tenant_id, id);
-- A row that was nobody's for a while, and one that is.
INSERT INTO shop.nobody (note) VALUES ('text'); INSERT INTO shop.nobodys (person_id, note) VALUES (:'ann', 'text');
UPDATE shop.nobody SET person_id = :'ann'; UPDATE shop.nobody SET person_id = NULL; UPDATE shop.nobodys SET person_id = NULL;
UPDATE shop.nobody SET note = 'text 2'; UPDATE shop.nobodys SET note = 'text 2';
UPDATE shop.nobody SET person_id = :'ann';
-- Rows that stay: entries from before a gap in the audit as well.
INSERT INTO shop.cleared (person_id, note) VALUES (:'ann', 'text');
SELECT casnet.disable_audit('shop.cleared'), casnet.enable_audit('shop.cleared');
UPDATE shop.cleared SET note = 'text 2';
INSERT INTO shop.gap (person_id, note) VALUES (:'ann', 'text');
SELECT casnet.disable_audit('shop.gap'), casnet.enable_audit('shop.gap');
UPDATE shop.gap SET person_id = :'bob', note = 'text of bob';
UPDATE shop.gap SET note = 'text 2 of bob';
SELECT rows > 0 AS erased FROM casnet.erase_person(:'ann') WHERE action = 'blanked' \gset

SELECT is(left_of(t), NULL, t) FROM unnest('{renamed,reused,child,old_parent,old_child,key,number,nobody}'::text[]) AS t;
SELECT is(left_of('renamed_column'), 'INSERT "text of bob"', 'of a renamed column, but for another person''s row');
SELECT is(left_of('nobodys'), 'UPDATE "text" "text 2"', 'what a row said that was nobody''s at last stays');
SELECT is(left_of('cleared'), 'INSERT "text", UPDATE "text" "text 2"', 'so does a row that a key clears');
SELECT is(left_of('gap'), 'UPDATE "text of bob" "text 2 of bob"', 'and what another person''s row said since it was that person''s');
SELECT is((SELECT note FROM shop.cleared), 'text 2', 'the row is there');
SELECT is(state_of(format('SELECT casnet.undelete(''shop.renamed_column'', %L, true, ''{"person_id": null}'')',
	(SELECT row_key->>'id' FROM casnet_internal.audit_entries WHERE relation = 'shop.renamed_column' AND action = 'DELETE'))), 'P0002', 'nothing comes back');
SELECT * FROM finish();
ROLLBACK;
