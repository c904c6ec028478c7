-- The newest records of a tenant: psql -v user=ID -v tenant=NAME -f newest.sql
\set QUIET on
\set ON_ERROR_STOP on
BEGIN;
SELECT set_config('casnet.user_id', :'user', true), casnet.use_tenant(:'tenant', true) \g /dev/null
SELECT title FROM casnet.records ORDER BY created_at DESC, id DESC LIMIT 20;
COMMIT;
