-- End a membership: psql -v user=ID -v tenant=NAME -v name=USERNAME -f remove.sql
\set QUIET on
\set ON_ERROR_STOP on
BEGIN;
SELECT set_config('casnet.user_id', :'user', true), casnet.use_tenant(:'tenant', true) \g /dev/null
SELECT casnet.remove_member(:'name') \g /dev/null
COMMIT;
