-- Search with a token: CASNET_TOKEN=... psql -v tenant=NAME -v words=WORDS -f search.sql
\set QUIET on
\set ON_ERROR_STOP on
\getenv token CASNET_TOKEN
BEGIN;
SELECT casnet.sign_in(:'token', true), casnet.use_tenant(:'tenant', true) \g /dev/null
SELECT title, snippet FROM casnet.search_records(:'words');
COMMIT;
