/*
 * statement.c
 *		Which user a statement belongs to, though the session can become somebody else.
 *
 * A statement that writes has one identity.  Policies, guards and the audit judge one row
 * after the other, and functions that run for a row could change the settings in between.
 * Then one row would be judged as one user's, and the next as another's.  So casnet notes
 * the user and the tenant when the outermost statement that writes begins.  Whatever asks
 * for the session's rights inside it, such as a trigger or a nested statement, raises 55000
 * if the settings name somebody else by then.  The audit names the user who was proved when
 * the statement began, even if the token ends or the account is deactivated meanwhile.
 *
 * A cursor belongs to the user who opened it.  If its plan still calls the functions of
 * policies, these judge the opener while rows are fetched.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "casnet.h"

/* The outermost statement that writes; owner is NULL when there is none. */
static struct
{
	const void *owner;
	uint64		number;			/* unique in this backend */
	SubTransactionId subid;		/* where it began */
	CasnetIdentity identity;
	Oid			role;			/* the outer role, which SET ROLE sets */
	bool		is_proved;		/* the session proved to be that user */
}			writing;

/* The number of the last statement that wrote. */
static uint64 last_number = 0;

/* The last user that the session proved to be, and when that client statement began. */
static struct
{
	pg_uuid_t	user;
	TimestampTz statement;
}			proof;

/* The opening from which rows are being fetched, or NULL. */
static const CasnetOpening *opening = NULL;

/*
 * A transaction ends, in any way.  The statement has ended before that, unless its memory
 * outlives the transaction, as that of a DO block does.
 */
static void
transaction_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			/* Deferred triggers come next, each with statements of its own. */
			break;
		default:
			writing.owner = NULL;
			opening = NULL;
			casnet_token_release_all();
			break;
	}
}

/* The same at ROLLBACK TO SAVEPOINT, and when an exception handler rolls back. */
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

/* Whether casnet has noted a statement that writes. */
bool
casnet_statement_is_noted(void)
{
	return writing.owner != NULL;
}

/*
 * A statement that writes begins with this identity.  The owner must call
 * casnet_statement_end().  Inside another such statement neither call has an effect.
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

/* The session has proved to be this user. */
void
casnet_statement_note_proof(const pg_uuid_t *user)
{
	proof.user = *user;
	proof.statement = GetCurrentStatementStartTimestamp();
	if (writing.owner != NULL && writing.identity.has_user &&
		memcmp(&writing.identity.user, user, UUID_LEN) == 0)
		writing.is_proved = true;
}

/* The user who answers for what is written, if the session proved to be that; else NULL. */
const pg_uuid_t *
casnet_statement_writer(void)
{
	return writing.owner != NULL && writing.is_proved ?
		&writing.identity.user : NULL;
}

/* The statement of that owner has ended.  No effect for one inside another. */
void
casnet_statement_end(const void *owner)
{
	if (writing.owner == owner)
		writing.owner = NULL;
}

/* Raises 55000. */
static void
refuse_change(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the identity of the session changed while a statement was writing"),
			 errhint("Sign in, sign out, or change the tenant or the role in a statement of its own.")));
}

/*
 * Raises 55000 when the settings name another user or tenant than at the beginning of the
 * outermost statement that writes.
 */
void
casnet_statement_check(void)
{
	if (writing.owner != NULL && !casnet_session_is(&writing.identity))
		refuse_change();
}

/*
 * The same, and also for another role, since the audit records it.  False when casnet has
 * noted no statement that writes.
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
 * Rows are about to be judged by the session's identity.  Raises 55000 unless that is
 * still the opener's, from whose cursor the rows come.
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

/* The opening from which rows are being fetched, or NULL. */
const CasnetOpening *
casnet_statement_opening(void)
{
	return opening;
}

/* The opener of what is being fetched from; NULL for the session itself. */
const CasnetIdentity *
casnet_statement_opener(void)
{
	return opening == NULL ? NULL : &opening->as;
}

/*
 * Whether the current opening has noted that it asks for these permissions in its tenant.
 * A call too deep in a condition is not noted.
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

/* Note the present opener for an answer that is kept. */
void
casnet_statement_note_opener(CasnetOpener *note)
{
	note->is_somebody = opening != NULL;
	if (opening != NULL)
		note->identity = opening->as;
}

/* Whether an answer with that note is for the present opener. */
bool
casnet_statement_opener_is(const CasnetOpener *note)
{
	return opening == NULL ? !note->is_somebody :
		note->is_somebody &&
		memcmp(&note->identity, &opening->as, sizeof(CasnetIdentity)) == 0;
}

/* Rows are fetched from this opening, or NULL for none; returns the former one. */
const CasnetOpening *
casnet_statement_set_opening(const CasnetOpening *next)
{
	const CasnetOpening *before = opening;

	opening = next;
	return before;
}
