-- NULL, and missing tables, in functions that administrators and import call: an error with
-- a hint, as in the others.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO tap_app;
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.textne);
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TEMP TABLE documents (document jsonb);
INSERT INTO documents VALUES ('{"table": "tags", "row": {"id": "00000000-0000-7000-8000-000000000001", "name": "x", "created_at": "infinity", "updated_at": "infinity"}}');

SELECT alike(public.error_of(format('SELECT casnet_internal.import_members(''documents'', ''document'', %L, NULL, NULL, NULL)', b)), e, 'batches ' || b)
  FROM (VALUES ('["x", "y"]', '22023 | cannot cast jsonb string to type bigint%')) AS v (b, e);
SELECT alike(public.error_of('SELECT casnet_internal.refuse_document(''documents'', ''document'', ''(0,1)'', NULL, NULL)'),
	'22023 | document 1 (tags%) cannot be imported | "row" has the unknown key "created_at". | %', 'a document of no known shape');
SET LOCAL search_path = hostile, pg_catalog, public;
CREATE TEMP TABLE fitting AS SELECT k, casnet_internal.document_value_fits(k, v) AS fits
  FROM (VALUES ('boolean', 'true'::jsonb), ('role', '"owner"')) AS t (k, v);
RESET search_path;
SELECT ok(fits, 'the caller''s operators do not decide what fits: ' || k) FROM fitting;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT alike(public.error_of('SELECT ' || f), 'P0002 | there is no such table | % | Give %', f)
  FROM unnest(ARRAY['casnet_internal.make_load_view(NULL)', 'casnet_internal.require_protectable(4294967295, ''tenant_id'')', 'casnet_internal.check_auditable(NULL, NULL)']) AS f;
SELECT * FROM finish();
ROLLBACK;
