/*
 * remember.c
 *		The rights on which an execution rests that stops, such as that of a cursor.  Its
 *		users must still hold them when it goes on.
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/memutils.h"

#include "casnet.h"

/* A number that moves whenever the tables that decide about access may have changed. */
uint64
casnet_remember_epochs(void)
{
	return casnet_epoch + casnet_token_epoch;
}

/* Raises 42501, since a user lost rights on which an execution rests. */
void
casnet_remember_refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("rights with which this was opened have been taken away"),
			 errhint("Open it again to see what is left.")));
}

/* Raises 42501 unless the user is still allowed to be active in all these tenants. */
void
casnet_remember_require_list(const pg_uuid_t *user, const ArrayType *tenants)
{
	const pg_uuid_t *tenant = (const pg_uuid_t *) ARR_DATA_PTR(tenants);
	int			n = ArrayGetNItems(ARR_NDIM(tenants), ARR_DIMS(tenants));

	for (int i = 0; i < n; i++)
		if (!casnet_membership_of(user, &tenant[i])->tenant_open)
			casnet_remember_refuse();
}

/*
 * Raises 28000 unless the token with that number is valid and proves that user; 0 means no
 * token, and passes.
 */
void
casnet_remember_require_token(uint64 number, const pg_uuid_t *user)
{
	const char *problem = number == 0 ? NULL :
		casnet_token_problem_of(number, user);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("invalid session token"),
				 errdetail_internal("%s", problem),
				 errhint("Get a new token with casnet.login() and set it with casnet.sign_in().")));
}

/* The same for each token that the execution used. */
void
casnet_remember_require_tokens(const CasnetRemembered *remembered)
{
	ListCell   *lc;

	foreach(lc, remembered->held)
	{
		const CasnetHeld *held = lfirst(lc);

		casnet_remember_require_token(held->token, &held->key.user);
	}
}

/* Raises 28000 or 42501 unless the user still holds all that was held before. */
static void
require_held(const CasnetHeld *held)
{
	const CasnetVerdict *verdict;

	casnet_membership_require_active(&held->key.user);
	verdict = casnet_membership_of(&held->key.user, held->key.has_tenant ?
								   &held->key.tenant : NULL);
	if (held->tenant_open && !verdict->tenant_open)
		casnet_remember_refuse();
	if (verdict->superuser)
		return;
	if (held->superuser || !bms_is_subset(held->permissions,
										  verdict->permissions))
		casnet_remember_refuse();
}

/* Raises 28000 or 42501 unless all remembered rights are still held. */
void
casnet_remember_require(const CasnetRemembered *remembered)
{
	ListCell   *lc;

	foreach(lc, remembered->held)
		require_held(lfirst(lc));
	foreach(lc, remembered->listed)
	{
		const CasnetListed *listed = lfirst(lc);

		casnet_remember_require_list(&listed->user, listed->tenants);
	}
	if (remembered->is_strict &&
		remembered->epochs != casnet_remember_epochs())
		casnet_remember_refuse();
}

/* Whether that right is remembered already. */
static bool
has_held(const CasnetRemembered *remembered, const CasnetHeld *held)
{
	ListCell   *lc;

	foreach(lc, remembered->held)
	{
		const CasnetHeld *other = lfirst(lc);

		if (other->token == held->token &&
			other->superuser == held->superuser &&
			other->tenant_open == held->tenant_open &&
			memcmp(&other->key, &held->key, sizeof(CasnetVerdictKey)) == 0 &&
			bms_equal(other->permissions, held->permissions))
			return true;
	}
	return false;
}

/* Whether that list is remembered already. */
static bool
has_listed(const CasnetRemembered *remembered, const CasnetListed *listed)
{
	ListCell   *lc;

	foreach(lc, remembered->listed)
		if (casnet_asked_is_list(lfirst(lc), &listed->user, listed->tenants))
			return true;
	return false;
}

/*
 * Remember all rights for which functions have asked since casnet_rights_asked had that
 * count, and casnet_remember_epochs() that value.  Uses the current memory context.
 */
void
casnet_remember(CasnetRemembered *remembered, uint64 asked, uint64 epochs)
{
	const CasnetHeld *held;
	const CasnetListed *listed;
	int			next = 0;

	if (!casnet_asked_all_known(asked) && !remembered->is_strict)
	{
		remembered->is_strict = true;
		remembered->epochs = epochs;
	}
	while ((held = casnet_asked_held(asked, &next)) != NULL)
	{
		CasnetHeld *copy;

		if (has_held(remembered, held))
			continue;
		copy = palloc(sizeof(CasnetHeld));
		*copy = *held;
		copy->permissions = bms_copy(held->permissions);
		remembered->held = lappend(remembered->held, copy);
	}
	next = 0;
	while ((listed = casnet_asked_listed(asked, &next)) != NULL)
	{
		CasnetListed *copy;

		if (has_listed(remembered, listed))
			continue;
		copy = palloc(sizeof(CasnetListed));
		*copy = *listed;
		copy->tenants = palloc(VARSIZE(listed->tenants));
		memcpy(copy->tenants, listed->tenants, VARSIZE(listed->tenants));
		remembered->listed = lappend(remembered->listed, copy);
	}
}

/*
 * An execution that rests on that runs within another one, which can stop as well.  Note
 * that the outer one now rests on the same.
 */
void
casnet_remember_note_within(const CasnetRemembered *remembered)
{
	ListCell   *lc;

	foreach(lc, remembered->held)
	{
		const CasnetHeld *held = lfirst(lc);

		casnet_membership_note_asked(&held->key.user, held->key.has_tenant ?
									 &held->key.tenant : NULL, held->token);
	}
	foreach(lc, remembered->listed)
	{
		const CasnetListed *listed = lfirst(lc);

		casnet_asked_note_list(&listed->user, listed->tenants);
	}
	if (remembered->is_strict)
		casnet_asked_note_more();
}
