/*
 * invitation_end.c
 *		What ends invitations: changes of accounts, memberships and permissions.
 *
 * An invitation ends when the membership in question begins, changes or ends, and when the
 * account ends, is deactivated or gets another address.  Those that a member made end when
 * that member is demoted, removed or deactivated, or loses a permission that an invitation
 * can take.  Such an end is for good: what comes back gives back no invitation.  So it also
 * changes the generation that invitations carry, which ends those that nobody sees yet.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "casnet.h"
#include "invitation.h"

PG_FUNCTION_INFO_V1(casnet_end_invitations);

/*
 * The same for those that nobody sees yet, or that are made before this transaction ends: they
 * are of an earlier generation then.
 */
static void
end_invitations_for_good(const char *email, const pg_uuid_t *tenant)
{
	pg_uuid_t	id = casnet_invitation_ends_id(email, tenant);

	casnet_invitation_end_to(email, tenant);
	casnet_revocation_end_all(&id, NULL);
}

/*
 * End the invitations that somebody made who loses rights: from that tenant, or from any if it
 * is NULL.  They would count again if the right came back.  Those that nobody sees yet, or that
 * are made before this transaction ends, are of an earlier generation then.
 */
static void
end_invitations_by(const pg_uuid_t *inviter, const pg_uuid_t *tenant)
{
	List	   *found = tenant != NULL ? casnet_invitation_of_tenant(tenant) :
		casnet_invitation_find(CASNET_INVITATIONS_BY, UUIDPGetDatum(inviter), (Datum) 0);
	pg_uuid_t	id = casnet_invitation_inviter_id(inviter, tenant);
	ListCell   *lc;

	foreach(lc, found)
	{
		Invitation *invitation = lfirst(lc);

		if (memcmp(&invitation->inviter, inviter, UUID_LEN) == 0)
			casnet_invitation_end(invitation);
	}
	casnet_revocation_end_all(&id, NULL);
}

/* Whether the new role lacks something that the old one gives. */
static bool
is_demotion(const char *old, const char *new)
{
	Datum	   *roles;
	int			count;

	deconstruct_array(casnet_role_replaced_by(new), TEXTOID, -1, false, TYPALIGN_INT,
					  &roles, NULL, &count);
	for (int i = 0; i < count; i++)
		if (strcmp(TextDatumGetCString(roles[i]), old) == 0)
			return false;
	return true;
}

/*
 * End the invitations to the address of an account that is deleted, deactivated, or gets
 * another address: a later change could return to the old one.  Those that the account made
 * end as well, unless only the address changes; also when it is no application superuser any
 * more.  A deletion takes them along.
 */
static void
end_by_account(TriggerData *trigger)
{
	Relation	relation = trigger->tg_relation;
	HeapTuple	old = trigger->tg_trigtuple;
	HeapTuple	new = trigger->tg_newtuple;
	char	   *email = casnet_trigger_text(relation, old, "email");
	pg_uuid_t	user;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return;
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		casnet_trigger_bool(relation, old, "is_superuser") &&
		!casnet_trigger_bool(relation, new, "is_superuser") &&
		casnet_trigger_uuid(relation, old, "id", &user))
		end_invitations_by(&user, NULL);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		(casnet_trigger_bool(relation, new, "is_active") ||
		 !casnet_trigger_bool(relation, old, "is_active")) &&
		strcmp(casnet_code_fold(email),
			   casnet_code_fold(casnet_trigger_text(relation, new, "email"))) == 0)
		return;
	end_invitations_for_good(email, NULL);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		casnet_trigger_bool(relation, old, "is_active") &&
		!casnet_trigger_bool(relation, new, "is_active") &&
		casnet_trigger_uuid(relation, old, "id", &user))
		end_invitations_by(&user, NULL);
}

/* Whether the tenant is there at this moment. */
static bool
tenant_exists(const pg_uuid_t *tenant)
{
	CasnetTable tenants = CASNET_TENANTS;
	CasnetReading reading;
	char	   *name = casnet_catalog_name(CASNET_TENANT_BY_ID, tenant,
										   TENANTS_NAME,
										   casnet_reading_begin(&reading, 1,
																&tenants));

	casnet_reading_end(&reading);
	return name != NULL;
}

/*
 * End the invitation that a change of a membership makes obsolete, and those that the member
 * made, who may not invite so any more.
 */
static void
end_by_membership(TriggerData *trigger)
{
	Relation	relation = trigger->tg_relation;
	HeapTuple	row = trigger->tg_trigtuple;
	pg_uuid_t	user;
	pg_uuid_t	tenant;
	char	   *email;

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		strcmp(casnet_trigger_text(relation, row, "role"),
			   casnet_trigger_text(relation, trigger->tg_newtuple, "role")) == 0)
		return;
	if (!casnet_trigger_uuid(relation, row, "user_id", &user) ||
		!casnet_trigger_uuid(relation, row, "tenant_id", &tenant))
		return;
	/* If the account or the tenant is deleted, its invitations have already ended. */
	email = casnet_user_address(&user);
	if (email == NULL)
		return;
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		casnet_invitation_end_to(email, &tenant);
	else if (tenant_exists(&tenant))
	{
		end_invitations_for_good(email, &tenant);
		if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
			is_demotion(casnet_trigger_text(relation, row, "role"),
						casnet_trigger_text(relation, trigger->tg_newtuple, "role")))
			end_invitations_by(&user, &tenant);
	}
}

/* Whether the path finds that permission at this moment. */
static bool
finds_permission(CasnetPath path, Datum key1, Datum key2, const char *permission)
{
	bool		of_role = path != CASNET_PERMISSIONS_OF_MEMBER;
	CasnetTable table = of_role ? CASNET_ROLE_PERMISSIONS : CASNET_USER_TENANT_PERMISSIONS;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		found = false;

	casnet_scan_begin(&scan, path, casnet_reading_begin(&reading, 1, &table), key1, key2);
	while (!found && (tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		name = casnet_scan_value(&scan, tuple,
											 of_role ? ROLE_PERMISSIONS_PERMISSION :
											 USER_TENANT_PERMISSIONS_PERMISSION, &isnull);

		found = !isnull && strcmp(TextDatumGetCString(name), permission) == 0;
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	return found;
}

/*
 * Whether an invitation can take that permission of its inviter: to invite, or because a
 * role gives it.
 */
static bool
can_be_taken(const char *permission)
{
	return strcmp(permission, "manage_users") == 0 ||
		strcmp(permission, "assign_roles") == 0 ||
		finds_permission(CASNET_ALL_ROLE_PERMISSIONS, (Datum) 0, (Datum) 0, permission);
}

/* Whether the role gives that permission. */
static bool
gives(const char *role, const char *permission)
{
	return finds_permission(CASNET_PERMISSIONS_OF_ROLE, CStringGetTextDatum(role), (Datum) 0,
							permission);
}

/* Whether the member was granted that permission besides the role. */
static bool
holds_in_person(const pg_uuid_t *user, const pg_uuid_t *tenant, const char *permission)
{
	return finds_permission(CASNET_PERMISSIONS_OF_MEMBER, UUIDPGetDatum(user),
							UUIDPGetDatum(tenant), permission);
}

/*
 * A permission is taken from a member.  What the role gives as well is not lost.  If the
 * membership ends, end_by_membership() does the rest.
 */
static void
end_by_grant(TriggerData *trigger)
{
	Relation	relation = trigger->tg_relation;
	HeapTuple	row = trigger->tg_trigtuple;
	char	   *permission = casnet_trigger_text(relation, row, "permission");
	char		role[CASNET_NAME_LENGTH];
	pg_uuid_t	user;
	pg_uuid_t	tenant;

	if (casnet_trigger_uuid(relation, row, "user_id", &user) &&
		casnet_trigger_uuid(relation, row, "tenant_id", &tenant) &&
		casnet_membership_role_of(&user, &tenant, role) &&
		!holds_in_person(&user, &tenant, permission) && !gives(role, permission) &&
		can_be_taken(permission))
		end_invitations_by(&user, &tenant);
}

/*
 * A permission is taken from a role: the same for each of its members who could invite and
 * does not hold the permission in person.
 */
static void
end_by_role(TriggerData *trigger)
{
	CasnetTable members = CASNET_USER_TENANTS;
	CasnetReading reading;
	CasnetScan	scan;
	HeapTuple	tuple;
	char	   *role = casnet_trigger_text(trigger->tg_relation, trigger->tg_trigtuple, "role");
	char	   *permission = casnet_trigger_text(trigger->tg_relation, trigger->tg_trigtuple,
												 "permission");
	bool		all_invite = strcmp(permission, "manage_users") == 0 ||
		gives(role, "manage_users");
	List	   *found = NIL;
	ListCell   *lc;

	if (gives(role, permission) || !can_be_taken(permission))
		return;
	casnet_scan_begin(&scan, CASNET_MEMBERS_BY_ROLE,
					  casnet_reading_begin(&reading, 1, &members),
					  CStringGetTextDatum(role), (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		pg_uuid_t  *member = palloc(2 * sizeof(pg_uuid_t));
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		member[0] = *DatumGetUUIDP(casnet_scan_value(&scan, tuple, USER_TENANTS_USER_ID,
													 &isnull));
		member[1] = *DatumGetUUIDP(casnet_scan_value(&scan, tuple, USER_TENANTS_TENANT_ID,
													 &isnull));
		found = lappend(found, member);
	}
	casnet_scan_end(&scan);
	casnet_reading_end(&reading);
	foreach(lc, found)
	{
		pg_uuid_t  *member = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if ((all_invite || holds_in_person(&member[0], &member[1], "manage_users")) &&
			!holds_in_person(&member[0], &member[1], permission))
			end_invitations_by(&member[0], &member[1]);
	}
}

/* A permission is taken away.  The rest of the statement counts: it can give it again. */
static void
end_by_permission(TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return;
	CommandCounterIncrement();
	if (casnet_catalog_is(CASNET_ROLE_PERMISSIONS, trigger->tg_relation))
		end_by_role(trigger);
	else
		end_by_grant(trigger);
}

/*
 * casnet_internal.end_invitations() returns trigger
 *
 * AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW ON users, user_tenants,
 * user_tenant_permissions, role_permissions: an earlier invitation must not give back what
 * is taken away.  Raises 39P01 elsewhere.
 */
Datum
casnet_end_invitations(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "end_invitations", false);

	/* The coordinator does this for its copy of the row, and has the tables for it. */
	if (casnet_shard_is_worker())
		return PointerGetDatum(NULL);
	if (casnet_catalog_is(CASNET_USERS, trigger->tg_relation))
		end_by_account(trigger);
	else if (casnet_catalog_is(CASNET_USER_TENANTS, trigger->tg_relation))
		end_by_membership(trigger);
	else if (casnet_catalog_is(CASNET_USER_TENANT_PERMISSIONS, trigger->tg_relation) ||
			 casnet_catalog_is(CASNET_ROLE_PERMISSIONS, trigger->tg_relation))
		end_by_permission(trigger);
	else
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.end_invitations() was not called for an account, a membership or a permission"),
				 errhint("Attach it as casnet.install() does.")));
	return PointerGetDatum(NULL);
}
