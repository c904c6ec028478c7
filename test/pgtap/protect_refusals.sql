-- A table that cannot be protected is refused, with the reason.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE EXTENSION hstore;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE TYPE public.shape AS (id int);
CREATE TABLE public.plain (id int);
CREATE VIEW public.a_view AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW public.a_matview AS SELECT 1 AS x;
CREATE FOREIGN TABLE public.far (id int) SERVER nowhere;
CREATE TEMP TABLE passing (id int);
CREATE TABLE public.parent (id int);
CREATE TABLE public.child () INHERITS (public.parent);
CREATE TABLE public.whole (id int) PARTITION BY LIST (id);
CREATE TABLE public.part PARTITION OF public.whole DEFAULT;
CREATE TABLE public.half (id int) PARTITION BY LIST (id);
CREATE FOREIGN TABLE public.far_part PARTITION OF public.half DEFAULT SERVER nowhere;
CREATE TABLE public.typed OF public.shape;
CREATE TABLE public.text_tenant (tenant_id text);
CREATE TABLE public.made_tenant (id uuid, tenant_id uuid GENERATED ALWAYS AS (id) STORED);
CREATE TABLE public.ext_table (id int);
ALTER EXTENSION hstore ADD TABLE public.ext_table;
CREATE INDEX plain_idx ON public.plain (id);
CREATE SEQUENCE public.seq;

SELECT alike(error_of(format('SELECT casnet.protect(%L)', name)), '42809 | table ' || shown || ' cannot be protected | ' || reason || '%', name)
  FROM (VALUES
	('public.a_view', 'public.a_view', 'It is a view. | Protect the tables%'), ('public.a_matview', 'public.a_matview', 'It is a view.'),
	('public.far', 'public.far', 'Its rows are on another server'), ('public.seq', 'public.seq', 'It is no table.'),
	('public.plain_idx', 'public.plain_idx', 'It is no table.'),
	('pg_catalog.pg_class', 'pg_class', 'It is a table of the system.'), ('casnet.records', 'casnet.records', 'It is a table of casnet.'),
	('casnet_internal.protected', 'casnet_internal.protected', 'It is a table of casnet.'),
	('public.part', 'public.part', 'It is a partition. | Protect public.whole;'), ('passing', '%passing', 'It is temporary'),
	('public.ext_table', 'public.ext_table', 'It belongs to an extension'), ('public.parent', 'public.parent', 'It inherits, or others inherit'),
	('public.child', 'public.child', 'It inherits, or others inherit'), ('public.half', 'public.half', 'A partition is a foreign table'),
	('public.typed', 'public.typed', 'It is a table of a type'), ('public.text_tenant', 'public.text_tenant', 'Its column tenant_id is of type text.'),
	('public.made_tenant', 'public.made_tenant', 'Its column tenant_id is generated.')) AS v (name, shown, reason);
SELECT throws_ok('SELECT casnet.protect(NULL)', '42P01', 'there is no such table', 'NULL');
SELECT throws_ok('SELECT casnet.protect(1)', '42P01', 'there is no such table', 'no table');
SELECT throws_ok('SELECT casnet.unprotect(NULL)', '42P01', 'there is no such table', 'nor to unprotect');
SELECT throws_ok('SELECT casnet.unprotect(''public.plain'')', '55000', 'table public.plain is not protected', 'unprotect() of one that is not protected');
SELECT throws_ok('SELECT casnet.unprotect(''casnet.records'')', '55000', 'table casnet.records is not protected', 'or of casnet');
SELECT throws_ok('SELECT casnet.unprotect(''public.seq'')', '55000', 'table public.seq is not protected', 'or of what is no table');
CREATE UNLOGGED TABLE public.quick (id int);
SELECT lives_ok('SELECT casnet.protect(''public.quick'')', 'an unlogged table is fine');
SELECT * FROM finish();
ROLLBACK;
