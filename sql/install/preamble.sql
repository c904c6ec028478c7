/* casnet: multi-tenant case management with isolation enforced in the server */

-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION casnet" to load this file. \quit

-- The bodies name tables that a restore makes only afterwards.
SET LOCAL check_function_bodies = off;
-- No name is looked up in a schema that nothing has checked yet (trust.sql).
SET LOCAL search_path = pg_catalog, pg_temp;
