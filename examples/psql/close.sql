-- Tag the records without a task as closed: psql -v user=ID -v tenant=NAME -f close.sql
\set QUIET on
\set ON_ERROR_STOP on
BEGIN;
SELECT set_config('casnet.user_id', :'user', true), casnet.use_tenant(:'tenant', true) \g /dev/null
SELECT casnet.tag_records(array_agg(id), '{closed}') FROM casnet.records AS r
 WHERE NOT EXISTS (SELECT FROM casnet.tasks AS t
                    WHERE t.tenant_id = r.tenant_id AND t.record_id = r.id) \g /dev/null
SELECT DISTINCT unnest(casnet.tags_of(id)) FROM casnet.records ORDER BY 1 LIMIT 1;
COMMIT;
