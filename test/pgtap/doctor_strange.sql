-- casnet.doctor() does not fail on roles and objects that no longer exist, nor on names
-- that need quotes.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/doctor.sql
UPDATE pg_class SET relacl = relacl || ('=r/' || current_user)::aclitem WHERE oid = 'casnet.records'::regclass;
UPDATE pg_class SET relacl = ARRAY[makeaclitem(999999, 10, 'SELECT', false), makeaclitem(999999, 10, 'TRUNCATE', false)] WHERE oid = 'casnet.tags'::regclass;
UPDATE pg_proc SET proacl = ARRAY[makeaclitem(999999, 10, 'EXECUTE', true)] WHERE oid = 'casnet_internal.can_in(uuid,text)'::regprocedure;
UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'casnet.persons_tenant_id_name_idx'::regclass;
INSERT INTO pg_auth_members (roleid, member, grantor, admin_option)
SELECT 'casnet_user'::regrole, 999999, 10, false WHERE current_setting('server_version_num')::int < 160000;
INSERT INTO pg_db_role_setting VALUES (0, 999999, '{work_mem=1}'), (999999, 0, '{row_security=off}');
SELECT lives_ok('SELECT * FROM casnet.doctor()', 'dropped roles and databases');
SELECT is(diagnosis('grant-unpoliced'), NULL, 'have nothing');
SELECT is(diagnosis('setting-row-security'), NULL, 'and no setting');
SELECT is(diagnosis('grant-public'), 'warning casnet.records', 'others still do');

CREATE SCHEMA "a b; --'";
CREATE TABLE "a b; --'"."T""x" (tenant_id uuid, "i d" int PRIMARY KEY, up int REFERENCES "a b; --'"."T""x");
CREATE POLICY "p'q" ON "a b; --'"."T""x" FOR SELECT USING (tenant_id = casnet.tenant_with('view_records'));
CREATE POLICY "every""one" ON "a b; --'"."T""x" FOR UPDATE USING (true);
CREATE INDEX "x'y" ON "a b; --'"."T""x" (up);
CREATE FUNCTION "a b; --'"."f (x)"() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$SELECT count(*) FROM "a b; --'"."T""x"$$;
CREATE VIEW "a b; --'"."v v" AS SELECT * FROM "a b; --'"."T""x";
CREATE ROLE "r'; --";
GRANT casnet_user TO "r'; --";
ALTER ROLE "r'; --" BYPASSRLS;
ALTER ROLE "r'; --" SET row_security = off;
GRANT TRUNCATE ON "a b; --'"."T""x" TO "r'; --";
GRANT SELECT ON "a b; --'"."v v" TO "r'; --";
SELECT is((SELECT string_agg(DISTINCT code, ' ') FROM casnet.doctor() WHERE object ~ '"(T""x|r|x''y|f |v v)'), 'function-definer function-search-path grant-unpoliced index-without-tenant key-across-tenants key-without-tenant policy-widens role-bypassrls setting-row-security table-no-policy table-not-forced table-rls-off view-definer', 'names with quotes');
SELECT is(after_remedy(code), 'silent', code)
  FROM unnest(ARRAY['key-across-tenants', 'key-without-tenant', 'policy-widens', 'role-bypassrls', 'setting-row-security', 'table-no-policy', 'table-not-forced', 'table-rls-off', 'view-definer', 'function-definer', 'function-search-path', 'index-without-tenant']) AS code;
SELECT * FROM finish();
ROLLBACK;
