/*
 * asked.c
 *		What was asked for lately: whose rights, and lists of tenants.
 *
 * An execution that goes on later may rest on what functions asked for while its
 * rows were made.  So each question leaves an entry with its number, and with what
 * was held at that moment.  The same question again makes the entry a new one.
 * There is room for few; who would need one that has made room for another is told.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "casnet.h"

/* How often something was asked for, so that executions notice. */
uint64		casnet_rights_asked = 0;

static CasnetHeld held_lately[CASNET_KEYS_ASKED];
static CasnetListed listed_lately[CASNET_LISTS_ASKED];

/* The last number of something that has made room for others. */
static uint64 asked_before = 0;

static MemoryContext asked_context = NULL;

/* Go where what is kept for the life of the backend belongs; returns where we were. */
static MemoryContext
enter_context(void)
{
	if (asked_context == NULL)
		asked_context = AllocSetContextCreate(TopMemoryContext,
											  "casnet rights asked for",
											  ALLOCSET_SMALL_SIZES);
	return MemoryContextSwitchTo(asked_context);
}

/* Whether the entry says what the verdict does. */
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
 * Somebody's rights are asked for, by a token of that number, 0 for none.  Returns
 * the entry, which is good until a different one is made; NULL if there is none.
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

/* Whether the list is one of this user's, with these tenants. */
bool
casnet_asked_is_list(const CasnetListed *listed, const pg_uuid_t *user,
					 const ArrayType *tenants)
{
	return listed->tenants != NULL &&
		memcmp(&listed->user, user, UUID_LEN) == 0 &&
		VARSIZE(listed->tenants) == VARSIZE(tenants) &&
		memcmp(listed->tenants, tenants, VARSIZE(tenants)) == 0;
}

/* Tenants of a user, a uuid[], are listed. */
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

/* Something is asked for that is not known in detail. */
void
casnet_asked_note_more(void)
{
	asked_before = ++casnet_rights_asked;
}

/* Whether all that was asked for since that count of casnet_rights_asked is known. */
bool
casnet_asked_all_known(uint64 since)
{
	return asked_before <= since;
}

/* The next right asked for since that count, good until more is; NULL at the end. */
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
