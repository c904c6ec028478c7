/*
 * hint.c
 *		What to do when a check or a unique key of casnet's tables refuses a row.
 *
 * A constraint cannot give a hint, and a trigger in front of it would run for each row.  So
 * an error context callback adds one, which costs nothing until there is an error.  A hint
 * depends on the name of the constraint alone, which the error gives anyway.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "casnet.h"

#define ONE_ID "Leave the id out to get a new one."

static const struct
{
	const char *constraint;
	const char *hint;
}			hints[] =
{
	{"users_username_check", "Give a username with at least one visible character, and at most 2,000 bytes."},
	{"users_email_check", "Give an address with at least one visible character, and at most 2,000 bytes."},
	{"users_full_name_check", "Give a text of at most 1000 bytes."},
	{"users_username_key", "Another account has that username. Choose another one."},
	{"users_username_lower_key", "Another account has that username in other letters. Choose another one."},
	{"users_email_key", "Another account has that address. Use that account, or give another address."},
	{"users_email_lower_key", "Another account has that address in other letters. Use that account, or give another address."},
	{"users_pkey", ONE_ID},
	{"tenants_name_check", "Give a name with at least one visible character, and at most 2,000 bytes."},
	{"tenants_name_is_no_id", "Give another name: casnet.use_tenant() takes a UUID for the id of a tenant."},
	{"tenants_description_check", "Give a text of at most 10000 bytes."},
	{"tenants_name_key", "Another tenant has that name. Give another one; import_tenant() takes it as name => '...'."},
	{"tenants_pkey", ONE_ID},
	{"roles_name_check", "Name a role with the letters a to z, digits and _, a letter first, and at most 63 in all."},
	{"roles_description_check", "Give a text of at most 10000 bytes."},
	{"roles_pkey", "That role is there already."},
	{"user_tenants_pkey", "The user is a member already. casnet.set_member_role() changes the role."},
	{"role_permissions_permission_check", "Name a permission with a visible character, no comma, and at most 63 bytes."},
	{"role_permissions_pkey", "The role gives that permission already."},
	{"user_tenant_permissions_permission_check", "Name a permission with a visible character, no comma, and at most 63 bytes."},
	{"user_tenant_permissions_pkey", "The member was granted that permission already."},
	{"persons_name_check", "Give a name with at least one visible character, and at most 2,000 bytes."},
	{"persons_gender_check", "Column gender takes MALE, FEMALE, OTHER."},
	{"persons_contact_info_check", "Column contact_info takes a JSON object, such as {\"phone\": \"1\"}."},
	{"persons_contact_info_size_check", "Column contact_info takes at most 1,000,000 bytes, and fewer than 100 levels."},
	{"persons_pkey", ONE_ID},
	{"records_size_check", "Title and content take at most 100,000,000 bytes in all."},
	{"records_pkey", ONE_ID},
	{"record_persons_relation_check", "Give a relation with at least one visible character, and at most 100 characters."},
	{"record_persons_pkey", "The person is linked to the record already. Update the relation of that link."},
	{"tags_name_check", "Give a name with at least one visible character, and at most 100 characters."},
	{"tags_tenant_id_name_key", "The tenant has a tag with that name already. ON CONFLICT (tenant_id, name) DO NOTHING leaves it as it is."},
	{"tags_pkey", ONE_ID},
	{"record_tags_pkey", "The record has that tag already."},
	{"tasks_status_check", "Column status takes PENDING, IN_PROGRESS, COMPLETED, CANCELLED."},
	{"tasks_priority_check", "Column priority takes LOW, MEDIUM, HIGH."},
	{"tasks_completed_at_check", "A task has completed_at if its status is COMPLETED, and only then."},
	{"tasks_size_check", "Title and description take at most 100,000,000 bytes in all."},
	{"tasks_pkey", ONE_ID},
	{"calendar_events_ends_at_check", "An event cannot end before it starts. Change starts_at and ends_at in one statement."},
	{"calendar_events_size_check", "The texts of an event take at most 100,000,000 bytes in all."},
	{"calendar_events_time_zone_check", "Give the name of a time zone, such as 'Europe/Berlin'."},
	{"calendar_events_excluded_dates_check", "Column excluded_dates takes at most 10,000 times, and no NULL."},
	{"calendar_events_occurrence_check", "Set series_id and occurrence_at together. Such an event has no recurrence_rule, and is not its own series."},
	{"calendar_events_status_check", "Column status takes SCHEDULED, CANCELLED, COMPLETED."},
	{"calendar_events_pkey", ONE_ID},
};

/* The hint for a constraint of a table in schema casnet, or NULL. */
static const char *
hint_for(const ErrorData *error)
{
	if (error->schema_name == NULL || error->constraint_name == NULL ||
		strcmp(error->schema_name, "casnet") != 0)
		return NULL;
	for (int i = 0; i < lengthof(hints); i++)
		if (strcmp(hints[i].constraint, error->constraint_name) == 0)
			return hints[i].hint;
	return NULL;
}

/* ErrorContextCallback: add the hint, unless the error has one. */
static void
add_hint(void *arg)
{
	MemoryContext before;
	ErrorData  *error;
	const char *hint;

	if (geterrcode() != ERRCODE_CHECK_VIOLATION &&
		geterrcode() != ERRCODE_UNIQUE_VIOLATION)
		return;
	/* A copy is the only way to the name of the constraint. */
	before = MemoryContextSwitchTo(TopTransactionContext);
	error = CopyErrorData();
	MemoryContextSwitchTo(before);
	hint = error->hint == NULL ? hint_for(error) : NULL;
	FreeErrorData(error);
	if (hint != NULL)
		errhint("%s", hint);
}

/*
 * From now on, errors about constraints get their hints.  The caller takes the callback off
 * error_context_stack afterwards.
 */
void
casnet_hint_begin(ErrorContextCallback *callback)
{
	callback->callback = add_hint;
	callback->arg = NULL;
	callback->previous = error_context_stack;
	error_context_stack = callback;
}
