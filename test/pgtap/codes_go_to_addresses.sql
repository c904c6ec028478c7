-- invite_member() and email_code() take what mail can be sent to, and say what is wrong with
-- anything else: a username, several words, an address that would be stored otherwise.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT is(split_part(error_of(format('SELECT casnet.%s(%L)', f, a)), ' | ', 2), m, f || ' ' || w) FROM unnest('{invite_member,email_code}'::text[]) AS f, (VALUES
	('a b@x.test', 'the email address has a space or a control character', 'a space'),
	('Ada <ada@x.test>', 'the email address has a space or a control character', 'with a name'),
	('mia', 'the email address has no name, or no domain after an @', 'a username'),
	('@x.test', 'the email address has no name, or no domain after an @', 'no name'),
	('mia@', 'the email address has no name, or no domain after an @', 'no domain'),
	('JÖRG@x.test', 'casnet would store the email address in another form', 'other capital letters'),
	(' ', 'the email address is blank or too long', 'blank')) AS v (a, m, w);
SELECT is(split_part(error_of('SELECT casnet.invite_member(''mia'')'), ' | ', 4), 'Give the address that the code is sent to. casnet.add_member() takes the username of an account.', 'a username is for another function');
SELECT is(error_of('SELECT casnet.invite_member(''New.Person+1@Mail.x.test'')'), 'none', 'an address');
SELECT is(error_of('SELECT casnet.email_code(''"odd@name"@x.test'')'), 'none', 'also an odd one');
SELECT * FROM finish();
ROLLBACK;
