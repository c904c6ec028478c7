/*
 * token.h
 *		A session token, and what it proves; see verify.c and token.c.
 */
#ifndef CASNET_TOKEN_H
#define CASNET_TOKEN_H

#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "jws.h"

/* A token, parsed and not verified. */
typedef struct CasnetParsedToken
{
	uint64		hash;
	size_t		length;
	pg_uuid_t	user;			/* sub, if has_user: it is a UUID */
	pg_uuid_t	tenant;			/* tid, likewise */
	bool		has_user;
	bool		has_tenant;
	JwsToken	jws;
	char		token[FLEXIBLE_ARRAY_MEMBER];
} CasnetParsedToken;

/* What a token proves. */
typedef struct CasnetProved
{
	pg_uuid_t	user;
	bool		own;			/* a secret of casnet's signed it */
	bool		names_tenant;	/* its tid counts */
	bool		narrows;		/* its perm counts */
	int			leeway;			/* seconds by which clocks may differ */
	bool		has_person;		/* a registered issuer names somebody: */
	pg_uuid_t	person;			/* see casnet_verify_person() */
	pg_uuid_t	issuer;			/* the same for all that the issuer names */
} CasnetProved;

/* Whom a token of another issuer names. */
typedef struct CasnetForeign
{
	pg_uuid_t	issuer_id;		/* of its registration */
	char	   *issuer;
	char	   *subject;
	pg_uuid_t	person;			/* see casnet_verify_person() */
	bool		trusts_claims;	/* the subject is the id of an account */
	bool		makes_accounts;
	bool		is_linked;		/* to an account, this one: */
	pg_uuid_t	user;
	const char *token;			/* for its other claims */
} CasnetForeign;

/* verify.c */

extern const char casnet_verify_not_noted[];
extern const char *casnet_verify_parse(const char *string, size_t length,
									   CasnetParsedToken *parsed);
extern bool casnet_verify_is_text(const char *string);
extern pg_uuid_t casnet_verify_person(const char *issuer,
									  const char *subject);
extern const char *casnet_verify_proof(const CasnetParsedToken *token,
									   Snapshot snapshot, CasnetProved *proved);
extern const char *casnet_verify_foreign(const CasnetParsedToken *token,
										 Snapshot snapshot,
										 CasnetForeign *foreign, int *leeway);

/* token.c */

extern const char *casnet_token_examine(const text *string,
										CasnetForeign *foreign);

/* The id of the key by which workers of Citus know a coordinator (relay_key.c). */
#define CASNET_RELAY_KID "casnet-relay"

/*
 * The header of a token that a coordinator of Citus signs for workers (relay_key.c), and its
 * dot: {"alg":"EdDSA","typ":"JWT","kid":"casnet-relay"}.
 */
#define CASNET_RELAY_START \
	"eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImNhc25ldC1yZWxheSJ9."

#endif							/* CASNET_TOKEN_H */
