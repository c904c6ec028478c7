/*
 * stress.c
 *		Memberships change as fast as they can be written, and every statement of
 *		every reader is compared with what was committed at that moment.
 *
 * usage: stress MODE SECONDS SEED   (the server by the PG* variables)
 *
 * The users are in two groups, and one thread alone writes those of a group.  It keeps
 * a log of states for each user.  Before it sends a COMMIT, it appends the new state and
 * increments "begun"; once the COMMIT has returned, it increments "committed".  A reader
 * notes "committed" before it sends a statement and "begun" when it has the answer.  The
 * answer must then be that of a state of this window, of which there is only one if no
 * change of the user overlapped.  A change that is rolled back is never in the log.
 *
 * One more thread stops a reader's backend now and then, wherever it is, for as long as
 * a few changes take.  So a lookup in two steps must not combine a state before a change
 * with one after it.  This thread needs the server's own user.
 *
 * MODE "check" fails if an answer was wrong.  The others must find wrong answers, or
 * they fail.  "behind" expects of everybody the state of one change before.  "blind" runs
 * after something that announces changes was broken.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#define GROUPS 2
#define USERS 6					/* who change; user 6 of a group owns all */
#define FIRST_TOKEN_USER 3		/* from here on they sign in with a token */
#define TENANTS 2
#define ROWS 5
#define READERS 4
#define RING 16384
#define MAX_REPORTS 20

/* The bits of permissions that change here; TO_BE stands for none of them. */
enum
{
	VIEW, CREATE, DELETE, BITS, TO_BE = BITS
};
static const char *const verbs[] = {"view", "create", "delete", "to be"};
static const char *const tables[] = {"records", "persons"};
static const char *const columns[] = {"title", "name"};

/* Roles; 0 is no member. */
enum
{
	NOBODY, VIEWER, MEMBER, ADMIN, OWNER, ROLES
};
static const char *const roles[] = {"", "viewer", "member", "admin", "owner"};

/* All that decides on the access of one user. */
typedef struct State
{
	bool		active;
	bool		superuser;
	bool		revoked;
	bool		cut_off;
	bool		key_live;
	bool		exists[TENANTS];
	uint8_t		role[TENANTS];
	uint8_t		granted[TENANTS];
	uint8_t		of_role[ROLES];
} State;

typedef struct Log
{
	State		states[RING];
	atomic_ulong begun;
	atomic_ulong committed;
} Log;

typedef struct Group
{
	int			number;
	Log			logs[USERS];
	State		now[USERS];		/* the writer's own */
	atomic_ulong moves_begun;	/* tenants deleted or made */
	atomic_ulong moves_committed;
	char		token[USERS][1024];
} Group;

/* What the writer does, and how it ends. */
enum
{
	MEMBERSHIP, ROLE, GRANT, OF_ROLE, ACTIVE, SUPERUSER, REVOKED, CUT_OFF,
	KEY, TENANT, CHANGES
};
static const char *const change_names[] = {
	"members added and removed", "roles of members", "permissions in person",
	"permissions of roles", "accounts switched off and on",
	"superusers made and unmade", "tokens revoked", "all tokens ended",
	"keys retired and added", "tenants deleted and made"
};
enum
{
	ALONE, BLOCK, SAVEPOINT, PREPARED, UNDONE, UNPREPARED, ENDS
};
static const char *const end_names[] = {
	"alone", "in a block", "beside a savepoint undone", "two-phase",
	"rolled back", "two-phase and rolled back"
};

/* What readers do. */
enum
{
	SIMPLE, EXTENDED, PREPARED_STATEMENT, CURSOR, READ_COMMITTED,
	REPEATABLE_READ, FUNCTION, HANDLER, EXPRESSION, CAN, INSERT, IDENTITY,
	KINDS
};
static const char *const kind_names[] = {
	"simple statements", "extended statements", "prepared statements",
	"cursors", "blocks in READ COMMITTED", "blocks in REPEATABLE READ",
	"functions", "exception handlers", "expressions of PL/pgSQL", "can()",
	"inserts", "who it is"
};

typedef struct Reader
{
	Group	   *group;
	PGconn	   *connection;
	uint64_t	random;
	int			user;
	int			tenant;
	unsigned long window;		/* committed before the statement */
	unsigned long moves;		/* the same, when the snapshot was taken */
	bool		keep_moves;		/* in a block with one snapshot */
	unsigned long checks[KINDS];
	unsigned long wrong[KINDS];
	unsigned long overlapped;
	unsigned long allowed;
	unsigned long refused;
	unsigned long unknown;
	unsigned long too_long;
	char		before[512];	/* the last statements, the latest first */
} Reader;

typedef struct Writer
{
	Group	   *group;
	PGconn	   *admin;
	PGconn	   *owner;
	uint64_t	random;
	unsigned long done[CHANGES];
	unsigned long ended[ENDS];
	unsigned long failed;
} Writer;

static Group groups[GROUPS];
static atomic_bool stop;
static atomic_int reports;
static bool behind;
static bool quiet;				/* wrong answers are expected */
static bool two_phase;
static uint64_t seed;
static atomic_int held;			/* the backend that is stopped, or 0 */

/* Give up: the run cannot go on. */
static void
die(const char *format, ...)
{
	va_list		arguments;
	int			pid = atomic_exchange(&held, 0);

	if (pid != 0)
		kill(pid, SIGCONT);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\nseed %llu\n", (unsigned long long) seed);
	fflush(stdout);
	_exit(3);
}

/* The next random number (splitmix64) below the limit. */
static unsigned
draw(uint64_t *state, unsigned limit)
{
	uint64_t	z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned) ((z ^ (z >> 31)) % limit);
}

/* A connection as the role, or that of the environment; dies if it fails. */
static PGconn *
connect_as(const char *role)
{
	const char *names[] = {"user", "application_name", NULL};
	const char *values[] = {role, "stress", NULL};
	PGconn	   *connection = PQconnectdbParams(names, values, 0);

	if (PQstatus(connection) != CONNECTION_OK)
		die("%s", PQerrorMessage(connection));
	return connection;
}

/* Run statements that must succeed; the first value of the last one. */
static char *
must(PGconn *connection, const char *sql)
{
	static _Thread_local char value[1024];
	PGresult   *result = PQexec(connection, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK &&
		PQresultStatus(result) != PGRES_TUPLES_OK)
		die("%s\nin: %s", PQerrorMessage(connection), sql);
	snprintf(value, sizeof(value), "%s",
			 PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return value;
}

/* The id of a user, with the prefix "0", or of a tenant, with "f". */
static const char *
id_of(const Group *group, const char *prefix, int number)
{
	static _Thread_local char ids[4][40];
	static _Thread_local int next;
	char	   *id = ids[next++ % 4];

	snprintf(id, 40, "00000000-0000-0000-%04d-0000000000%s%d",
			 group->number, prefix, number);
	return id;
}

/* Writing */

/* Append the states to the logs of the users. */
static void
begin_change(Group *group, const State *next, unsigned users, bool moves)
{
	if (moves)
		atomic_fetch_add(&group->moves_begun, 1);
	for (int u = 0; u < USERS; u++)
		if (users & 1u << u)
		{
			Log		   *log = &group->logs[u];
			unsigned long n = atomic_load(&log->begun);

			log->states[n % RING] = next[u];
			atomic_store(&log->begun, n + 1);
		}
}

/* The states are in force for every statement from now on. */
static void
end_change(Group *group, unsigned users, bool moves)
{
	for (int u = 0; u < USERS; u++)
		if (users & 1u << u)
			atomic_store(&group->logs[u].committed,
						 atomic_load(&group->logs[u].begun));
	if (moves)
		atomic_store(&group->moves_committed,
					 atomic_load(&group->moves_begun));
}

/*
 * Make the statement's change, which leads to the users' states in next.  A change that
 * a deadlock undoes never happened.
 */
static void
perform(Writer *writer, int change, const char *sql, bool as_owner,
		const State *next, unsigned users)
{
	Group	   *group = writer->group;
	PGconn	   *connection = as_owner ? writer->owner : writer->admin;
	bool		moves = change == TENANT;
	int			chance = draw(&writer->random, 100);
	int			end = chance < 65 ? ALONE : chance < 80 ? BLOCK :
		chance < 85 ? SAVEPOINT : chance < 90 ? PREPARED :
		chance < 97 ? UNDONE : UNPREPARED;
	char		two[64];
	PGresult   *result;

	if (!two_phase && end == PREPARED)
		end = BLOCK;
	if (!two_phase && end == UNPREPARED)
		end = UNDONE;

	snprintf(two, sizeof(two), "PREPARED 'stress%d'", group->number);
	if (end != ALONE)
	{
		must(connection, "BEGIN");
		if (end == SAVEPOINT)
		{
			/* Changes everything, and undoes that. */
			char		other[128];

			snprintf(other, sizeof(other), as_owner ?
					 "DELETE FROM casnet.user_tenants WHERE user_id <> casnet.current_user_id()" :
					 "UPDATE casnet.users SET is_active = NOT is_active WHERE username LIKE 'g%d%%'",
					 group->number);
			must(connection, "SAVEPOINT s");
			must(connection, other);
			must(connection, "ROLLBACK TO SAVEPOINT s");
		}
		must(connection, sql);
	}
	if (end == PREPARED || end == UNPREPARED)
	{
		char		prepare[64];

		snprintf(prepare, sizeof(prepare), "PREPARE TRANSACTION 'stress%d'",
				 group->number);
		must(connection, prepare);
	}
	if (end == UNDONE || end == UNPREPARED)
	{
		char		rollback[96] = "ROLLBACK ";

		if (end == UNPREPARED)
			strcat(rollback, two);
		must(connection, rollback);
		writer->ended[end]++;
		return;
	}

	begin_change(group, next, users, moves);
	if (end == PREPARED)
	{
		char		commit[96] = "COMMIT ";

		strcat(commit, two);
		must(connection, commit);
	}
	else if (end != ALONE)
		must(connection, "COMMIT");
	else
	{
		result = PQexec(connection, sql);
		if (PQresultStatus(result) != PGRES_COMMAND_OK &&
			PQresultStatus(result) != PGRES_TUPLES_OK)
		{
			const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

			if (state == NULL || strcmp(state, "40P01") != 0)
				die("%s\nin: %s", PQerrorMessage(connection), sql);
			/* As if there had been a change and one that reversed it. */
			PQclear(result);
			begin_change(group, group->now, users, moves);
			end_change(group, users, moves);
			writer->failed++;
			return;
		}
		PQclear(result);
	}
	end_change(group, users, moves);
	memcpy(group->now, next, sizeof(group->now));
	writer->done[change]++;
	writer->ended[end]++;
}

/* The number of a role. */
static int
role_number(const char *name)
{
	int			role = NOBODY;

	while (strcmp(roles[role], name) != 0)
		role++;
	return role;
}

/* Choose a change; what denies everybody does not last long. */
static int
choose_change(Writer *writer, const State *now, int u, int t)
{
	unsigned	chance = draw(&writer->random, 1000);

	if (chance < 300)
	{
		if (!now->key_live)
			return KEY;
		if (!now->exists[t])
			return TENANT;
		if (!now->active)
			return ACTIVE;
		if (now->superuser)
			return SUPERUSER;
		if (now->revoked && u >= FIRST_TOKEN_USER)
			return REVOKED;
		if (now->cut_off && u >= FIRST_TOKEN_USER)
			return CUT_OFF;
		if (now->role[t] == NOBODY)
			return MEMBERSHIP;
	}
	chance = draw(&writer->random, 1000);
	return chance < 250 ? MEMBERSHIP : chance < 500 ? ROLE :
		chance < 750 ? GRANT : chance < 790 ? OF_ROLE :
		chance < 860 ? ACTIVE : chance < 900 ? SUPERUSER :
		u >= FIRST_TOKEN_USER && chance < 950 ? REVOKED :
		u >= FIRST_TOKEN_USER && chance < 985 ? CUT_OFF :
		chance < 985 ? ROLE : chance < 993 ? KEY : TENANT;
}

/* One change of a membership, a role or a permission granted in person. */
static void
change_member(Writer *writer, int change, int u, int t)
{
	Group	   *group = writer->group;
	State		next[USERS];
	State	   *state = &next[u];
	bool		as_owner = draw(&writer->random, 3) == 0;
	const char *user = id_of(group, "0", u);
	const char *tenant = id_of(group, "f", t);
	const char *role = roles[1 + draw(&writer->random, ROLES - 1)];
	int			bit = draw(&writer->random, BITS);
	char		name[16];
	char		permission[32];
	char		row[128];
	char		sql[512];

	memcpy(next, group->now, sizeof(next));
	if (!state->exists[t] || (change != MEMBERSHIP && state->role[t] == NOBODY))
		return;
	snprintf(name, sizeof(name), "g%du%d", group->number, u);
	snprintf(permission, sizeof(permission), "%s_%s", verbs[bit],
			 tables[group->number]);
	snprintf(row, sizeof(row), "user_id = '%s' AND tenant_id = '%s'",
			 user, tenant);
	if (as_owner)
	{
		snprintf(sql, sizeof(sql), "SET casnet.tenant_id = '%s'", tenant);
		must(writer->owner, sql);
	}

	if (change == MEMBERSHIP && state->role[t] == NOBODY)
	{
		state->role[t] = role_number(role);
		if (as_owner)
			snprintf(sql, sizeof(sql), "SELECT casnet.add_member('%s', '%s')",
					 name, role);
		else
			snprintf(sql, sizeof(sql),
					 "INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES ('%s', '%s', '%s')",
					 user, tenant, role);
	}
	else if (change == MEMBERSHIP)
	{
		state->role[t] = NOBODY;
		state->granted[t] = 0;
		if (as_owner)
			snprintf(sql, sizeof(sql), "SELECT casnet.remove_member('%s')", name);
		else
			snprintf(sql, sizeof(sql), "DELETE FROM casnet.user_tenants WHERE %s",
					 row);
	}
	else if (change == ROLE)
	{
		state->role[t] = role_number(role);
		if (as_owner)
			snprintf(sql, sizeof(sql),
					 "SELECT casnet.set_member_role('%s', '%s')", name, role);
		else
			snprintf(sql, sizeof(sql),
					 "UPDATE casnet.user_tenants SET role = '%s' WHERE %s",
					 role, row);
	}
	else
	{
		bool		give = !(state->granted[t] & 1u << bit);

		state->granted[t] ^= 1u << bit;
		if (as_owner)
			snprintf(sql, sizeof(sql),
					 "SELECT casnet.%s_permission('%s', '%s')",
					 give ? "grant" : "revoke", name, permission);
		else if (give)
			snprintf(sql, sizeof(sql),
					 "INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES ('%s', '%s', '%s')",
					 user, tenant, permission);
		else
			snprintf(sql, sizeof(sql),
					 "DELETE FROM casnet.user_tenant_permissions WHERE %s AND permission = '%s'",
					 row, permission);
	}
	perform(writer, change, sql, as_owner, next, 1u << u);
}

/* One change of an account, of its tokens, or of all of the group. */
static void
change_other(Writer *writer, int change, int u, int t)
{
	Group	   *group = writer->group;
	State		next[USERS];
	State	   *state = &next[u];
	unsigned	users = 1u << u;
	char		sql[2048];
	const char *user = id_of(group, "0", u);
	const char *tenant = id_of(group, "f", t);
	int			role = VIEWER + draw(&writer->random, 2);
	int			bit = draw(&writer->random, BITS);

	memcpy(next, group->now, sizeof(next));
	switch (change)
	{
		case ACTIVE:
			state->active = !state->active;
			/* Who is deactivated has no token any more. */
			if (!state->active)
				state->cut_off = true;
			snprintf(sql, sizeof(sql),
					 "UPDATE casnet.users SET is_active = %s WHERE id = '%s'",
					 state->active ? "true" : "false", user);
			break;
		case SUPERUSER:
			state->superuser = !state->superuser;
			snprintf(sql, sizeof(sql),
					 "UPDATE casnet.users SET is_superuser = %s WHERE id = '%s'",
					 state->superuser ? "true" : "false", user);
			break;
		case REVOKED:
			state->revoked = !state->revoked;
			if (state->revoked)
				snprintf(sql, sizeof(sql),
						 "INSERT INTO casnet_internal.revoked_tokens (user_id, expires_at, digest) VALUES ('%s', 'infinity', sha256(substring('%s' FROM '^[^.]*[.][^.]*')::bytea))",
						 user, group->token[u]);
			else
				snprintf(sql, sizeof(sql),
						 "DELETE FROM casnet_internal.revoked_tokens WHERE user_id = '%s'",
						 user);
			break;
		case CUT_OFF:
			state->cut_off = !state->cut_off;
			snprintf(sql, sizeof(sql), state->cut_off ?
					 "SELECT casnet.revoke_all_tokens('%s')" :
					 "DELETE FROM casnet_internal.token_cutoffs WHERE user_id = '%s'",
					 user);
			break;
		case OF_ROLE:
			users = (1u << USERS) - 1;
			snprintf(sql, sizeof(sql),
					 state->of_role[role] & 1u << bit ?
					 "DELETE FROM casnet.role_permissions WHERE role = '%s' AND permission = '%s_%s'" :
					 "INSERT INTO casnet.role_permissions (role, permission) VALUES ('%s', '%s_%s')",
					 roles[role], verbs[bit], tables[group->number]);
			for (int i = 0; i < USERS; i++)
				next[i].of_role[role] ^= 1u << bit;
			break;
		case KEY:
			users = (1u << USERS) - 1;
			if (state->key_live)
				snprintf(sql, sizeof(sql),
						 "SELECT casnet.retire_signing_key('g%d')",
						 group->number);
			else
				snprintf(sql, sizeof(sql),
						 "UPDATE casnet_internal.signing_keys SET key = repeat('%d', 32)::bytea, retired_at = NULL WHERE kid = 'g%d'",
						 group->number, group->number);
			for (int i = 0; i < USERS; i++)
				next[i].key_live = !next[i].key_live;
			break;
		default:
			users = (1u << USERS) - 1;
			if (state->exists[t])
				snprintf(sql, sizeof(sql), "SELECT casnet.delete_tenant('%s')",
						 tenant);
			else
				snprintf(sql, sizeof(sql), "CALL stress.found('%s', 'g%dt%d')",
						 tenant, group->number, t);
			for (int i = 0; i < USERS; i++)
			{
				next[i].exists[t] = !next[i].exists[t];
				next[i].role[t] = next[i].exists[t] ? VIEWER : NOBODY;
				next[i].granted[t] = 0;
			}
			break;
	}
	perform(writer, change, sql, false, next, users);
}

/* The thread of a writer. */
static void *
write_changes(void *argument)
{
	Writer	   *writer = argument;

	while (!atomic_load(&stop))
	{
		int			u = draw(&writer->random, USERS);
		int			t = draw(&writer->random, TENANTS);
		int			change = choose_change(writer, &writer->group->now[u],
										   u, t);

		if (change == MEMBERSHIP || change == ROLE || change == GRANT)
			change_member(writer, change, u, t);
		else
			change_other(writer, change, u, t);
	}
	return NULL;
}

/* Reading */

/* Whether the state gives the permission; "" or the SQLSTATE of the refusal. */
static const char *
verdict(const State *state, int u, int t, int bit)
{
	if (!state->active)
		return "28000";
	if (u >= FIRST_TOKEN_USER &&
		(state->revoked || state->cut_off || !state->key_live))
		return "28000";
	if (bit == TO_BE || (state->superuser && state->exists[t]))
		return "";
	if (state->role[t] != NOBODY &&
		(state->of_role[state->role[t]] | state->granted[t]) & 1u << bit)
		return "";
	return "42501";
}

/* Whether the answer is the expected one; "no" is a refusal of either kind. */
static bool
agree(const char *seen, const char *due)
{
	return strcmp(seen, due) == 0 || (strcmp(seen, "no") == 0 && *due != '\0');
}

/* Before a statement is sent. */
static void
open_window(Reader *reader)
{
	Log		   *log = &reader->group->logs[reader->user];

	reader->window = atomic_load(&log->committed);
	if (!reader->keep_moves)
		reader->moves = atomic_load(&reader->group->moves_committed);
}

/* Report an answer that no state of the window gives. */
static void
report(const Reader *reader, int kind, int bit, const char *sql,
	   const char *seen, unsigned long from, unsigned long to)
{
	const Log  *log = &reader->group->logs[reader->user];

	if (quiet || atomic_fetch_add(&reports, 1) >= MAX_REPORTS)
		return;
	printf("WRONG ANSWER, seed %llu, %s, user g%du%d (by %s), tenant g%dt%d\n"
		   "  statement: %s\n  permission: %s_%s\n  seen: %s\n  due:",
		   (unsigned long long) seed, kind_names[kind], reader->group->number,
		   reader->user,
		   reader->user >= FIRST_TOKEN_USER ? "token" : "casnet.user_id",
		   reader->group->number, reader->tenant, sql, verbs[bit],
		   tables[reader->group->number], *seen == '\0' ? "allowed" : seen);
	for (unsigned long i = from; i < to && i < from + 8; i++)
	{
		const char *due = verdict(&log->states[i % RING], reader->user,
								  reader->tenant, bit);

		const State *state = &log->states[i % RING];

		printf(" %s", *due == '\0' ? "allowed" : due);
		if (strcmp(due, "28000") == 0)
			printf(" (%s%s%s%s)", state->active ? "" : " inactive",
				   state->revoked ? " revoked" : "",
				   state->cut_off ? " cut off" : "",
				   state->key_live ? "" : " key retired");
	}
	printf(" (states %lu to %lu)\n  before: %s\n", from, to - 1, reader->before);
	fflush(stdout);
}

/*
 * Once the answer is there: seen is "" if the permission was held, else the SQLSTATE.
 * An answer about tenants that are deleted and made again can differ more.
 */
static void
judge(Reader *reader, int kind, int bit, const char *sql, const char *seen)
{
	Log		   *log = &reader->group->logs[reader->user];
	unsigned long to = atomic_load(&log->begun);
	unsigned long from = reader->window - 1;
	bool		moved = atomic_load(&reader->group->moves_begun) != reader->moves;
	bool		right = false;

	if (to - from > RING / 2)
	{
		reader->too_long++;
		return;
	}
	if (behind && from > 0)
	{
		from--;
		to--;
	}
	for (unsigned long i = from; i < to && !right; i++)
		right = agree(seen, verdict(&log->states[i % RING], reader->user,
									reader->tenant, bit));
	/* No rows, or no tenant to refer to, to the snapshot of the statement. */
	if (!right && moved)
		right = strcmp(seen, "no rows") == 0 || strcmp(seen, "23503") == 0 ||
			strcmp(seen, "40001") == 0;
	reader->checks[kind]++;
	if (to - from > 1)
		reader->overlapped++;
	if (*seen == '\0')
		reader->allowed++;
	else if (strcmp(seen, "42501") == 0 || strcmp(seen, "no") == 0)
		reader->refused++;
	else
		reader->unknown++;
	if (!right)
	{
		reader->wrong[kind]++;
		report(reader, kind, bit, sql, seen, from, to);
	}
}

/*
 * What rows show: "" for the tenant's rows and no others, "no rows", or what
 * else they are.
 */
static const char *
rows_seen(const Reader *reader, const char *count, const char *least,
		  const char *greatest)
{
	static _Thread_local char text[256];
	char		first[16];
	char		last[16];

	snprintf(first, sizeof(first), "g%dt%d 1", reader->group->number,
			 reader->tenant);
	snprintf(last, sizeof(last), "g%dt%d %d", reader->group->number,
			 reader->tenant, ROWS);
	if (atoi(count) == ROWS && strcmp(least, first) == 0 &&
		strcmp(greatest, last) == 0)
		return "";
	if (strcmp(count, "0") == 0)
		return "no rows";
	snprintf(text, sizeof(text), "%s rows, %s to %s", count, least, greatest);
	return text;
}

/* The same of "count|least|greatest", or of a SQLSTATE. */
static const char *
text_seen(const Reader *reader, const char *text)
{
	char		copy[128];
	char	   *least;
	char	   *greatest;

	snprintf(copy, sizeof(copy), "%s", text);
	least = strchr(copy, '|');
	if (least == NULL)
		return text;
	*least++ = '\0';
	greatest = strchr(least, '|');
	*greatest++ = '\0';
	return rows_seen(reader, copy, least, greatest);
}

/* The SQLSTATE of an error, or NULL; dies if the connection is gone. */
static const char *
error_of(const Reader *reader, const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	const char *state;

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return NULL;
	state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (state == NULL || PQstatus(reader->connection) != CONNECTION_OK)
		die("%s", PQerrorMessage(reader->connection));
	return state;
}

/* Keep what was sent, and what came of it, for a report. */
static void
remember(Reader *reader, const char *sql, const char *answer)
{
	char		before[sizeof(reader->before)];

	snprintf(before, sizeof(before), "%s", reader->before);
	snprintf(reader->before, sizeof(reader->before), "%.60s: %.30s; %.400s",
			 sql, answer == NULL ? "done" : answer, before);
}

/* Send one statement of a kind and judge the answer; false on an error. */
static bool
look(Reader *reader, int kind)
{
	int			g = reader->group->number;
	const char *table = tables[g];
	const char *column = columns[g];
	int			bit = VIEW;
	char		sql[256];
	char		seen[256];
	const char *parameter[] = {"00000000-0000-0000-0000-000000000000"};
	const char *error;
	PGresult   *result;
	bool		failed;

	snprintf(sql, sizeof(sql),
			 "SELECT concat(count(*), '|', min(%s), '|', max(%s)) FROM casnet.%s",
			 column, column, table);
	if (kind == EXTENDED)
		strcat(sql, " WHERE id <> $1");
	else if (kind == PREPARED_STATEMENT)
		strcpy(sql, "prepared");
	else if (kind == FUNCTION || kind == HANDLER || kind == EXPRESSION)
		snprintf(sql, sizeof(sql), "SELECT stress.%s%d()",
				 kind == FUNCTION ? "look" : kind == HANDLER ? "try" : "may", g);
	else if (kind == CAN)
	{
		bit = draw(&reader->random, BITS);
		snprintf(sql, sizeof(sql), "SELECT casnet.can('%s_%s')", verbs[bit],
				 table);
	}
	else if (kind == INSERT)
	{
		bit = CREATE;
		snprintf(sql, sizeof(sql),
				 "INSERT INTO casnet.%s (%s) VALUES ('new')", table, column);
	}
	else if (kind == IDENTITY)
	{
		bit = TO_BE;
		strcpy(sql, reader->user >= FIRST_TOKEN_USER ?
			   "SELECT casnet.sign_in(current_setting('casnet.token'))" :
			   "SELECT casnet.current_user_id()");
	}

	open_window(reader);
	if (kind == EXTENDED)
		result = PQexecParams(reader->connection, sql, 1, NULL, parameter,
							  NULL, NULL, 0);
	else if (kind == PREPARED_STATEMENT)
		result = PQexecPrepared(reader->connection, sql, 1, parameter, NULL,
								NULL, 0);
	else
		result = PQexec(reader->connection, sql);

	error = error_of(reader, result);
	failed = error != NULL;
	if (failed)
		snprintf(seen, sizeof(seen), "%s", error);
	else if (kind == INSERT)
		*seen = '\0';
	else if (kind == IDENTITY)
		strcpy(seen, PQgetisnull(result, 0, 0) ? "no" : "");
	else if (kind == CAN || kind == EXPRESSION)
		snprintf(seen, sizeof(seen), "%s",
				 *PQgetvalue(result, 0, 0) == 't' ? "" : "no");
	else
		snprintf(seen, sizeof(seen), "%s",
				 text_seen(reader, PQgetvalue(result, 0, 0)));
	PQclear(result);

	judge(reader, kind, bit, sql, seen);
	remember(reader, sql, seen);
	return !failed;
}

/* A statement whose outcome does not matter. */
static bool
send(Reader *reader, const char *sql)
{
	PGresult   *result = PQexec(reader->connection, sql);
	const char *error = error_of(reader, result);

	remember(reader, sql, error);
	PQclear(result);
	return error == NULL;
}

/* A block of statements, each judged by itself, with savepoints at times. */
static void
look_in_block(Reader *reader, int kind)
{
	static const int inside[] = {SIMPLE, EXTENDED, PREPARED_STATEMENT,
	FUNCTION, HANDLER, EXPRESSION, EXPRESSION, CAN, INSERT, IDENTITY, IDENTITY};
	int			statements = 2 + draw(&reader->random, 6);
	bool		savepoints = draw(&reader->random, 2) == 0;

	if (kind == REPEATABLE_READ)
	{
		reader->moves = atomic_load(&reader->group->moves_committed);
		reader->keep_moves = true;
		send(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ");
		send(reader, "SELECT 1");
	}
	else
		send(reader, "BEGIN");
	for (int i = 0; i < statements; i++)
	{
		int			one = inside[draw(&reader->random,
									  sizeof(inside) / sizeof(inside[0]))];
		bool		inserts = one == INSERT;

		if (savepoints || inserts)
			send(reader, "SAVEPOINT s");
		reader->checks[kind]++;
		if (!look(reader, one))
		{
			if (!savepoints && !inserts)
				break;
			send(reader, "ROLLBACK TO SAVEPOINT s");
		}
		else if (inserts)
			send(reader, "ROLLBACK TO SAVEPOINT s");
	}
	send(reader, draw(&reader->random, 2) == 0 ? "COMMIT" : "ROLLBACK");
	reader->keep_moves = false;
}

/*
 * A cursor, whose rows belong to the statement that opened it.  All of them are there,
 * or casnet refuses those that were not computed yet.
 */
static void
look_by_cursor(Reader *reader)
{
	static const char *const steps[] = {NULL, "FETCH 2 FROM c", "FETCH ALL FROM c"};
	bool		sorted = draw(&reader->random, 2) == 0;
	char		declare[256];
	char		first[64] = "";
	char		last[64] = "";
	char		count[16];
	char		seen[256];
	int			rows = 0;
	const char *error = NULL;

	snprintf(declare, sizeof(declare),
			 "DECLARE c CURSOR FOR SELECT %s FROM casnet.%s%s%s",
			 columns[reader->group->number], tables[reader->group->number],
			 sorted ? " ORDER BY " : "",
			 sorted ? columns[reader->group->number] : "");
	send(reader, "BEGIN");
	open_window(reader);
	*seen = '\0';
	for (int i = 0; i < 3 && error == NULL; i++)
	{
		PGresult   *result = PQexec(reader->connection,
									i == 0 ? declare : steps[i]);

		error = error_of(reader, result);
		if (error != NULL)
			snprintf(seen, sizeof(seen), "%s", error);
		else
			for (int r = 0; r < PQntuples(result); r++)
			{
				const char *value = PQgetvalue(result, r, 0);

				rows++;
				if (*first == '\0' || strcmp(value, first) < 0)
					snprintf(first, sizeof(first), "%s", value);
				if (strcmp(value, last) > 0)
					snprintf(last, sizeof(last), "%s", value);
			}
		PQclear(result);
	}
	if (error == NULL)
	{
		snprintf(count, sizeof(count), "%d", rows);
		snprintf(seen, sizeof(seen), "%s", rows_seen(reader, count, first, last));
	}
	judge(reader, CURSOR, VIEW, declare, seen);
	remember(reader, declare, seen);
	send(reader, "ROLLBACK");
}

/* The session becomes another user, in another tenant. */
static void
become(Reader *reader)
{
	bool		by_token;
	const char *values[3];
	PGresult   *result;

	reader->user = draw(&reader->random, USERS);
	reader->tenant = draw(&reader->random, TENANTS);
	by_token = reader->user >= FIRST_TOKEN_USER;
	values[0] = by_token ? "" : id_of(reader->group, "0", reader->user);
	values[1] = by_token ? reader->group->token[reader->user] : "";
	values[2] = id_of(reader->group, "f", reader->tenant);
	result = PQexecParams(reader->connection,
						  "SELECT set_config('casnet.user_id', $1, false), set_config('casnet.token', $2, false), set_config('casnet.tenant_id', $3, false)",
						  3, NULL, values, NULL, NULL, 0);
	if (error_of(reader, result) != NULL)
		die("%s", PQerrorMessage(reader->connection));
	PQclear(result);
	remember(reader, "becomes another user", NULL);
}

/* The thread of a reader. */
static void *
read_rows(void *argument)
{
	Reader	   *reader = argument;

	while (!atomic_load(&stop))
	{
		int			kind = draw(&reader->random, KINDS);

		if (draw(&reader->random, 8) == 0)
			become(reader);
		if (kind == READ_COMMITTED || kind == REPEATABLE_READ)
			look_in_block(reader, kind);
		else if (kind == CURSOR)
			look_by_cursor(reader);
		else if (kind == INSERT)
		{
			send(reader, "BEGIN");
			look(reader, kind);
			send(reader, "ROLLBACK");
		}
		else
			look(reader, kind);
	}
	return NULL;
}

/* Holding */

/* The thread that stops the backends of the readers; returns how often it did. */
static void *
hold_readers(void *argument)
{
	Reader	   *readers = argument;
	uint64_t	random = seed * 1000 + 200;
	uintptr_t	times = 0;

	while (!atomic_load(&stop))
	{
		int			pid = PQbackendPID(readers[draw(&random, READERS)].connection);

		atomic_store(&held, pid);
		if (kill(pid, SIGSTOP) != 0)
			die("a backend of the server cannot be stopped; run this as the server's user");
		usleep(100 + draw(&random, 4000));
		if (atomic_exchange(&held, 0) != 0)
			kill(pid, SIGCONT);
		times++;
		usleep(draw(&random, 8000));
	}
	return (void *) times;
}

/* The states after setup.sql. */
static void
prepare_group(Group *group, PGconn *admin)
{
	char		sql[128];

	for (int u = 0; u < USERS; u++)
	{
		State	   *state = &group->now[u];

		state->active = true;
		state->key_live = true;
		for (int t = 0; t < TENANTS; t++)
		{
			state->exists[t] = true;
			state->role[t] = VIEWER;
		}
		state->of_role[VIEWER] = 1u << VIEW;
		state->of_role[MEMBER] = 1u << VIEW | 1u << CREATE;
		state->of_role[ADMIN] = state->of_role[OWNER] = (1u << BITS) - 1;
		snprintf(sql, sizeof(sql), "SELECT stress.token_of(%d, %d)",
				 group->number, u);
		snprintf(group->token[u], sizeof(group->token[u]), "%s",
				 must(admin, sql));
	}
	begin_change(group, group->now, (1u << USERS) - 1, false);
	end_change(group, (1u << USERS) - 1, false);
}

static void
prepare_writer(Writer *writer, int number)
{
	char		sql[256];

	writer->group = &groups[number];
	writer->group->number = number;
	writer->random = seed * 1000 + number;
	writer->admin = connect_as(NULL);
	writer->owner = connect_as("stress_app");
	snprintf(sql, sizeof(sql), "SET casnet.user_id = '%s'",
			 id_of(writer->group, "0", USERS));
	must(writer->owner, sql);
}

static void
prepare_reader(Reader *reader, int number)
{
	char		sql[256];
	int			g = number % GROUPS;

	reader->group = &groups[g];
	reader->random = seed * 1000 + 100 + number;
	reader->connection = connect_as("stress_app");
	snprintf(sql, sizeof(sql),
			 "PREPARE prepared(uuid) AS SELECT concat(count(*), '|', min(%s), '|', max(%s)) FROM casnet.%s WHERE id <> $1",
			 columns[g], columns[g], tables[g]);
	must(reader->connection, sql);
	if (number / GROUPS % 2 == 1)
		must(reader->connection, "SET plan_cache_mode = force_generic_plan; SET enable_indexscan = off; SET enable_bitmapscan = off");
	become(reader);
}

/* Count one check. */
static void
count(bool good, unsigned long *passed, unsigned long *failed,
	  const char *what, unsigned long number)
{
	*(good ? passed : failed) += 1;
	printf("%-10s %-28s %lu\n", good ? "ok" : "FAILED", what, number);
}

int
main(int argc, char **argv)
{
	static Writer writers[GROUPS];
	static Reader readers[READERS];
	pthread_t	threads[GROUPS + READERS];
	pthread_t	holder;
	void	   *holds;
	unsigned long passed = 0;
	unsigned long failed = 0;
	unsigned long changes = 0;
	unsigned long undone = 0;
	unsigned long given_up = 0;
	unsigned long checks = 0;
	unsigned long wrong = 0;
	Reader		sum;
	int			seconds;
	struct timespec from;
	struct timespec to;
	double		elapsed;

	if (argc != 4)
		die("usage: stress check|behind|blind SECONDS SEED");
	behind = strcmp(argv[1], "behind") == 0;
	quiet = strcmp(argv[1], "check") != 0;
	seconds = atoi(argv[2]);
	seed = strtoull(argv[3], NULL, 10);
	memset(&sum, 0, sizeof(sum));

	for (int g = 0; g < GROUPS; g++)
	{
		prepare_writer(&writers[g], g);
		prepare_group(&groups[g], writers[g].admin);
	}
	two_phase = strcmp(must(writers[0].admin, "SHOW max_prepared_transactions"), "0") != 0;
	for (int r = 0; r < READERS; r++)
		prepare_reader(&readers[r], r);

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int g = 0; g < GROUPS; g++)
		pthread_create(&threads[g], NULL, write_changes, &writers[g]);
	for (int r = 0; r < READERS; r++)
		pthread_create(&threads[GROUPS + r], NULL, read_rows, &readers[r]);
	pthread_create(&holder, NULL, hold_readers, readers);
	for (int s = 0; s < seconds; s++)
		sleep(1);
	atomic_store(&stop, true);
	for (int i = 0; i < GROUPS + READERS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(holder, &holds);
	clock_gettime(CLOCK_MONOTONIC, &to);
	elapsed = (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9;

	for (int r = 0; r < READERS; r++)
	{
		for (int k = 0; k < KINDS; k++)
		{
			sum.checks[k] += readers[r].checks[k];
			sum.wrong[k] += readers[r].wrong[k];
			wrong += readers[r].wrong[k];
		}
		sum.overlapped += readers[r].overlapped;
		sum.allowed += readers[r].allowed;
		sum.refused += readers[r].refused;
		sum.unknown += readers[r].unknown;
		sum.too_long += readers[r].too_long;
	}
	checks = sum.allowed + sum.refused + sum.unknown;
	for (int g = 0; g < GROUPS; g++)
	{
		for (int c = 0; c < CHANGES; c++)
			changes += writers[g].done[c];
		undone += writers[g].ended[UNDONE] + writers[g].ended[UNPREPARED];
		given_up += writers[g].failed;
	}

	if (quiet)
	{
		printf("%s: %lu wrong answers among %lu, after %lu changes\n",
			   argv[1], wrong, checks, changes);
		return wrong > 0 ? 0 : 1;
	}
	for (int k = 0; k < KINDS; k++)
		count(sum.checks[k] > 0 && sum.wrong[k] == 0, &passed, &failed,
			  kind_names[k], sum.checks[k]);
	for (int c = 0; c < CHANGES; c++)
		count(writers[0].done[c] + writers[1].done[c] > 0, &passed, &failed,
			  change_names[c], writers[0].done[c] + writers[1].done[c]);
	for (int e = 0; e < ENDS; e++)
		count(writers[0].ended[e] + writers[1].ended[e] > 0, &passed, &failed,
			  end_names[e], writers[0].ended[e] + writers[1].ended[e]);
	printf("%lu changes, %.0f a second, and %lu rolled back, %lu given up\n"
		   "%lu checks, %.0f a second: %lu allowed, %lu without the permission, %lu not signed in or no rows\n"
		   "%.1f %% overlapped a change, %lu too many to judge; %lu wrong answers\n",
		   changes, changes / elapsed, undone, given_up, checks,
		   checks / elapsed, sum.allowed, sum.refused, sum.unknown,
		   100.0 * sum.overlapped / (checks == 0 ? 1 : checks), sum.too_long,
		   wrong);
	count((uintptr_t) holds > 0, &passed, &failed,
		  "times a backend was stopped", (uintptr_t) holds);
	count(sum.overlapped < checks / 2 && sum.too_long == 0, &passed, &failed,
		  "overlapped less than half", sum.overlapped);
	printf("%lu %lu\n", passed, failed);
	return failed > 0 ? 1 : 0;
}
