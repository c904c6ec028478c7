/*
 * execution.c
 *		What the policies of a plan ask for, asked when it is executed.
 *
 * The notes of a plan (plan.c) say what to ask for.  When an execution starts,
 * the session must hold it, and the parameters that stand for the policies' calls
 * get their values, also where no row is ever looked at.
 *
 * An execution that goes on, as a cursor's does, belongs to the user and the
 * tenant that it began with.  Each time it goes on, messages are taken in, and
 * that user must still hold what was asked for: the token must be good, the
 * account active, the membership and the permissions there.  What a plan without
 * notes asked for by the functions that it calls is not known.  If one stops
 * before its end, all that its user held is remembered, and must be there when it
 * goes on.
 *
 * A statement that writes has one identity; see statement.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "casnet.h"

/* An execution under policies, or the outermost one that writes. */
typedef struct Execution
{
	struct Execution *next;
	QueryDesc  *query;
	bool		is_noted;		/* something is asked for */
	bool		remembers;		/* it stopped after functions had asked */
	bool		calls_left;		/* its plan calls the functions of policies */
	bool		follows_session;	/* or such as follow the session */
	bool		by_token;		/* tokens that it rests on are kept */
	bool		needs_view_users;
	uint64		token;			/* number of the one it was opened with, or 0 */
	CasnetOpening opened;		/* by whom, as the settings named it, and for what */
	pg_uuid_t	user;			/* who is asked about */
	pg_uuid_t	tenant;
	uint64		runs_before;	/* runs begun when it began */
	uint64		generation;		/* the last answer holds for this one */
	ArrayType  *my_tenants;		/* NULL unless they are what is read */
	CasnetRemembered remembered;	/* what functions asked for */
	MemoryContextCallback callback;
	bool		was_suspended;	/* began in code of another role */
} Execution;

/* Those under way, the newest first. */
static Execution *executions = NULL;

/*
 * Runs that may stop before their end are numbered.  That of the innermost one under
 * way; after an error, until the end of the transaction, it may be one that is not.
 */
static uint64 runs_begun = 0;
static uint64 innermost_run = 0;	/* 0 for none */

/* What there was to know when the library was loaded. */
static uint64 epochs_loaded;

static ExecutorStart_hook_type previous_start_hook = NULL;
static ExecutorRun_hook_type previous_run_hook = NULL;

/* The memory of an execution goes, however it ended. */
static void
forget_execution(void *arg)
{
	Execution  *execution = arg;

	for (Execution **link = &executions; *link != NULL;
		 link = &(*link)->next)
	{
		if (*link == execution)
		{
			*link = execution->next;
			break;
		}
	}
	if (execution->by_token)
		casnet_token_release();
	casnet_statement_end(execution);
}

/* A record of the execution, which goes with its memory. */
static Execution *
add_execution(QueryDesc *query, const CasnetIdentity *identity)
{
	MemoryContext context = query->estate->es_query_cxt;
	Execution  *execution = MemoryContextAllocZero(context, sizeof(Execution));

	execution->query = query;
	execution->opened.as = *identity;
	execution->was_suspended = casnet_security_is_suspended();
	execution->runs_before = runs_begun;
	execution->next = executions;
	executions = execution;
	execution->callback.func = forget_execution;
	execution->callback.arg = execution;
	MemoryContextRegisterResetCallback(context, &execution->callback);
	return execution;
}

/* The record of the execution, or NULL. */
static Execution *
find_execution(const QueryDesc *query)
{
	Execution  *execution = executions;

	while (execution != NULL && execution->query != query)
		execution = execution->next;
	return execution;
}

/*
 * It goes on for as long as the token is good that it was opened with, or that was
 * set when functions asked.
 */
static void
hold_token(Execution *execution)
{
	if (execution->by_token)
		return;
	(void) casnet_token_hold();
	execution->by_token = true;
}

/* The parameter gets its value. */
static void
set_parameter(EState *estate, int parameter, Datum value)
{
	if (parameter == CASNET_NO_PARAMETER)
		return;
	estate->es_param_exec_vals[parameter].value = value;
	estate->es_param_exec_vals[parameter].isnull = false;
}

/* What the notes of the plan ask for, with memory for it. */
static void
read_notes(Execution *execution, List *notes, EState *estate)
{
	int			first = list_length(notes);
	int		   *bits = MemoryContextAlloc(estate->es_query_cxt,
										  first * sizeof(int));
	ListCell   *cell;

	/* The newest note is the first. */
	execution->opened.bits = bits + first;
	foreach(cell, notes)
	{
		int			value;
		CasnetNote	kind = casnet_plan_note(cell, &value);

		if (kind == CASNET_NOTE_NONE)
			break;
		if (kind == CASNET_NOTE_PERMISSION)
		{
			*--execution->opened.bits = value;
			execution->opened.nbits++;
		}
		else
		{
			execution->opened.needs_tenant |= kind == CASNET_NOTE_TENANT;
			execution->calls_left |= kind == CASNET_NOTE_CALLS;
			execution->follows_session |= kind == CASNET_NOTE_SESSION;
		}
	}
}

/* Give each parameter its value. */
static void
set_parameters(Execution *execution, List *notes, EState *estate)
{
	MemoryContext before = MemoryContextSwitchTo(estate->es_query_cxt);
	ListCell   *cell;
	int			value;

	foreach(cell, notes)
	{
		switch (casnet_plan_note(cell, &value))
		{
			case CASNET_NOTE_NONE:
				MemoryContextSwitchTo(before);
				return;
			case CASNET_NOTE_TENANT:
				set_parameter(estate, value,
							  UUIDPGetDatum(&execution->tenant));
				break;
			case CASNET_NOTE_USER:
				set_parameter(estate, value,
							  UUIDPGetDatum(&execution->user));
				break;
			case CASNET_NOTE_MY_TENANTS:
				execution->my_tenants =
					casnet_id_set_my_tenants(&execution->opened.as,
											   &execution->user);
				set_parameter(estate, value,
							  PointerGetDatum(execution->my_tenants));
				break;
			case CASNET_NOTE_VISIBLE_USERS:
				set_parameter(estate, value,
							  PointerGetDatum(casnet_id_set_visible_users(&execution->opened.as,
																			&execution->user,
																			&execution->needs_view_users)));
				break;
			default:
				break;
		}
	}
	MemoryContextSwitchTo(before);
}

/* Whether the plan writes rows. */
static bool
writes(const PlannedStmt *plan)
{
	return plan->commandType != CMD_SELECT || plan->hasModifyingCTE;
}

/*
 * The policies are asked for the first time.  Raises what tenant_with() and the
 * other functions of policies do.
 *
 * What the settings named before the server began is not verified.  Functions of
 * the user may have set others since, which are; so both must be the same, or what
 * the execution is opened as would be nobody's proof.  Raises 55000 if not.
 */
static void
ask_first(Execution *execution, PlannedStmt *plan, EState *estate)
{
	const CasnetVerdict *verdict;

	if (!casnet_session_is(&execution->opened.as))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the identity of the session changed while a statement began"),
				 errhint("Sign in, sign out, or change the tenant in a statement of its own.")));
	AcceptInvalidationMessages();
	execution->is_noted = true;
	execution->generation = casnet_generation;
	read_notes(execution, plan->invalItems, estate);
	if (execution->opened.needs_tenant)
		verdict = casnet_membership_require(execution->opened.nbits,
											execution->opened.bits);
	else
		verdict = casnet_membership_require_user();
	execution->user = verdict->key.user;
	execution->tenant = verdict->key.tenant;
	execution->token = casnet_token_number();
	if (execution->token != 0)
		hold_token(execution);
	set_parameters(execution, plan->invalItems, estate);
}

/*
 * The execution goes on: whoever opened it must still hold what was asked for.
 * Raises 28000 or 42501 if not, 55000 if workers would go on as somebody else.
 */
static void
ask_again(Execution *execution)
{
	uint64		generation;

	AcceptInvalidationMessages();
	if (execution->follows_session)
		casnet_statement_require_opener(&execution->opened.as);
	casnet_remember_require_token(execution->token);
	casnet_remember_require_tokens(&execution->remembered);
	generation = casnet_generation;
	if (execution->generation == generation)
		return;

	if (execution->calls_left &&
		execution->query->plannedstmt->parallelModeNeeded &&
		!casnet_session_is(&execution->opened.as))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the identity of the session changed while a parallel plan was open"),
				 errhint("Fetch all rows before the session becomes somebody else, or set max_parallel_workers_per_gather to 0.")));
	if (execution->opened.needs_tenant)
		(void) casnet_membership_require_of(&execution->user,
											&execution->tenant,
											execution->opened.nbits, execution->opened.bits);
	else if (execution->is_noted)
		casnet_membership_require_active(&execution->user);
	if (execution->needs_view_users)
	{
		int			bit = casnet_permission_find("view_users");

		(void) casnet_membership_require_of(&execution->user,
											&execution->opened.as.tenant,
											1, &bit);
	}
	if (execution->my_tenants != NULL)
		casnet_remember_require_list(&execution->user,
									 execution->my_tenants);
	casnet_remember_require(&execution->remembered);
	execution->generation = generation;
}

/*
 * Rows are fetched from an execution inside a later run that may stop: that rests on
 * the same.
 */
static void
note_within(Execution *execution)
{
	if (execution->is_noted)
		casnet_membership_note_asked(&execution->user,
									 execution->opened.needs_tenant ?
									 &execution->tenant : NULL,
									 execution->token);
	if (execution->needs_view_users)
		casnet_membership_note_asked(&execution->user,
									 &execution->opened.as.tenant,
									 execution->token);
	if (execution->my_tenants != NULL)
		casnet_asked_note_list(&execution->user, execution->my_tenants);
	casnet_remember_note_within(&execution->remembered);
}

/*
 * What the execution has put aside rests on all that functions have asked for since
 * that count of casnet_rights_asked, at which the epochs were these.
 */
static void
remember(Execution *execution, uint64 asked, uint64 epochs)
{
	MemoryContext before;

	if (asked == casnet_rights_asked)
		return;
	hold_token(execution);
	before = MemoryContextSwitchTo(execution->query->estate->es_query_cxt);
	casnet_remember(&execution->remembered, asked, epochs);
	MemoryContextSwitchTo(before);
	execution->remembers = true;
}

/* Ask for what the plan notes. */
static void
begin_asking(Execution *execution, PlannedStmt *plan, EState *estate)
{
	int			value;

	if (casnet_plan_note(list_head(plan->invalItems), &value) ==
		CASNET_NOTE_SESSION)
		execution->calls_left = execution->follows_session = true;
	else
		ask_first(execution, plan, estate);
}

/* An execution starts: the policies are asked, and who writes is noted. */
static void
start_noted(QueryDesc *query, int eflags)
{
	PlannedStmt *plan = query->plannedstmt;
	CasnetIdentity identity;
	CasnetNote	note;
	int			value;
	Execution  *execution = NULL;
	bool		is_late;
	bool		explain_only = (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0;
	uint64		asked;
	uint64		epochs;

	casnet_noforce_check_start(plan);
	is_late = casnet_plan_note_late(plan, explain_only &&
									casnet_estimate_is_restricted(GetUserId()));
	note = casnet_plan_note(list_head(plan->invalItems), &value);
	casnet_explain_check(query, note > CASNET_NOTE_NOTHING, is_late,
						 explain_only);
	if (note == CASNET_NOTE_NOTHING || explain_only)
		note = CASNET_NOTE_NONE;

	/* What the server evaluates now may change the session, or ask for its rights. */
	if (note != CASNET_NOTE_NONE || writes(plan))
		casnet_session_identity(&identity);
	asked = casnet_rights_asked;
	epochs = casnet_remember_epochs();
	if (previous_start_hook)
		previous_start_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);

	if (note == CASNET_NOTE_NONE && !writes(plan))
	{
		/* Its functions may ask, of which PL/pgSQL keeps expressions. */
		AcceptInvalidationMessages();
		/* What has no record then began before there was a hook. */
		if (casnet_plan_may_have_come_past() || asked != casnet_rights_asked ||
			casnet_security_is_suspended())
		{
			casnet_session_identity(&identity);
			execution = add_execution(query, &identity);
			remember(execution, asked, epochs);
		}
		return;
	}
	if (note != CASNET_NOTE_NONE || !casnet_statement_is_noted())
		execution = add_execution(query, &identity);
	if (execution != NULL && !writes(plan))
		remember(execution, asked, epochs);
	else if (execution != NULL)
		casnet_statement_begin(execution, &identity);
	if (note != CASNET_NOTE_NONE)
		begin_asking(execution, plan, query->estate);
}

/*
 * ExecutorStart_hook.  What starts while rows are fetched from somebody's cursor, as
 * the statement of a function does, has nothing of its opener.
 */
static void
start_execution(QueryDesc *query, int eflags)
{
	const CasnetOpening *opening;

	casnet_security_notice_others();
	if (likely(casnet_statement_opener() == NULL))
	{
		start_noted(query, eflags);
		return;
	}
	opening = casnet_statement_set_opening(NULL);
	PG_TRY();
	{
		start_noted(query, eflags);
	}
	PG_FINALLY();
	{
		(void) casnet_statement_set_opening(opening);
	}
	PG_END_TRY();
}

/* Hand over to the next hook, or the server. */
static void
run_plan(QueryDesc *query, ScanDirection direction, CASNET_RUN_ARGUMENTS)
{
	if (previous_run_hook)
		previous_run_hook(query, direction, CASNET_RUN_NAMES);
	else
		standard_ExecutorRun(query, direction, CASNET_RUN_NAMES);
}

/* The same, with calls of policies judging somebody, or the session if NULL. */
static void
run_as(const CasnetOpening *opening, QueryDesc *query,
	   ScanDirection direction, CASNET_RUN_ARGUMENTS)
{
	const CasnetOpening *before = casnet_statement_set_opening(opening);

	PG_TRY();
	{
		run_plan(query, direction, CASNET_RUN_NAMES);
	}
	PG_FINALLY();
	{
		(void) casnet_statement_set_opening(before);
	}
	PG_END_TRY();
}

/*
 * An execution goes on that began before the library was loaded, in this
 * transaction.  What it has put aside may rest on anything.  Raises 42501 if
 * anything that decides about access has changed since.
 */
static void
ask_about_earlier(void)
{
	AcceptInvalidationMessages();
	if (casnet_remember_epochs() != epochs_loaded)
		casnet_remember_refuse();
}

/*
 * Whether the execution may go on after a run: it came to the limit, or can go back.
 */
static bool
may_go_on(const EState *estate, uint64 count)
{
	return (count > 0 && estate->es_processed >= count) ||
		(estate->es_top_eflags & (EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD)) != 0;
}

/*
 * Ask for an execution that begins or goes on.  One that is at its end already gives
 * no more rows, and is asked for nothing.
 */
static void
ask(Execution *execution, QueryDesc *query, ScanDirection direction)
{
	if (ScanDirectionIsNoMovement(direction))
		return;
	/* What such code has begun has a record, of whatever it reads. */
	if (execution != NULL ?
		casnet_security_is_suspended() != execution->was_suspended :
		!writes(query->plannedstmt) && casnet_security_is_suspended())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 execution != NULL && execution->was_suspended ?
				 errmsg("the cursor belongs to code of another role, and not to the session") :
				 errmsg("the cursor belongs to the session, and not to this code"),
				 errhint("Open a cursor of its own.")));
	if (execution == NULL)
	{
		if (casnet_plan_may_have_come_past() && !writes(query->plannedstmt))
			ask_about_earlier();
	}
	else if (execution->is_noted || execution->follows_session ||
			 execution->remembers)
	{
		ask_again(execution);
		if (innermost_run > execution->runs_before)
			note_within(execution);
	}

	/* What functions ask for in workers is not counted here. */
	if (query->plannedstmt->parallelModeNeeded && innermost_run != 0 &&
		!casnet_statement_is_noted() &&
		OidIsValid(casnet_schema()))
		(void) casnet_membership_current();
}

/*
 * Another extension has started the execution by itself, past the hook; what it would
 * have got then it gets now.  NULL if its plan asks for nothing.
 */
static Execution *
start_now(QueryDesc *query)
{
	PlannedStmt *plan = query->plannedstmt;
	CasnetIdentity identity;
	Execution  *execution;

	if (!casnet_plan_is_policed(plan))
		return NULL;
	casnet_session_identity(&identity);
	execution = add_execution(query, &identity);
	if (writes(plan))
		casnet_statement_begin(execution, &identity);
	begin_asking(execution, plan, query->estate);
	return execution;
}

/* Run it, with policies that are called judging its opener, or the session. */
static void
run_judged(Execution *execution, QueryDesc *query, ScanDirection direction,
		   CASNET_RUN_ARGUMENTS)
{
	const CasnetOpening *opening = NULL;

	if (execution != NULL && execution->calls_left &&
		!writes(query->plannedstmt))
		opening = &execution->opened;
	if (opening != casnet_statement_opening())
		run_as(opening, query, direction, CASNET_RUN_NAMES);
	else
		run_plan(query, direction, CASNET_RUN_NAMES);
}

/*
 * ExecutorRun_hook: an execution begins, or goes on.  What runs inside another one,
 * such as the statement of a function, has nothing of its opener.
 */
static void
run_execution(QueryDesc *query, ScanDirection direction,
			  CASNET_RUN_ARGUMENTS)
{
	Execution  *execution = find_execution(query);
	uint64		asked = casnet_rights_asked;
	uint64		generation;
	uint64		epochs;
	uint64		outer_run = innermost_run;
	bool		may_stop = count > 0 ||
		(query->estate->es_top_eflags &
		 (EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD)) != 0;

	if (execution == NULL)
		execution = start_now(query);
	ask(execution, query, direction);
	generation = casnet_generation;
	epochs = casnet_remember_epochs();
	/* Tokens that functions set and give up in here may have to be known later. */
	if (may_stop)
	{
		(void) casnet_token_hold();
		innermost_run = ++runs_begun;
	}
	run_judged(execution, query, direction, CASNET_RUN_NAMES);

	innermost_run = outer_run;
	if (may_stop && asked != casnet_rights_asked &&
		may_go_on(query->estate, count))
	{
		if (execution == NULL)
		{
			CasnetIdentity identity;

			casnet_session_identity(&identity);
			execution = add_execution(query, &identity);
			execution->generation = generation;
		}
		remember(execution, asked, epochs);
	}
	if (may_stop)
		casnet_token_release();
}

/* No run goes on after its transaction. */
static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		innermost_run = 0;
}

void
casnet_execution_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	epochs_loaded = casnet_remember_epochs();
	previous_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = start_execution;
	previous_run_hook = ExecutorRun_hook;
	ExecutorRun_hook = run_execution;
}
