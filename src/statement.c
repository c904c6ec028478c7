/*
 * statement.c
 *		Whose a statement is, while the session may become somebody else.
 *
 * A statement that writes has one identity.  Policies, guards and the audit judge
 * one row after the other, and a row's own functions could change the settings
 * in between: one row would be judged as one user's, the next as another's.  So
 * the user and the tenant are noted when the outermost statement that writes
 * begins.  Whatever asks for the session's rights inside it, also a trigger or a
 * nested statement, raises 55000 if the settings name somebody else by then.  The
 * audit names whoever proved to be that user when it began, also if the token ends
 * or the account is deactivated while it goes on.
 *
 * A cursor belongs to whoever opened it.  While rows are fetched from one whose
 * plan still calls the functions of policies, these judge its opener.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "casnet.h"

/* The outermost statement that writes; owner is NULL when there is none. */
static struct
{
	const void *owner;
	uint64		number;			/* of all of this backend */
	SubTransactionId subid;		/* where it began */
	CasnetIdentity identity;
	Oid			role;			/* the outer role, as SET ROLE leaves it */
	bool		is_proved;		/* somebody proved to be that user */
}			writing;

/* The number of the last one. */
static uint64 last_number = 0;

/* The last user whom somebody proved to be, and when the client began that. */
static struct
{
	pg_uuid_t	user;
	TimestampTz statement;
}			proof;

/* What is being fetched from, or NULL. */
static const CasnetOpening *opening = NULL;

/*
 * A transaction ends, in whatever way.  The statement has forgotten itself
 * before, unless its memory outlives the transaction, as that of a DO block does.
 */
static void
transaction_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			/* Deferred triggers are yet to come, each with statements of its own. */
			break;
		default:
			writing.owner = NULL;
			opening = NULL;
			casnet_token_release_all();
			break;
	}
}

/* ROLLBACK TO SAVEPOINT, or an exception handler's rollback. */
static void
subtransaction_callback(SubXactEvent event, SubTransactionId mySubid,
						SubTransactionId parentSubid, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && writing.subid >= mySubid)
		writing.owner = NULL;
}

void
casnet_statement_init(void)
{
	RegisterXactCallback(transaction_callback, NULL);
	RegisterSubXactCallback(subtransaction_callback, NULL);
}

/* The number of the statement that writes, 0 if none does. */
uint64
casnet_statement_number(void)
{
	return writing.owner != NULL ? writing.number : 0;
}

/* Whether a statement is known to be writing. */
bool
casnet_statement_is_noted(void)
{
	return writing.owner != NULL;
}

/*
 * A statement that writes begins, as this identity.  Its owner has to say when it
 * ends; if it is inside another one, neither makes a difference.
 */
void
casnet_statement_begin(const void *owner, const CasnetIdentity *identity)
{
	if (writing.owner != NULL)
		return;
	writing.owner = owner;
	writing.number = ++last_number;
	writing.subid = GetCurrentSubTransactionId();
	writing.identity = *identity;
	writing.role = GetOuterUserId();
	writing.is_proved = identity->has_user &&
		proof.statement == GetCurrentStatementStartTimestamp() &&
		memcmp(&proof.user, &identity->user, UUID_LEN) == 0;
}

/* The session's user was asked for, and is this one. */
void
casnet_statement_note_proof(const pg_uuid_t *user)
{
	proof.user = *user;
	proof.statement = GetCurrentStatementStartTimestamp();
	if (writing.owner != NULL && writing.identity.has_user &&
		memcmp(&writing.identity.user, user, UUID_LEN) == 0)
		writing.is_proved = true;
}

/* Who answers for what is written, if somebody proved to be that; else NULL. */
const pg_uuid_t *
casnet_statement_writer(void)
{
	return writing.owner != NULL && writing.is_proved ?
		&writing.identity.user : NULL;
}

/* The statement of that owner has ended; one inside it makes no difference. */
void
casnet_statement_end(const void *owner)
{
	if (writing.owner == owner)
		writing.owner = NULL;
}

/* Raises 55000 with the hint that belongs to it. */
static void
refuse_change(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the identity of the session changed while a statement was writing"),
			 errhint("Sign in, sign out, or change the tenant or the role in a statement of its own.")));
}

/*
 * Raises 55000 when the settings name another user or tenant than when the
 * outermost statement that writes began.
 */
void
casnet_statement_check(void)
{
	if (writing.owner != NULL && !casnet_session_is(&writing.identity))
		refuse_change();
}

/*
 * The same, also for another role, since the audit records it.  False when no
 * statement is known to be writing.
 */
bool
casnet_statement_check_role(void)
{
	if (writing.owner == NULL)
		return false;
	casnet_statement_check();
	if (writing.role != GetOuterUserId())
		refuse_change();
	return true;
}

/*
 * Rows are about to be judged by who the session is.  Raises 55000 unless that is
 * still whoever opened what they are fetched from.
 */
void
casnet_statement_require_opener(const CasnetIdentity *identity)
{
	if (!casnet_session_is(identity))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the identity of the session changed while rows were fetched"),
				 errhint("Fetch all rows before the session becomes somebody else, or open the cursor again.")));
}

/* What is being fetched from, or NULL. */
const CasnetOpening *
casnet_statement_opening(void)
{
	return opening;
}

/* Who opened what is being fetched from, or NULL for the session itself. */
const CasnetIdentity *
casnet_statement_opener(void)
{
	return opening == NULL ? NULL : &opening->as;
}

/*
 * Whether what is being fetched from has noted that it asks for these permissions in
 * its tenant; a call too deep in a condition is not noted.
 */
bool
casnet_statement_opening_asks(int nbits, const int *bits)
{
	if (opening == NULL || !opening->needs_tenant)
		return false;
	for (int i = 0; i < nbits; i++)
	{
		int			j = 0;

		while (j < opening->nbits && opening->bits[j] != bits[i])
			j++;
		if (j == opening->nbits)
			return false;
	}
	return true;
}

/* Note it with an answer that is kept. */
void
casnet_statement_note_opener(CasnetOpener *note)
{
	note->is_somebody = opening != NULL;
	if (opening != NULL)
		note->identity = opening->as;
}

/* Whether an answer with that note is one for now, as far as the opener goes. */
bool
casnet_statement_opener_is(const CasnetOpener *note)
{
	return opening == NULL ? !note->is_somebody :
		note->is_somebody &&
		memcmp(&note->identity, &opening->as, sizeof(CasnetIdentity)) == 0;
}

/* Rows are fetched from what somebody opened, or NULL; returns what it was before. */
const CasnetOpening *
casnet_statement_set_opening(const CasnetOpening *next)
{
	const CasnetOpening *before = opening;

	opening = next;
	return before;
}
