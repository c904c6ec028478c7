/*
 * asked.c
 *		What was asked for lately: whose rights, and lists of tenants.
 *
 * An execution that goes on later can depend on what functions asked for while its rows
 * were made.  So each question leaves an entry with its number and what the user held at
 * that moment.  Asking the same again renews the entry's number.  There is room for few
 * entries; casnet_asked_all_known() reveals when one was overwritten.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "casnet.h"

/* The number of questions so far, so that executions notice new ones. */
uint64		casnet_rights_asked = 0;

static CasnetHeld held_lately[CASNET_KEYS_ASKED];
static CasnetListed listed_lately[CASNET_LISTS_ASKED];

/* The highest number that is no longer known: its entry was overwritten, or it had none. */
static uint64 asked_before = 0;

static MemoryContext asked_context = NULL;

/* Switch to the context for what lives as long as the backend; returns the former one. */
static MemoryContext
enter_context(void)
{
	if (asked_context == NULL)
		asked_context = AllocSetContextCreate(TopMemoryContext,
											  "casnet rights asked for",
											  ALLOCSET_SMALL_SIZES);
	return MemoryContextSwitchTo(asked_context);
}

/* Whether the entry says the same as the verdict. */
static bool
is_same(const CasnetHeld *held, const CasnetVerdict *verdict, uint64 token)
{
	return held->asked != 0 && held->token == token &&
		held->superuser == verdict->superuser &&
		held->tenant_open == verdict->tenant_open &&
		memcmp(&held->key, &verdict->key, sizeof(CasnetVerdictKey)) == 0 &&
		bms_equal(held->permissions, verdict->permissions);
}

/*
 * Somebody's rights are asked for; token is the number of the token that proved the user,
 * or 0.  Returns the entry, valid until a different one is made; NULL for an inactive
 * user.
 */
CasnetHeld *
casnet_asked_note(const CasnetVerdict *verdict, uint64 token)
{
	CasnetHeld *oldest = &held_lately[0];
	MemoryContext before;
	Bitmapset  *permissions;

	casnet_rights_asked++;
	if (!verdict->user_active)
		return NULL;
	for (int i = 0; i < CASNET_KEYS_ASKED; i++)
	{
		if (is_same(&held_lately[i], verdict, token))
		{
			held_lately[i].asked = casnet_rights_asked;
			return &held_lately[i];
		}
		if (held_lately[i].asked < oldest->asked)
			oldest = &held_lately[i];
	}

	before = enter_context();
	permissions = bms_copy(verdict->permissions);
	MemoryContextSwitchTo(before);
	asked_before = Max(asked_before, oldest->asked);
	bms_free(oldest->permissions);
	oldest->asked = casnet_rights_asked;
	oldest->key = verdict->key;
	oldest->token = token;
	oldest->superuser = verdict->superuser;
	oldest->tenant_open = verdict->tenant_open;
	oldest->permissions = permissions;
	return oldest;
}

/* Whether the entry lists these tenants for this user. */
bool
casnet_asked_is_list(const CasnetListed *listed, const pg_uuid_t *user,
					 const ArrayType *tenants)
{
	return listed->tenants != NULL &&
		memcmp(&listed->user, user, UUID_LEN) == 0 &&
		VARSIZE(listed->tenants) == VARSIZE(tenants) &&
		memcmp(listed->tenants, tenants, VARSIZE(tenants)) == 0;
}

/* A user's tenants, a uuid[], are listed. */
void
casnet_asked_note_list(const pg_uuid_t *user, const ArrayType *tenants)
{
	CasnetListed *oldest = &listed_lately[0];
	MemoryContext before;
	ArrayType  *copy;

	casnet_rights_asked++;
	for (int i = 0; i < CASNET_LISTS_ASKED; i++)
	{
		if (casnet_asked_is_list(&listed_lately[i], user, tenants))
		{
			listed_lately[i].asked = casnet_rights_asked;
			return;
		}
		if (listed_lately[i].asked < oldest->asked)
			oldest = &listed_lately[i];
	}

	before = enter_context();
	copy = palloc(VARSIZE(tenants));
	MemoryContextSwitchTo(before);
	memcpy(copy, tenants, VARSIZE(tenants));
	asked_before = Max(asked_before, oldest->asked);
	if (oldest->tenants != NULL)
		pfree(oldest->tenants);
	oldest->asked = casnet_rights_asked;
	oldest->user = *user;
	oldest->tenants = copy;
}

/* Something is asked for that no entry describes. */
void
casnet_asked_note_more(void)
{
	asked_before = ++casnet_rights_asked;
}

/*
 * Whether entries describe all that was asked for since that value of
 * casnet_rights_asked.
 */
bool
casnet_asked_all_known(uint64 since)
{
	return asked_before <= since;
}

/*
 * The next right asked for since that value, valid until the next question; NULL at the
 * end.
 */
const CasnetHeld *
casnet_asked_held(uint64 since, int *next)
{
	while (*next < CASNET_KEYS_ASKED)
	{
		const CasnetHeld *held = &held_lately[(*next)++];

		if (held->asked > since)
			return held;
	}
	return NULL;
}

/* The next list, likewise. */
const CasnetListed *
casnet_asked_listed(uint64 since, int *next)
{
	while (*next < CASNET_LISTS_ASKED)
	{
		const CasnetListed *listed = &listed_lately[(*next)++];

		if (listed->asked > since)
			return listed;
	}
	return NULL;
}
