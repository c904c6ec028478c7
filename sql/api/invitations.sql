-- Invitations: a code that makes one person, once, a member.  C all the way, as in
-- accounts.sql.

CREATE OR REPLACE FUNCTION casnet.invite_member(
	email text, role text DEFAULT 'member',
	lifetime interval DEFAULT '7 days')
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_invite_member';
COMMENT ON FUNCTION casnet.invite_member(text, text, interval) IS
	'a code with which the account of that email address, once, becomes a member of the active tenant; takes manage_users, and assign_roles for a role above member';

CREATE OR REPLACE FUNCTION casnet.accept_invitation(code text) RETURNS uuid
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_accept_invitation';
COMMENT ON FUNCTION casnet.accept_invitation(text) IS
	'accepts an invitation: makes the user of this session a member, or raises the role, and returns the tenant';

CREATE OR REPLACE FUNCTION casnet.sign_up(code text, username text, password text,
	full_name text DEFAULT NULL)
	RETURNS uuid
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_sign_up';
COMMENT ON FUNCTION casnet.sign_up(text, text, text, text) IS
	'makes an account with the email address of an invitation, accepts the invitation, and returns the account''s id';

CREATE OR REPLACE FUNCTION casnet.invitation(code text,
	OUT tenant_name text, OUT role text, OUT email text, OUT expires_at timestamptz)
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_invitation';
COMMENT ON FUNCTION casnet.invitation(text) IS
	'what an invitation is for, to whoever has its code';

CREATE OR REPLACE FUNCTION casnet.invitations()
	RETURNS TABLE (id uuid, email text, role text, invited_by uuid,
				   created_at timestamptz, expires_at timestamptz)
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_invitations';
COMMENT ON FUNCTION casnet.invitations() IS
	'the invitations to the active tenant that have not ended; takes manage_users';

CREATE OR REPLACE FUNCTION casnet.cancel_invitation(id uuid) RETURNS void
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'casnet_cancel_invitation';
COMMENT ON FUNCTION casnet.cancel_invitation(uuid) IS
	'ends an invitation to the active tenant; takes manage_users';
