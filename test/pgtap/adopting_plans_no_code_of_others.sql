-- casnet.adopt_users() reads no table whose planning calls code of others: below a table of
-- one's own there can be tables of others, and indexes, statistics, checks and aggregates of
-- one's own can call functions of others.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_stranger;
CREATE TABLE public.ran (who name);
GRANT ALL ON public.ran TO PUBLIC;
CREATE SCHEMA old;
GRANT ALL ON SCHEMA old TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE FUNCTION old.notes() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); END $$;
CREATE FUNCTION old.spy(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM old.notes(); RETURN $1; END $$;
CREATE FUNCTION old.last(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM old.notes(); RETURN $2; END $$;
CREATE TABLE old.part (username text, email text);
CREATE INDEX ON old.part ((old.spy('x')));
CREATE TABLE old.child (username text, email text);
CREATE STATISTICS old.of_child ON (old.spy('s')), (username || 'x') FROM old.child;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON old.part, old.child TO tap_operator;
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE TABLE old.parted (username text, email text) PARTITION BY LIST (username);
CREATE TABLE old.parent (username text, email text);
CREATE TABLE old.indexed (username text, email text);
CREATE INDEX ON old.indexed ((old.spy('i')));
CREATE TABLE old.partial (username text, email text);
CREATE INDEX ON old.partial (email) WHERE old.spy('p') = username;
CREATE TABLE old.counted (username text, email text);
CREATE STATISTICS old.of_counted ON (old.spy('s')), (username || 'x') FROM old.counted;
CREATE TABLE old.checked (username text, email text, CHECK (old.spy('c') <> username));
CREATE TABLE old.keyed (username text, email text) PARTITION BY LIST ((old.spy(username)));
CREATE AGGREGATE old.agg(text) (SFUNC = old.last, STYPE = text);
CREATE VIEW old.aggregated AS SELECT old.agg('x'::text) AS username, 'x@x' AS email;
CREATE VIEW old.windowed AS SELECT old.agg('x'::text) OVER () AS username, 'x@x' AS email;
CREATE VIEW old.of_parted AS SELECT * FROM old.parted;
RESET SESSION AUTHORIZATION;
ALTER TABLE old.parted ATTACH PARTITION old.part DEFAULT;
ALTER TABLE old.child INHERIT old.parent;
DELETE FROM public.ran;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok(format('SELECT * FROM casnet.adopt_users(%L)', 'old.' || r), '55000', 'relation "' || r || '" could run code of others as yourself', r)
  FROM unnest('{parted,parent,indexed,partial,counted,checked,keyed,aggregated,windowed,of_parted}'::text[]) AS r;
RESET SESSION AUTHORIZATION;
SELECT is_empty('SELECT FROM public.ran', 'nothing of others has run');

-- What is one's own is taken, partitions included.
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE TABLE old.own (username text, email text, CHECK (username <> '')) PARTITION BY LIST (username);
CREATE TABLE old.own_part PARTITION OF old.own DEFAULT;
CREATE INDEX ON old.own ((lower(username))) WHERE length(email) > 1;
CREATE STATISTICS old.of_own ON (lower(username)), (lower(email)) FROM old.own_part;
INSERT INTO old.own VALUES ('zoe', 'zoe@old.test');
CREATE VIEW old.own_view AS SELECT max(username) AS username, max(email) AS email FROM old.own;
SELECT is_empty('SELECT * FROM casnet.adopt_users(''old.own'')', 'a table of one''s own with a partition, an index and statistics');
SELECT is_empty('SELECT * FROM casnet.adopt_users(''old.own_view'')', 'and a view of it');
SELECT is((SELECT count(*) FROM casnet.users WHERE email = 'zoe@old.test'), 1::bigint, 'which has somebody');
SELECT * FROM finish();
ROLLBACK;
