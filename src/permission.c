/*
 * permission.c
 *		Permissions: their names and bits.
 *
 * A permission is a name in the tables and a bit in a verdict.  The bits of one backend
 * mean nothing to another.  The built-in names have the first bits.  Other names get one
 * when a lookup meets them in role_permissions or user_tenant_permissions; so names from
 * callers never take up memory.  A permission with a bit does not always exist: its row
 * can be deleted by now, or was never committed.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "casnet.h"

typedef struct PermissionEntry
{
	char		name[CASNET_NAME_LENGTH];	/* hash key; must be first */
	int			bit;
	uint64		met;			/* the reading of role_permissions that last met it */
} PermissionEntry;

static const char *const built_in[] = {
	"view_persons", "create_persons", "edit_persons", "delete_persons",
	"view_records", "create_records", "edit_records", "delete_records",
	"view_tags", "create_tags", "edit_tags", "delete_tags",
	"view_tasks", "create_tasks", "edit_tasks", "delete_tasks",
	"view_calendar", "create_calendar", "edit_calendar", "delete_calendar",
	"view_users", "manage_users", "assign_roles", "manage_permissions",
	"manage_tenant", "delete_tenant", "view_analytics", "export_persons",
	"erase_persons"
};

/* The lengths of the built-in names, to find them without hashing. */
static uint8 built_in_lengths[lengthof(built_in)];

static HTAB *registry = NULL;
static const char **names = NULL;	/* by bit */
static int	names_allocated = 0;
static int	names_used = 0;

/* The last reading of role_permissions, and the epoch of the table for which it is valid. */
static uint64 last_reading = 0;
static uint64 read_epoch = PG_UINT64_MAX;


/* Add a name to the registry; returns its bit. */
static int
add_name(const char *name)
{
	PermissionEntry *entry;

	if (names_used == names_allocated)
	{
		int			wanted = names_allocated == 0 ? 64 : names_allocated * 2;

		if (names == NULL)
			names = MemoryContextAlloc(TopMemoryContext,
									   wanted * sizeof(char *));
		else
			names = repalloc(names, wanted * sizeof(char *));
		names_allocated = wanted;
	}
	entry = hash_search(registry, name, HASH_ENTER, NULL);
	entry->bit = names_used;
	entry->met = 0;
	names[names_used++] = entry->name;
	return entry->bit;
}

/* Make the registry with the built-in names, unless it is complete. */
static void
ensure_registry(void)
{
	HASHCTL		ctl;

	if (registry == NULL)
	{
		memset(&ctl, 0, sizeof(ctl));
		ctl.keysize = CASNET_NAME_LENGTH;
		ctl.entrysize = sizeof(PermissionEntry);
		registry = hash_create("casnet permissions", 64, &ctl,
							   HASH_ELEM | HASH_STRINGS);
	}
	/* Resumes where it was interrupted if memory ran out before. */
	while (names_used < lengthof(built_in))
	{
		built_in_lengths[names_used] = strlen(built_in[names_used]);
		add_name(built_in[names_used]);
	}
}

/* The bit of a name that was met before, whether the permission exists or not; or -1. */
int
casnet_permission_find(const char *name)
{
	PermissionEntry *entry;

	ensure_registry();
	if (strlen(name) >= CASNET_NAME_LENGTH)
		return -1;
	entry = hash_search(registry, name, HASH_FIND, NULL);
	return entry == NULL ? -1 : entry->bit;
}

/*
 * The bit of a name in one of casnet's tables, a new one if necessary; -1 for a name that
 * is too long for a permission.
 */
int
casnet_permission_intern(const char *name)
{
	int			bit = casnet_permission_find(name);

	if (bit < 0 && strlen(name) < CASNET_NAME_LENGTH)
		bit = add_name(name);
	return bit;
}

const char *
casnet_permission_name(int bit)
{
	return names[bit];
}

/* One more than the highest bit. */
int
casnet_permission_count(void)
{
	ensure_registry();
	return names_used;
}

/*
 * Meet all names in role_permissions.  This is valid until a message says that the table
 * changed.  There is one for this backend's own changes, too, and for their rollback.
 */
static void
meet_permissions(void)
{
	uint64		epoch = casnet_table_epochs[CASNET_ROLE_PERMISSIONS];
	uint64		reading = ++last_reading;
	Snapshot	snapshot = casnet_catalog_snapshot_of_rights();
	CasnetScan	scan;
	HeapTuple	tuple;

	casnet_scan_begin(&scan, CASNET_ALL_ROLE_PERMISSIONS, snapshot,
					  (Datum) 0, (Datum) 0);
	while ((tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple,
											  ROLE_PERMISSIONS_PERMISSION,
											  &isnull);
		char	   *name;

		if (isnull)
			continue;
		name = TextDatumGetCString(value);
		if (casnet_permission_intern(name) >= 0)
		{
			PermissionEntry *entry = hash_search(registry, name, HASH_FIND, NULL);

			entry->met = reading;
		}
		pfree(name);
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	read_epoch = epoch;
}

/*
 * The bit of a permission that is built in or in role_permissions, or -1.  Processes
 * messages first, so that the permission exists at this moment.
 */
int
casnet_permission_existing(const char *name)
{
	int			bit = casnet_permission_find(name);
	PermissionEntry *entry;

	if ((bit >= 0 && bit < lengthof(built_in)) ||
		strlen(name) >= CASNET_NAME_LENGTH)
		return bit;
	AcceptInvalidationMessages();
	if (read_epoch != casnet_table_epochs[CASNET_ROLE_PERMISSIONS])
		meet_permissions();
	entry = hash_search(registry, name, HASH_FIND, NULL);
	return entry != NULL && entry->met == last_reading ? entry->bit : -1;
}

/* The same by what others have committed, without the changes of this transaction. */
int
casnet_permission_existing_to_others(const char *name)
{
	int			bit = casnet_permission_find(name);
	Snapshot	snapshot;
	SnapshotData others;
	CasnetScan	scan;
	HeapTuple	tuple;
	bool		found = false;

	if ((bit >= 0 && bit < lengthof(built_in)) ||
		strlen(name) >= CASNET_NAME_LENGTH)
		return bit;
	snapshot = casnet_catalog_snapshot_of_rights();
	others = casnet_catalog_snapshot_of_others(snapshot);
	casnet_scan_begin(&scan, CASNET_ALL_ROLE_PERMISSIONS, &others,
					  (Datum) 0, (Datum) 0);
	while (!found && (tuple = casnet_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		value = casnet_scan_value(&scan, tuple,
											  ROLE_PERMISSIONS_PERMISSION,
											  &isnull);
		char	   *other = isnull ? NULL : TextDatumGetCString(value);

		found = other != NULL && strcmp(other, name) == 0;
		if (other != NULL)
			pfree(other);
	}
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found ? casnet_permission_intern(name) : -1;
}

/*
 * The bit of a permission that a caller names.  Raises 22023 when it does not exist.
 */
int
casnet_permission_bit(const char *name)
{
	int			bit = casnet_permission_existing(name);

	if (bit < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown permission \"%s\"", name),
				 errhint("SELECT DISTINCT permission FROM casnet.role_permissions lists those that exist.")));
	return bit;
}

/* The same for a text argument, which is NULL if it is NULL in SQL. */
int
casnet_permission_bit_of(text *name)
{
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of the permission is null"),
				 errhint("Name a permission, such as 'view_records'.")));
	return casnet_permission_bit(text_to_cstring(name));
}

/* The bit of a built-in name that need not end with a zero, or -1. */
int
casnet_permission_built_in(const char *name, size_t length)
{
	ensure_registry();
	for (int bit = 0; bit < lengthof(built_in); bit++)
		if (built_in_lengths[bit] == length &&
			memcmp(built_in[bit], name, length) == 0)
			return bit;
	return -1;
}
