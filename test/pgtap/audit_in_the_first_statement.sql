-- The first statement of a session, which loads the library, can set the user and write.
-- Each write names the user as whom its own statement began.
BEGIN;
SELECT plan(1);
DO $$
BEGIN
	CREATE ROLE tap_app;
	GRANT casnet_authenticator TO tap_app;
	INSERT INTO casnet.users (id, username, email) VALUES
		('00000000-0000-7000-8000-000000000001', 'olga', 'olga@north.test'), ('00000000-0000-7000-8000-000000000002', 'adam', 'adam@north.test');
	INSERT INTO casnet.tenants (id, name) VALUES ('00000000-0000-7000-8000-0000000000a0', 'North');
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role) SELECT u.id, t.id, 'owner' FROM casnet.users AS u, casnet.tenants AS t;
	PERFORM casnet.enable_audit('casnet.records');
	SET LOCAL SESSION AUTHORIZATION tap_app;
	SET LOCAL casnet.tenant_id = '00000000-0000-7000-8000-0000000000a0';
	SET LOCAL casnet.user_id = '00000000-0000-7000-8000-000000000001';
	INSERT INTO casnet.records (title) VALUES ('by olga');
	SET LOCAL casnet.user_id = '00000000-0000-7000-8000-000000000002';
	INSERT INTO casnet.records (title) VALUES ('by adam');
END
$$;
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT after->>'title', 'by ' || username FROM casnet_internal.audit_entries AS e JOIN casnet.users AS u ON u.id = e.user_id ORDER BY at$$,
	$$VALUES ('by olga', 'by olga'), ('by adam', 'by adam')$$, 'each by its user');
SELECT * FROM finish();
ROLLBACK;
