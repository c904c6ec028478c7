-- Who exports and erases persons: by permissions of their own, which only owners have by
-- default.  Erasing takes delete_persons besides, since it deletes as the caller.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
\set person 00000000-0000-7000-8000-0000000001a0
SELECT format('SELECT casnet.export_person(%L)', :'person') AS export, format('SELECT casnet.erase_person(%L)', :'person') AS erase \gset
SELECT alike(error_of(:'export'), '28000 | nobody is signed in | %', 'export: nobody');
SELECT alike(error_of(:'erase'), '28000 | nobody is signed in | %', 'erase: nobody');
CALL be('olga');
SELECT alike(error_of(:'export'), '55000 | no tenant is active | %', 'export: no tenant');
SELECT alike(error_of(:'erase'), '55000 | no tenant is active | %', 'erase: no tenant');
CALL be('otto', 'North');
SELECT alike(error_of(:'export'), '42501 | not a member of the active tenant | %', 'export: a stranger');
SELECT alike(error_of(:'erase'), '42501 | not a member of the active tenant | %', 'erase: a stranger');
CALL be('adam', 'North');
SELECT alike(error_of(:'export'), '42501 | permission "export_persons" is missing in the active tenant | %', 'export: an admin');
SELECT alike(error_of(:'erase'), '42501 | permission "erase_persons" is missing in the active tenant | %', 'erase: an admin');
CALL be('olga', 'North');
SELECT is(error_of(:'export'), 'none', 'export: an owner');
SELECT is(error_of(:'erase'), 'none', 'erase: an owner');
SELECT is(error_of('SELECT casnet.erase_person(NULL)'), '22023 | the person is null |  | Give the id of a person. | ', 'erase: NULL');
SELECT is(error_of(format('SELECT casnet.erase_person(%L, repeat(''x'', 1001))', :'person')), '22001 | the reason is too long |  | Give at most 1000 bytes, such as the number of the request. | ', 'erase: a long reason');
SELECT is(error_of(format('SELECT casnet.erase_person(%L, repeat(''x'', 1000))', :'person')), 'none', 'erase: one that just fits');
CALL be('olga', 'North');
SELECT is(error_of(format('SELECT casnet.erase_person(%L)', '00000000-0000-7000-8000-0000000001b0')), 'P0002 | there is no such person |  | SELECT id, name FROM casnet.persons lists those of the active tenant. | ', 'erase: a person of another tenant');
SELECT is(error_of(format('SELECT casnet.erase_person(%L)', :'nowhere')), 'P0002 | there is no such person |  | SELECT id, name FROM casnet.persons lists those of the active tenant. | ', 'erase: nobody at all');

-- A role for those who answer such requests, and see nothing else.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.roles (name) VALUES ('privacy');
INSERT INTO casnet.role_permissions (role, permission) VALUES ('privacy', 'export_persons'), ('privacy', 'erase_persons');
UPDATE casnet.user_tenants SET role = 'privacy' WHERE user_id = :'vic';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic', 'North');
SELECT is(state_of('SELECT FROM casnet.persons'), '42501', 'who has only these');
SELECT is((SELECT count(*) FROM casnet.export_person(:'person')), 7::bigint, 'exports');
SELECT alike(error_of(:'erase'), '42501 | permission "delete_persons" is missing in the active tenant | %', 'and erases');
SELECT alike(error_of(format('SELECT casnet.erase_person(%L)', :'nowhere')), '42501 | permission "delete_persons" is missing in the active tenant | %', 'also who is not there any more');
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.role_permissions (role, permission) VALUES ('privacy', 'delete_persons'), ('privacy', 'view_persons');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(error_of(:'erase'), 'none', 'with delete_persons');

-- The rows of a person are read only for who holds one of the two.
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION casnet_internal.rows_of_person(uuid, boolean) TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
SELECT alike(error_of(format('SELECT casnet_internal.rows_of_person(%L, false)', :'person')), '42501 | permission "export_persons" is missing in the active tenant | %', 'whoever may call what reads the rows');
SELECT alike(error_of(format('SELECT casnet_internal.rows_of_person(%L, true)', :'person')), '42501 | permission "erase_persons" is missing in the active tenant | %', 'or locks them');
SELECT * FROM finish();
ROLLBACK;
