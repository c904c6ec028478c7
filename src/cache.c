/*
 * cache.c
 *		What is kept for the life of a backend: a hash table of bounded size in a
 *		memory context of its own.
 *
 * Callbacks never free entries.  A lookup makes the entry last, since the lookup itself
 * can find that the cache is out of date.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "casnet.h"

/* The entry with that key, or NULL. */
void *
casnet_cache_find(const CasnetCache *cache, const void *key)
{
	return cache->entries == NULL ? NULL :
		hash_search(cache->entries, key, HASH_FIND, NULL);
}

/* Whether the cache must be reset before the next entry. */
bool
casnet_cache_is_full(const CasnetCache *cache)
{
	return cache->entries == NULL ||
		hash_get_num_entries(cache->entries) >= cache->most;
}

/* Drop all entries and begin anew; can raise out of memory. */
void
casnet_cache_reset(CasnetCache *cache)
{
	HASHCTL		ctl;

	cache->entries = NULL;
	if (cache->context == NULL)
		cache->context = AllocSetContextCreateInternal(TopMemoryContext,
													   cache->name,
													   ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(cache->context);

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = cache->key_size;
	ctl.entrysize = cache->entry_size;
	ctl.hcxt = cache->context;
	cache->entries = hash_create(cache->name, 16, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The entry with that key, made if need be; the cache must have room. */
void *
casnet_cache_enter(CasnetCache *cache, const void *key)
{
	return hash_search(cache->entries, key, HASH_ENTER, NULL);
}
