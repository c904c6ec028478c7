-- Invitations: a code that makes one person, once, a member.  C all the way, as in
-- 86_accounts.sql.

CREATE FUNCTION casnet.invite_member(
	email text, role text DEFAULT 'member',
	lifetime interval DEFAULT '7 days')
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_invite_member';
COMMENT ON FUNCTION casnet.invite_member(text, text, interval) IS
	'a code with which the account of that email address, once, becomes a member of the active tenant; takes manage_users';

CREATE FUNCTION casnet.accept_invitation(code text) RETURNS uuid
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_accept_invitation';
COMMENT ON FUNCTION casnet.accept_invitation(text) IS
	'accepts an invitation: makes the user of this session a member, or raises the role, and returns the tenant';
