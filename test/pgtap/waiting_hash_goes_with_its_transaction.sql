-- The hash that is written into a row waits in memory until the row exists, at most until
-- the transaction ends, even if it fails.  A role that learns the mark cannot use it later
-- to give somebody that password.
\set ON_ERROR_STOP off
BEGIN;
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', NEW.hashed_password USING ERRCODE = 'ZZ003'; END $$;
CREATE TRIGGER zz_tell BEFORE UPDATE ON casnet.users FOR EACH ROW EXECUTE FUNCTION public.tell();
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct horse') WHERE username = 'mia';
\set mark_of_failed :LAST_ERROR_MESSAGE
ROLLBACK;
BEGIN;
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.keep_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('tap.mark', NEW.hashed_password, false); RETURN NULL; END $$;
CREATE TRIGGER zz_keep_out BEFORE UPDATE ON casnet.users FOR EACH ROW EXECUTE FUNCTION public.keep_out();
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct horse') WHERE username = 'mia';
SELECT current_setting('tap.mark') AS mark_of_undone \gset
ROLLBACK;
\set ON_ERROR_STOP on
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT matches(:'mark_of_failed'::text, '^[$]casnet[$]', 'a mark of a transaction that failed');
SELECT matches(:'mark_of_undone'::text, '^[$]casnet[$]', 'and of one that was undone');
SELECT isnt(:'mark_of_failed'::text, :'mark_of_undone', 'each its own');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok(format('UPDATE casnet.users SET hashed_password = %L WHERE username = ''vic''', mark), '22023', NULL, 'stands for no hash any more') FROM unnest(ARRAY[:'mark_of_failed', :'mark_of_undone']) AS mark;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok($$SELECT casnet.login('vic', 'correct horse')$$, '28P01', NULL, 'and nobody has got it');
SELECT * FROM finish();
ROLLBACK;
