/*
 * session.c
 *		Who the session is: the settings casnet.user_id and casnet.tenant_id.
 *		(casnet.token is in token.c.)
 *
 * Identity lives in these settings and nowhere else.  So SET LOCAL, savepoints, rollback,
 * RESET, DISCARD ALL and parallel workers treat it like any setting.  The check hook parses
 * the value once.  The assign hook must not fail, and can run during a rollback; it only
 * swaps a pointer and moves casnet_generation.  Everything else happens at use.
 */
#include "postgres.h"

#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "casnet.h"

static char *user_id_string;
static char *tenant_id_string;

/* The parsed values; owned by the settings machinery, NULL when unset. */
static const pg_uuid_t *active_user;
static const pg_uuid_t *active_tenant;

PG_FUNCTION_INFO_V1(casnet_grant_unrecorded);
PG_FUNCTION_INFO_V1(casnet_preload_setting);

/*
 * Check hook: parse the new value into *extra; empty means unset.  Refuses anything else
 * that is not a UUID with 22023, and the old value stays.
 */
static bool
check_uuid(char **newval, void **extra, GucSource source)
{
	pg_uuid_t	uuid;
	pg_uuid_t  *kept;

	*extra = NULL;
	if (*newval == NULL || **newval == '\0')
		return true;

	if (!casnet_uuid_parse(*newval, &uuid))
	{
		GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
		GUC_check_errdetail("The value is not a UUID.");
		GUC_check_errhint("Give a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057, or the empty string to unset it.");
		return false;
	}

	kept = casnet_guc_malloc(sizeof(pg_uuid_t));
	if (kept == NULL)
		return false;
	*kept = uuid;
	*extra = kept;
	return true;
}

static void
assign_user_id(const char *newval, void *extra)
{
	casnet_token_replan();
	active_user = extra;
	casnet_generation++;
	casnet_user_changes++;
}

static void
assign_tenant_id(const char *newval, void *extra)
{
	casnet_token_replan();
	active_tenant = extra;
	casnet_generation++;
}

static const char *
show_user_id(void)
{
	return casnet_security_is_suspended() || user_id_string == NULL ? "" :
		user_id_string;
}

static const char *
show_tenant_id(void)
{
	return casnet_security_is_suspended() || tenant_id_string == NULL ? "" :
		tenant_id_string;
}

void
casnet_session_init(void)
{
	DefineCustomStringVariable("casnet.user_id",
							   "The user of this session, asserted by a trusted backend.",
							   "A users.id. Set it from a backend that has authenticated the user itself.",
							   &user_id_string, "", PGC_SUSET, 0,
							   check_uuid, assign_user_id, show_user_id);
	DefineCustomStringVariable("casnet.tenant_id",
							   "The active tenant of this session.",
							   "A tenants.id. Anybody may set it; membership is checked at each use.",
							   &tenant_id_string, "", PGC_USERSET, 0,
							   check_uuid, assign_tenant_id, show_tenant_id);
}

/*
 * The user of the session, or NULL: the one whom its token proves, or without a token the
 * one whom a trusted backend asserts.  With an invalid token there is none.
 */
const pg_uuid_t *
casnet_session_user(void)
{
	if (casnet_security_is_suspended())
		return NULL;
	return casnet_token_is_set() ? casnet_token_user() : active_user;
}

/*
 * The active tenant, or NULL: that of the setting, or else of the token.  The membership is
 * not checked yet.
 */
const pg_uuid_t *
casnet_session_tenant(void)
{
	if (casnet_security_is_suspended())
		return NULL;
	return active_tenant != NULL ? active_tenant : casnet_token_tenant();
}

/*
 * The identity that the settings name, whether or not it is proved.  Even a token that has
 * ended names its user.
 */
void
casnet_session_identity(CasnetIdentity *identity)
{
	const pg_uuid_t *user;
	const pg_uuid_t *tenant;

	memset(identity, 0, sizeof(CasnetIdentity));
	if (casnet_security_is_suspended())
		return;
	casnet_token_resolve();
	user = casnet_token_is_set() ? casnet_token_named_user() : active_user;
	tenant = active_tenant != NULL ? active_tenant : casnet_token_named_tenant();
	identity->has_user = user != NULL;
	if (user != NULL)
		identity->user = *user;
	identity->has_tenant = tenant != NULL;
	if (tenant != NULL)
		identity->tenant = *tenant;
}

/* Whether the settings name that identity now. */
bool
casnet_session_is(const CasnetIdentity *identity)
{
	CasnetIdentity now;

	casnet_session_identity(&now);
	return memcmp(&now, identity, sizeof(CasnetIdentity)) == 0;
}

/*
 * casnet_internal.preload_setting(setting text) returns text
 *
 * The value of shared_preload_libraries or session_preload_libraries, which the server
 * shows only to superusers; internal, for doctor().  Raises 22023 for any other setting.
 */
Datum
casnet_preload_setting(PG_FUNCTION_ARGS)
{
	char	   *setting = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (strcmp(setting, "shared_preload_libraries") != 0 &&
		strcmp(setting, "session_preload_libraries") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("setting \"%s\" does not list preloaded libraries", setting),
				 errhint("Ask for shared_preload_libraries or session_preload_libraries.")));
	PG_RETURN_TEXT_P(cstring_to_text(GetConfigOption(setting, false, false)));
}

/*
 * casnet.grant_unrecorded(statement) returns void
 *
 * Runs GRANT or REVOKE for the extension's scripts, without letting the server know that a
 * script runs.  The server would record the privileges as the object's initial ones in this
 * database, and pg_dump would leave them out.  But privileges on a function that somebody
 * has changed must stay theirs.  And a parameter belongs to all databases: since 17 that
 * record keeps its roles from being dropped, and outlives the extension and even the
 * database.  Raises 42501 for a role that is not allowed to grant.
 */
Datum
casnet_grant_unrecorded(PG_FUNCTION_ARGS)
{
	bool		save = creating_extension;
	char	   *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	creating_extension = false;
	PG_TRY();
	{
		if (SPI_execute(statement, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not grant or revoke");
	}
	PG_FINALLY();
	{
		creating_extension = save;
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}
