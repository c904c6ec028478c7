-- The world of fuzz_import.c: a database of its own, whose casnet is the library
-- :library, with a tenant to export, an empty one, and two accounts.
\set ON_ERROR_STOP on
CREATE EXTENSION casnet;
UPDATE pg_proc SET probin = :'library' WHERE probin = '$libdir/casnet';
\connect
CREATE PROCEDURE fuzz_import(arguments text[], ours text[], theirs text[])
	LANGUAGE c AS :'library', 'casnet_fuzz_import';

INSERT INTO casnet.users (id, username, email) VALUES
	('00000000-0000-7000-8000-000000000001', 'olga', 'olga@fuzz.test'),
	('00000000-0000-7000-8000-000000000002', 'mia', 'mia@fuzz.test');
INSERT INTO casnet.tenants (id, name) VALUES
	('00000000-0000-7000-8000-0000000000a0', 'North'), ('00000000-0000-7000-8000-0000000000c0', 'Empty');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
SELECT u.id, t.id, CASE u.username WHEN 'olga' THEN 'owner' ELSE 'member' END
  FROM casnet.users AS u, casnet.tenants AS t WHERE (u.username, t.name) <> ('mia', 'Empty');
CREATE ROLE fuzz_app;
GRANT casnet_authenticator TO fuzz_app;
CREATE TABLE documents (document jsonb);
GRANT ALL ON documents TO fuzz_app;

CREATE FUNCTION become_olga(role text) RETURNS text LANGUAGE sql AS $$
	SELECT set_config('casnet.user_id', '00000000-0000-7000-8000-000000000001', true)
		|| set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000a0', true)
		|| set_config('role', become_olga.role, true)
$$;

-- An imported tenant exports as documents whose copy exports as the same.
CREATE FUNCTION check_round_trip(tenant uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	first jsonb[] := ARRAY(SELECT casnet.export_tenant(tenant));
	copy uuid;
	second jsonb[];
BEGIN
	DELETE FROM documents;
	INSERT INTO documents SELECT unnest(first);
	copy := casnet.import_tenant('documents', name => 'Copy', keep_ids => true);
	second := ARRAY(SELECT casnet.export_tenant(copy));
	IF first[2:] IS DISTINCT FROM second[2:]
	   OR first[1] #- '{tenant,name}' #- '{tenant,id}' IS DISTINCT FROM
		  second[1] #- '{tenant,name}' #- '{tenant,id}' THEN
		RAISE EXCEPTION 'another export' USING DETAIL = first::text || ' ' || second::text;
	END IF;
END
$$;
