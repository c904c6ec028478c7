-- COPY shows and adds only rows of the active tenant.
\set QUIET on
SET SESSION AUTHORIZATION regress_backend;
CALL be('olga', 'North');
COPY casnet.persons (name) TO STDOUT;
COPY casnet.tags (tenant_id, name) TO STDOUT;
COPY (SELECT title FROM casnet.tasks) TO STDOUT;
COPY (UPDATE casnet.persons SET name = name RETURNING name) TO STDOUT;
COPY (SELECT h FROM casnet_internal.password_hashes AS h) TO STDOUT;
COPY casnet_internal.password_hashes TO STDOUT;
\echo :LAST_ERROR_SQLSTATE
COPY casnet.users (username) TO STDOUT;

-- The server refuses COPY FROM into a table with policies.
\copy casnet.tags (name) from '/dev/null'
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
COPY casnet.tags (tenant_id, name) FROM '/nowhere';
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE

-- As another user.
CALL be('otto', 'South');
COPY casnet.persons (name) TO STDOUT;
CALL be('otto', 'North');
COPY casnet.persons (name) TO STDOUT;
\echo :LAST_ERROR_SQLSTATE
CALL be('');
COPY casnet.persons TO STDOUT;
\echo :LAST_ERROR_SQLSTATE
SET row_security = off;
COPY casnet.persons TO STDOUT;
\echo :LAST_ERROR_SQLSTATE
