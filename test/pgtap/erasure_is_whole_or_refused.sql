-- erase_person() does everything or nothing: an error leaves the person and the entries of
-- the audit as they were.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
\ir include/persons.sql
SELECT format('SELECT casnet.erase_person(%L)', :'ann') AS erase \gset

-- A statement around it would write its entry when it ends.
SELECT is(error_of(format('WITH u AS (UPDATE casnet.persons SET name = ''ann x'' WHERE id = %L RETURNING id) SELECT e.* FROM u, casnet.erase_person(u.id) AS e', :'ann')),
	'55000 | a person cannot be erased within a statement that writes |  | Call casnet.erase_person() in a statement of its own. | ', 'within a statement that writes');
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.erase_ann() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casnet.erase_person('00000000-0000-7000-8000-00000000a001');
	RETURN NULL;
END
$$;
CREATE TRIGGER erase_ann AFTER INSERT ON casnet.tags FOR EACH ROW EXECUTE FUNCTION public.erase_ann();
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of('INSERT INTO casnet.tags (name) VALUES (''x'')'), '55000', 'within a trigger');

-- Rows of a table can forbid to delete the person.
INSERT INTO shop.debts (id, person_id) VALUES (1, :'ann');
SELECT alike(error_of(:'erase'), '23503 | update or delete on table "persons" violates foreign key constraint "debts_person_id_tenant_id_fkey" on table "debts" | %', 'while a row forbids it');
DELETE FROM shop.debts;

-- Whoever does not see the person does not erase it.
RESET SESSION AUTHORIZATION;
CREATE POLICY narrow ON casnet.persons AS RESTRICTIVE FOR DELETE USING (name = 'Bob');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of(:'erase'), 'P0002 | there is no such person | %', 'where a policy forbids to delete the person');
RESET SESSION AUTHORIZATION;
DROP POLICY narrow ON casnet.persons;

-- A trigger of the application can make somebody else of the session, or keep the row.
CREATE FUNCTION public.be_mia() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('casnet.user_id', '00000000-0000-7000-8000-000000000003', false);
	RETURN NULL;
END
$$;
SELECT casnet.disable_audit(t) FROM unnest('{casnet.persons,shop.visits,shop.notes,shop.favours,shop.calls,shop.debts}'::regclass[]) AS t \g /dev/null
CREATE TRIGGER zz_be_mia AFTER DELETE ON casnet.persons FOR EACH STATEMENT EXECUTE FUNCTION public.be_mia();
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(error_of(:'erase'), '55000 | the user, the role or the tenant of the session changed while a person was erased |  | Look for a trigger that signs in or out, or that changes the role. | ', 'if a trigger signs somebody else in');
RESET SESSION AUTHORIZATION;
DROP TRIGGER zz_be_mia ON casnet.persons;
SELECT casnet.enable_audit(t) FROM unnest('{casnet.persons,shop.visits,shop.notes,shop.favours,shop.calls,shop.debts}'::regclass[]) AS t \g /dev/null
CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON casnet.persons FOR EACH ROW EXECUTE FUNCTION public.keep();
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of(:'erase'), 'P0002', 'if a trigger keeps the person');
RESET SESSION AUTHORIZATION;
DROP TRIGGER keep ON casnet.persons;
CREATE FUNCTION public.bring_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO casnet.persons (id, name) VALUES (OLD.id, OLD.name);
	RETURN NULL;
END
$$;
CREATE TRIGGER bring_back AFTER DELETE ON casnet.persons FOR EACH ROW EXECUTE FUNCTION public.bring_back();
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(error_of(:'erase'), '40001 | the person was brought back while it was erased |  | Run the statement again. | ', 'or brings it back');
RESET SESSION AUTHORIZATION;
DROP TRIGGER bring_back ON casnet.persons;

-- Code of others runs with its owner's rights, or not at all: a cast to json, for which the
-- server asks when it makes a document.
SET LOCAL SESSION AUTHORIZATION tap_author;
CREATE TYPE public.odd AS ENUM ('odd');
CREATE FUNCTION public.odd_to_json(public.odd) RETURNS json LANGUAGE plpgsql AS 'BEGIN RETURN to_json(current_user); END';
CREATE CAST (public.odd AS json) WITH FUNCTION public.odd_to_json(public.odd);
RESET SESSION AUTHORIZATION;
ALTER TABLE shop.notes ADD COLUMN odd public.odd;
UPDATE shop.notes SET odd = 'odd';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of(format('SELECT casnet.export_person(%L)', :'ann')), '55000 | function "odd_to_json" would run with more rights than its owner has | %', 'an export runs no code of a stranger as the owner of a table');
SELECT alike(error_of(:'erase'), '55000 | function "odd_to_json" would run with more rights than its owner has | %', 'nor does an erasure');
RESET SESSION AUTHORIZATION;
ALTER TABLE shop.notes DROP COLUMN odd;

-- A partition of somebody else has code of its own.
CREATE TABLE shop.stays (id integer, tenant_id uuid, person_id uuid, PRIMARY KEY (tenant_id, id)) PARTITION BY RANGE (id);
CREATE TABLE shop.stays_1 PARTITION OF shop.stays FOR VALUES FROM (1) TO (9);
ALTER TABLE shop.stays ADD FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE;
GRANT CREATE ON SCHEMA shop TO tap_author;
ALTER TABLE shop.stays_1 OWNER TO tap_author;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of(format('SELECT casnet.export_person(%L)', :'ann')), '55000 | partition "stays_1" of table "stays" belongs to another role | %', 'no table is read of which somebody else has a part');
RESET SESSION AUTHORIZATION;
DROP TABLE shop.stays;

-- After each of these everything was there.
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is((SELECT count(*) FROM casnet.persons WHERE id = :'ann'), 1::bigint, 'the person is still there');
SELECT is(public.entries_with('ann') + public.entries_with('Ann'), 4::bigint, 'and so are the entries');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE action = 'ERASE'), 0::bigint, 'no erasure is recorded');
RESET SESSION AUTHORIZATION;
SELECT throws_ok('UPDATE casnet_internal.audit_entries SET before = NULL', '42501', 'entries of the audit cannot be changed or deleted', 'and nobody else changes entries');
SET LOCAL SESSION AUTHORIZATION tap_app;
SAVEPOINT undone;
SELECT count(*) AS rows FROM casnet.erase_person(:'ann') \gset
ROLLBACK TO undone;
SELECT is(:rows, 4, 'an erasure that is undone');
SELECT is((SELECT count(*) FROM casnet.persons WHERE id = :'ann'), 1::bigint, 'undoes the deletion');
SELECT is(public.entries_with('ann') + public.entries_with('Ann'), 4::bigint, 'and the entries');
SELECT lives_ok(:'erase', 'at last it is done');
SELECT is(public.entries_with('ann') + public.entries_with('Ann'), 0::bigint, 'wholly');

SELECT * FROM finish();
ROLLBACK;
