-- For tests of all that is stored about a person.  Visits and calls of persons in tables of
-- an application, notes of visits and parts of notes: each deleted with what it refers to.
-- Favours are kept without their person; debts forbid to delete it.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_author;
GRANT CREATE ON SCHEMA public TO tap_author;
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
CREATE TABLE shop.visits (id uuid DEFAULT casnet.uuid_v7(), tenant_id uuid, person_id uuid, note text, PRIMARY KEY (tenant_id, id));
CREATE TABLE shop.notes (id integer, tenant_id uuid, visit_id uuid, body text, PRIMARY KEY (tenant_id, id));
CREATE TABLE shop.calls (number text, tenant_id uuid, person_id uuid, PRIMARY KEY (tenant_id, number));
CREATE TABLE shop.favours (id integer, tenant_id uuid, person_id uuid, PRIMARY KEY (tenant_id, id));
CREATE TABLE shop.debts (id integer, tenant_id uuid, person_id uuid, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('shop.' || t, t) FROM unnest('{visits,notes,calls,favours,debts}'::text[]) AS t \g /dev/null
ALTER TABLE shop.visits ADD FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE shop.notes ADD FOREIGN KEY (visit_id, tenant_id) REFERENCES shop.visits (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE shop.calls ADD FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE shop.favours ADD FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE SET NULL (person_id);
ALTER TABLE shop.debts ADD FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id);
ALTER TABLE casnet.persons ADD COLUMN shoe_size integer;
SELECT casnet.enable_audit(t) FROM unnest('{casnet.persons,shop.visits,shop.notes,shop.calls,shop.favours,shop.debts}'::regclass[]) AS t \g /dev/null
\set ann 00000000-0000-7000-8000-00000000a001
\set bob 00000000-0000-7000-8000-00000000b001
\set visit 00000000-0000-7000-8000-00000000a002
\set moved 00000000-0000-7000-8000-00000000a003

-- Entries of the active tenant in which the text stands.
CREATE FUNCTION public.entries_with(what text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
	SELECT count(*) FROM casnet_internal.audit_entries AS e
	 WHERE e.tenant_id = casnet.current_tenant_id() AND concat(e.row_key, e.before, e.after) LIKE '%' || what || '%'
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO casnet.persons (id, name, shoe_size) VALUES (:'ann', 'Ann', 38), (:'bob', 'Bob', 44);
INSERT INTO shop.visits (id, person_id, note) VALUES (:'visit', :'ann', 'ann coughs'), (:'moved', :'ann', 'ann limps');
INSERT INTO shop.notes (id, visit_id, body) VALUES (1, :'visit', 'ann took pills');
