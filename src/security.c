/*
 * security.c
 *		Which role's rights code has: casnet's bits in the server's security context.
 *
 * The server passes its security context on to the code that it calls, and restores it
 * with the subtransaction.  casnet uses free bits of it.  They say that code of another
 * role runs, or that casnet became the owner of its tables.  To code of another role the
 * session is nobody.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"

#include "casnet.h"

/* Whether the innermost execution that runs is that of a foreign key. */
static bool key_runs = false;

/* Whether the role is a superuser or a member of casnet_admin. */
static bool
is_administrator(Oid role)
{
	Oid			admin;

	if (superuser_arg(role))
		return true;
	admin = get_role_oid("casnet_admin", true);
	return OidIsValid(admin) && has_privs_of_role(role, admin);
}

/*
 * Whether the current role is exempt from the rules that bind users: a superuser, or a
 * member of casnet_admin.
 */
bool
casnet_security_is_administrator(void)
{
	return is_administrator(GetUserId());
}

/*
 * Whether the role that the session has set is one.  A SECURITY DEFINER function is run by
 * others, and the event triggers by whoever alters a table.
 */
bool
casnet_security_session_is_administrator(void)
{
	return is_administrator(GetOuterUserId());
}

/*
 * Whether the current role may name the user of its session: a superuser, or a member of
 * casnet_authenticator.
 */
bool
casnet_security_is_backend(void)
{
	Oid			backend = get_role_oid("casnet_authenticator", true);

	return superuser() ||
		(OidIsValid(backend) && has_privs_of_role(GetUserId(), backend));
}

/*
 * Whether the owner's code is allowed to run as the role, or as any role if that is
 * InvalidOid.  The owner must be a superuser or casnet_owner, or have the role's rights.
 */
bool
casnet_security_is_trusted(Oid owner, Oid role)
{
	return superuser_arg(owner) ||
		owner == get_role_oid("casnet_owner", true) ||
		(OidIsValid(role) && has_privs_of_role(owner, role));
}

/*
 * casnet became a superuser or the owner of its own tables, and the server can have become
 * another role below that, as for a cascade.  If so, note that code of others follows.  To be
 * called wherever a query or a function of that role can begin.  The code that became the
 * role restores the context together with the role.
 */
void
casnet_security_notice_others(void)
{
	int			context;
	Oid			user;

	if (likely(!InSecurityRestrictedOperation()))
		return;
	GetUserIdAndSecContext(&user, &context);
	if ((context & CASNET_SECURITY_OURS) == 0 ||
		casnet_security_is_trusted(user, InvalidOid))
		return;
	SetUserIdAndSecContext(user, (context & ~CASNET_SECURITY_OURS) |
						   CASNET_SECURITY_OTHERS);
}

/*
 * Whether code of another role runs as that role in a security-restricted operation, from
 * owner.c or because the server maintains a table.  To that code the session is nobody,
 * whatever it does to the settings: RESET brings back what the connection set.  The same
 * holds for the functions that it calls, even for those that run as their owner.
 * Superusers are trusted, and so is the owner of casnet's tables where owner.c became it.
 */
bool
casnet_security_is_suspended(void)
{
	Oid			user;
	int			context;

	if (likely(!InSecurityRestrictedOperation()))
		return false;
	GetUserIdAndSecContext(&user, &context);
	if (context & CASNET_SECURITY_OTHERS)
		return true;
	return user != GetOuterUserId() && !superuser() &&
		!((context & CASNET_SECURITY_OURS) &&
		  user == get_role_oid("casnet_owner", true));
}

/* Whether the server checks a key, or cascades, and casnet has not switched the role. */
bool
casnet_security_is_within_key(void)
{
	Oid			user;
	int			context;

	if (likely(!InNoForceRLSOperation()))
		return false;
	GetUserIdAndSecContext(&user, &context);
	return (context & (CASNET_SECURITY_OTHERS | CASNET_SECURITY_OURS)) == 0;
}

/*
 * Whether the innermost execution that runs is that of a key.  What the server does when an
 * execution has run, such as checking the next key, is no part of the run.
 */
bool
casnet_security_key_runs(void)
{
	return key_runs;
}

/* Note whether an execution that begins or ends to run is that of a key; returns the former note. */
bool
casnet_security_note_key(bool runs)
{
	bool		before = key_runs;

	key_runs = runs;
	return before;
}
