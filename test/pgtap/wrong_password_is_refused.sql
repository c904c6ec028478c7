-- The rule in a few seconds; login_refusals.sql tests the rest.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.set_password(:'mia', 'correct horse battery');
SELECT casnet.set_password(:'ines', 'correct horse battery');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT matches(casnet.login('mia', 'correct horse battery'), '^[^.]+[.][^.]+[.][^.]+$', 'the right one');
SELECT is(split_part(error_of(format('SELECT casnet.login(%L, %L)', name, password)), ' | ', 2), 'login failed', name || ' with ' || password)
  FROM (VALUES ('mia', 'correct horse batterz'), ('olga', 'correct horse battery'), ('ines', 'correct horse battery'), ('nobody', 'correct horse battery')) AS v (name, password);
SELECT * FROM finish();
ROLLBACK;
