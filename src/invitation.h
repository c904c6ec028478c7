/*
 * invitation.h
 *		Shared by invitation.c and invitation_end.c: what an invitation says, and how one ends.
 */
#ifndef CASNET_INVITATION_H
#define CASNET_INVITATION_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/uuid.h"

#include "casnet.h"

/* What an invitation says. */
typedef struct Invitation
{
	ItemPointerData row;
	bytea	   *digest;
	pg_uuid_t	tenant;
	pg_uuid_t	inviter;
	char	   *email;
	char	   *role;
	TimestampTz expires_at;
	TimestampTz created_at;
	bool		proves_address;	/* whoever has the code reads mail there */
	int64		generation;		/* -1 for one from before there were any */
} Invitation;

extern pg_uuid_t casnet_invitation_ends_id(const char *email, const pg_uuid_t *tenant);
extern pg_uuid_t casnet_invitation_inviter_id(const pg_uuid_t *inviter, const pg_uuid_t *tenant);
extern List *casnet_invitation_find(CasnetPath path, Datum key1, Datum key2);
extern List *casnet_invitation_of_tenant(const pg_uuid_t *tenant);
extern void casnet_invitation_end(Invitation *invitation);
extern void casnet_invitation_end_to(const char *email, const pg_uuid_t *tenant);

#endif							/* CASNET_INVITATION_H */
