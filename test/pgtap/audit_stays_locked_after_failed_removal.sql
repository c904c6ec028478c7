-- remove_audit_entries() allows the deletion of entries within its own statement only, even
-- if it fails, and never allows an UPDATE.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO casnet.records (title) VALUES ('new'), ('newer');
RESET SESSION AUTHORIZATION;
SELECT throws_ok('SELECT casnet_internal.remove_audit_entries(NULL, NULL, NULL)', '22023', 'neither a tenant nor a time was given', 'some must be named');
CREATE FUNCTION public.trip() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'tripped'; END$$;
CREATE TRIGGER trip AFTER DELETE ON casnet_internal.audit_entries FOR EACH ROW EXECUTE FUNCTION public.trip();
SELECT throws_ok(format('SELECT casnet_internal.remove_audit_entries(%L, NULL, NULL)', :'north'), 'P0001', 'tripped', 'a removal that fails');
DROP TRIGGER trip ON casnet_internal.audit_entries;
SELECT throws_ok('DELETE FROM casnet_internal.audit_entries', '42501', NULL, 'opens nothing');
SELECT throws_ok('UPDATE casnet_internal.audit_entries SET action = ''DELETE''', '42501', NULL, 'for no statement');
CREATE FUNCTION public.change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE casnet_internal.audit_entries SET action = 'DELETE' WHERE id <> OLD.id; RETURN OLD; END$$;
CREATE TRIGGER change BEFORE DELETE ON casnet_internal.audit_entries FOR EACH ROW EXECUTE FUNCTION public.change();
SELECT throws_ok(format('SELECT casnet_internal.remove_audit_entries(%L, NULL, NULL)', :'north'), '42501', 'entries of the audit cannot be changed or deleted', 'a removal that changes others');
DROP TRIGGER change ON casnet_internal.audit_entries;
SELECT is(casnet_internal.remove_audit_entries(:'north', NULL, NULL), 2::bigint, 'and the next one removes');
SELECT is_empty(format('SELECT FROM casnet_internal.audit_entries WHERE tenant_id = %L', :'north'), 'what there was');
SELECT * FROM finish();
ROLLBACK;
