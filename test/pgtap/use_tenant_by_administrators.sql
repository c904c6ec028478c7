-- An administrator to whom nobody is signed in chooses any tenant, by name or id, for the
-- functions about members.  That makes nobody a member, and serves no other role.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT set_config('casnet.user_id', '', false), set_config('casnet.tenant_id', '', false) \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(state_of(format('SELECT casnet.use_tenant(%L)', t)), '28000', 'a user of nobody: ' || t) FROM unnest(ARRAY['North', :'north', 'Nowhere']) AS t;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of('SELECT casnet.use_tenant(''North'')'), '28000', 'a backend of nobody');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(casnet.use_tenant(t), :'north'::uuid, 'an administrator: ' || t) FROM unnest(ARRAY['North', ' North ', :'north', upper(:'north')]) AS t;
SELECT is(casnet.use_tenant(:'south'::uuid, true), casnet.current_tenant_id(), 'by the type');
SELECT results_eq('SELECT username FROM casnet.members()', '{mia,otto}'::text[], 'and sees the members');
SELECT is(state_of('SELECT count(*) FROM casnet.records'), '28000', 'but no record');
SELECT is(error_of(format('SELECT casnet.use_tenant(%L)', t)), 'P0002 | the tenant does not exist |  | SELECT id, name FROM casnet.tenants lists all tenants. | ', 'not ' || t) FROM unnest(ARRAY['Nowhere', :'nowhere', '']) AS t;
SELECT is(state_of('SELECT casnet.use_tenant(NULL)'), '22023', 'nor NULL');
-- As somebody, an administrator has that user's tenants.
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'olga')), false) IS NOT NULL AS now \gset
SELECT is(state_of('SELECT casnet.use_tenant(''South'')'), 'P0002', 'signed in');
SELECT is(casnet.use_tenant('North'), :'north'::uuid, 'to the own one');
SELECT set_config('casnet.token', token(jsonb_build_object('exp', 1000000000)), false) IS NOT NULL AS now \gset
SELECT is(state_of('SELECT casnet.use_tenant(''South'')'), '28000', 'with a token that has expired');
SELECT * FROM finish();
ROLLBACK;
