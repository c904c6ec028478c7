/*
 * execution.c
 *		Evaluates what the policies of a plan ask for when the plan is executed.
 *
 * The notes of a plan (plan.c) say what to ask for.  When an execution starts, the
 * session must hold it, and the parameters that replaced the policies' calls get their
 * values.  That happens even if the execution never reads a row.
 *
 * An execution that goes on, as a cursor's does, belongs to the user and the tenant that
 * it began with.  Each time it goes on, casnet accepts invalidation messages.  The user
 * must still hold what was asked for: the token must be valid, the account active, the
 * membership and the permissions present.  For a plan without notes, casnet does not know
 * what the functions in it ask for.  If such an execution stops before its end, casnet
 * remembers all that its user held.  The user must still hold it when the execution goes
 * on.
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
	bool		is_noted;		/* the plan asks for something */
	bool		remembers;		/* it stopped after functions had asked */
	bool		calls_left;		/* its plan calls the functions of policies */
	bool		follows_session;	/* or functions that follow the session */
	bool		by_token;		/* tokens that it depends on are kept */
	bool		needs_view_users;
	bool		carries;		/* its statement names the session to a worker */
	uint64		token;			/* number of the one it was opened with, or 0 */
	CasnetOpening opened;		/* by whom, as the settings named it, and for what */
	pg_uuid_t	user;			/* who is asked about */
	pg_uuid_t	tenant;
	uint64		runs_before;	/* number of runs begun when it began */
	uint64		generation;		/* the last answer is valid for this one */
	ArrayType  *my_tenants;		/* NULL unless the plan reads them */
	CasnetRemembered remembered;	/* what functions asked for */
	MemoryContextCallback callback;
	bool		was_suspended;	/* began in code of another role */
} Execution;

/* Executions in progress, the newest first. */
static Execution *executions = NULL;

/*
 * Runs that can stop before their end are numbered.  innermost_run is the number of the
 * innermost one in progress.  After an error, until the transaction ends, it can be out
 * of date.
 */
static uint64 runs_begun = 0;
static uint64 innermost_run = 0;	/* 0 for none */

/* casnet_remember_epochs() when the library was loaded. */
static uint64 epochs_loaded;

static ExecutorStart_hook_type previous_start_hook = NULL;
static ExecutorRun_hook_type previous_run_hook = NULL;

/* MemoryContextCallbackFunction: the execution has ended, in whatever way. */
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

/* Add a record of the execution, which lives as long as its memory. */
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
 * The execution may go on only while certain tokens are valid: the one it was opened
 * with, and those that were set when functions asked.  So keep what is known of them.
 */
static void
hold_token(Execution *execution)
{
	if (execution->by_token)
		return;
	(void) casnet_token_hold();
	execution->by_token = true;
}

/* Set the parameter's value. */
static void
set_parameter(EState *estate, int parameter, Datum value)
{
	if (parameter == CASNET_NO_PARAMETER)
		return;
	estate->es_param_exec_vals[parameter].value = value;
	estate->es_param_exec_vals[parameter].isnull = false;
}

/* Read what the plan's notes ask for, into memory of the execution. */
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

/* Set each parameter's value. */
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

/* Raises 55000 if the plan is another tenant's. */
static void
check_pinned(const Execution *execution, List *notes)
{
	ListCell   *cell;
	int			value;

	foreach(cell, notes)
	{
		CasnetNote	kind = casnet_plan_note(cell, &value);

		if (kind == CASNET_NOTE_NONE)
			break;
		if (kind == CASNET_NOTE_PINNED)
			casnet_pin_check(value, &execution->tenant);
	}
}

/* Whether the plan writes rows. */
static bool
writes(const PlannedStmt *plan)
{
	return plan->commandType != CMD_SELECT || plan->hasModifyingCTE;
}

/*
 * Ask the policies for the first time.  Raises what tenant_with() and the other functions
 * of policies raise.
 *
 * The identity that the settings named before the server started the execution is not
 * verified.  Functions of the user could have set another since, and that one is verified.
 * So the two must be the same; otherwise the execution would belong to an identity that
 * nobody proved.  Raises 55000 if they differ.
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
	check_pinned(execution, plan->invalItems);
	execution->token = casnet_token_number();
	if (execution->token != 0)
		hold_token(execution);
	set_parameters(execution, plan->invalItems, estate);
}

/*
 * The execution goes on: whoever opened it must still hold what was asked for.  Raises
 * 28000 or 42501 if not, 55000 if parallel workers would go on as somebody else.
 */
static void
ask_again(Execution *execution)
{
	uint64		generation;

	AcceptInvalidationMessages();
	if (execution->follows_session)
		casnet_statement_require_opener(&execution->opened.as);
	casnet_remember_require_token(execution->token, &execution->user);
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
 * Rows are fetched from this execution inside a later run that can stop.  So that run
 * depends on the same rights.
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
 * The rows that the execution has made so far depend on all that functions have asked for
 * since casnet_rights_asked had that value.  The epochs then were these.
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

/* Ask for what the plan's notes say. */
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

/* Whether the statement names the session to a worker by itself; see relay.c. */
static bool
prepare_carried(QueryDesc *query, bool explain_only)
{
	CasnetIdentity identity;

	if (likely(casnet_carry_number(query->plannedstmt) == 0))
		return false;
	casnet_session_identity(&identity);
	return casnet_relay_carry(query, &identity, explain_only);
}

/* Call the next hook, or the server, to start an execution. */
static void
start_next(QueryDesc *query, int eflags, bool carries)
{
	ErrorContextCallback hidden;

	if (carries)
		casnet_relay_hide_begin(&hidden);
	if (previous_start_hook)
		previous_start_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (carries)
		error_context_stack = hidden.previous;
}

/* An execution starts: ask its policies, and note a writer's identity. */
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
	bool		carries;
	uint64		asked;
	uint64		epochs;

	casnet_worker_check_start(query);
	casnet_carried_blank(query);
	casnet_noforce_check_start(plan);
	is_late = casnet_plan_note_late(plan, explain_only &&
									casnet_estimate_is_restricted(GetUserId()));
	note = casnet_plan_note(list_head(plan->invalItems), &value);
	casnet_explain_check(query, note > CASNET_NOTE_NOTHING, is_late,
						 explain_only);
	if (note == CASNET_NOTE_NOTHING || explain_only)
		note = CASNET_NOTE_NONE;

	if (explain_only && casnet_relay_is_needed(plan))
		casnet_relay_begin_shown();

	/* What the server evaluates now can change the session, or ask for its rights. */
	if (note != CASNET_NOTE_NONE || writes(plan))
		casnet_session_identity(&identity);
	carries = prepare_carried(query, explain_only);
	asked = casnet_rights_asked;
	epochs = casnet_remember_epochs();
	start_next(query, eflags, carries);

	if (note == CASNET_NOTE_NONE && !writes(plan))
	{
		/* Its functions can ask, and PL/pgSQL can keep their expressions. */
		AcceptInvalidationMessages();
		/* A later execution without a record then began before the hook existed. */
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
	if (execution != NULL)
		execution->carries = carries;
	if (note != CASNET_NOTE_NONE)
		begin_asking(execution, plan, query->estate);
}

/*
 * ExecutorStart_hook.  An execution that starts while rows are fetched from somebody's
 * cursor, such as a function's statement, does not act for the opener.
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

/* Call the next hook, or the server. */
static void
run_next(QueryDesc *query, ScanDirection direction, CASNET_RUN_ARGUMENTS)
{
	if (previous_run_hook)
		previous_run_hook(query, direction, CASNET_RUN_NAMES);
	else
		standard_ExecutorRun(query, direction, CASNET_RUN_NAMES);
}

/* The same, and note whether a key's statement runs; see noforce.c. */
static void
run_plan(QueryDesc *query, ScanDirection direction, CASNET_RUN_ARGUMENTS)
{
	bool		is_key = casnet_security_is_within_key();
	bool		before = casnet_security_note_key(is_key);

	if (likely(is_key == before))
	{
		run_next(query, direction, CASNET_RUN_NAMES);
		return;
	}
	PG_TRY();
	{
		run_next(query, direction, CASNET_RUN_NAMES);
	}
	PG_FINALLY();
	{
		(void) casnet_security_note_key(before);
	}
	PG_END_TRY();
}

/* The same, but policies' calls judge the opener, or the session if opening is NULL. */
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
 * An execution goes on that began in this transaction, before the library was loaded.
 * The rows that it has made so far can depend on anything.  Raises 42501 if anything that
 * decides about access has changed since.
 */
static void
ask_about_earlier(void)
{
	AcceptInvalidationMessages();
	if (casnet_remember_epochs() != epochs_loaded)
		casnet_remember_refuse();
}

/* Whether the execution can go on after a run: it came to the limit, or can go back. */
static bool
may_go_on(const EState *estate, uint64 count)
{
	return (count > 0 && estate->es_processed >= count) ||
		(estate->es_top_eflags & (EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD)) != 0;
}

/*
 * Ask for what an execution needs when it begins or goes on.  One that is already at its
 * end returns no more rows, so nothing is asked.
 */
static void
ask(Execution *execution, QueryDesc *query, ScanDirection direction)
{
	if (ScanDirectionIsNoMovement(direction))
		return;
	/* Every execution begun by such code has a record, whatever it reads. */
	if (execution != NULL ?
		casnet_security_is_suspended() != execution->was_suspended :
		!writes(query->plannedstmt) && casnet_security_is_suspended())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 execution != NULL && execution->was_suspended ?
				 errmsg("the cursor belongs to code of another role, and not to the session") :
				 errmsg("the cursor belongs to the session, and not to this code"),
				 errhint("Open another cursor.")));
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

	/* Questions asked in parallel workers are not counted here. */
	if (query->plannedstmt->parallelModeNeeded && innermost_run != 0 &&
		!casnet_statement_is_noted() &&
		OidIsValid(casnet_schema()))
		(void) casnet_membership_current();
}

/*
 * Another extension has started the execution itself, past the hook.  Do now what the
 * hook would have done.  NULL if the plan asks for nothing.
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

/* Run the plan; policies' calls judge its opener, or the session. */
static void
run_judged(Execution *execution, QueryDesc *query, ScanDirection direction,
		   CASNET_RUN_ARGUMENTS)
{
	const CasnetOpening *opening = NULL;
	ErrorContextCallback hints;
	ErrorContextCallback hidden;
	bool		carries = execution != NULL && execution->carries;
	bool		relays = casnet_relay_is_needed(query->plannedstmt);
	bool		began = relays && !carries && casnet_relay_begin();
	CasnetReshaped reshaped;

	if (relays)
		casnet_reshape_begin_run(query, &reshaped);
	/* After an error the server restores the stack. */
	casnet_hint_begin(&hints);
	if (carries)
		casnet_relay_hide_begin(&hidden);
	if (execution != NULL && execution->calls_left &&
		!writes(query->plannedstmt))
		opening = &execution->opened;
	if (opening != casnet_statement_opening())
		run_as(opening, query, direction, CASNET_RUN_NAMES);
	else
		run_plan(query, direction, CASNET_RUN_NAMES);
	error_context_stack = hints.previous;
	if (relays)
		casnet_reshape_end_run(query, &reshaped);
	casnet_relay_end(began);
}

/*
 * ExecutorRun_hook: an execution begins, or goes on.  What runs inside another one, such
 * as a function's statement, does not act for the opener.
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
	/* Tokens that functions set and drop during the run can be needed later. */
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

/* No run survives its transaction. */
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
