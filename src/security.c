/*
 * security.c
 *		With whose rights code runs: casnet's bits in the server's security context.
 *
 * The server hands its security context on to what is called, and takes it back with
 * the subtransaction.  Bits that it does not use say there that code of another role
 * runs, or that casnet became the owner of its tables.  To code of another role the
 * session is nobody.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"

#include "casnet.h"

/*
 * Whether the current database role stands above the rules that bind the
 * users: a superuser, or a member of casnet_admin.
 */
bool
casnet_security_is_administrator(void)
{
	Oid			admin;

	if (superuser())
		return true;
	admin = get_role_oid("casnet_admin", true);
	return OidIsValid(admin) && has_privs_of_role(GetUserId(), admin);
}

/*
 * Whether what belongs to that role may run as the other one, or as anybody if that is
 * InvalidOid: it is a superuser's, that of casnet itself, or of who may do as much.
 */
bool
casnet_security_is_trusted(Oid owner, Oid role)
{
	return superuser_arg(owner) ||
		owner == get_role_oid("casnet_owner", true) ||
		(OidIsValid(role) && has_privs_of_role(owner, role));
}

/*
 * Where casnet became a superuser, or the owner of its own tables, and the server becomes
 * somebody else below that, as for a cascade: what follows is code of others.  Called
 * wherever a query or a function of that role may begin; whoever became the role takes it
 * back with the role.
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
 * Whether code of another role runs as that role, as a security-restricted operation:
 * in casnet's owner.c, or when the server maintains a table.  To that code the session is
 * nobody, whatever it does to the settings; RESET brings back what the connection set.
 * So it is to the functions that it calls, also to those that run as their owner.
 * Superusers are trusted, and the owner of casnet's tables where owner.c became it.
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
