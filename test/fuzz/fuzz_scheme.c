/*
 * fuzz_scheme.c
 *		Hashes of passwords as other systems write them.
 *
 * What casnet keeps of a hash is its own form.  With another character at its end or
 * without its last one, a hash is another one or none, and the password of one is not that
 * of the other.  What is cheap enough is verified.
 */
#include "../../src/scheme.c"

#include <openssl/sha.h>

#include "server.h"

#undef vsnprintf

#define MOST_WORK 4096			/* of what is verified */

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

char *
pstrdup(const char *string)
{
	return strcpy(palloc(strlen(string) + 1), string);
}

/* forget_memory() frees it. */
void
pfree(void *pointer)
{
}

size_t
strlcpy(char *into, const char *from, size_t size)
{
	size_t		length = strlen(from);

	MUST(size > 0);
	memcpy(into, from, Min(length + 1, size));
	into[size - 1] = '\0';
	return length;
}

int
pg_snprintf(char *into, size_t size, const char *format,...)
{
	va_list		arguments;
	int			length;

	va_start(arguments, format);
	length = vsnprintf(into, size, format, arguments);
	va_end(arguments);
	return length;
}

uint64
hex_encode(const char *from, size_t length, char *into)
{
	for (size_t i = 0; i < length; i++)
		snprintf(into + 2 * i, 3, "%02x", (uint8) from[i]);
	return 2 * length;
}

uint64
hex_decode(const char *from, size_t length, char *into)
{
	for (size_t i = 0; i < length / 2; i++)
	{
		char		pair[3] = {from[2 * i], from[2 * i + 1], '\0'};

		into[i] = strtol(pair, NULL, 16);
	}
	return length / 2;
}

void
casnet_digest_of_two(const void *first, size_t first_length,
					 const void *second, size_t second_length,
					 uint8 digest[PG_SHA256_DIGEST_LENGTH])
{
	MUST(second_length == 0);
	SHA256(first, first_length, digest);
}

/* Verify a password by a hash that is cheap. */
static void
verify(const char *hash)
{
	Parsed		parsed;

	if (!read_hash(hash, &parsed))
		return;
	MUST(parsed.salt_length <= MOST_SALT && parsed.digest_length <= MOST_DIGEST);
	MUST(parsed.crypt != NULL || parsed.digest_length > 0);
	if (parsed.work <= MOST_WORK && parsed.work > 0)
		(void) casnet_scheme_verify("password", hash);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *string = malloc(size + 2);
	char	   *form;

	selftest(data, size);
	memcpy(string, data, size);
	string[size] = '\0';
	if (setjmp(raised) == 0 && (form = casnet_scheme_form(string)) != NULL)
	{
		const char *name;
		char	   *again = casnet_scheme_form(form);
		size_t		length = strlen(form);

		MUST(again != NULL && strcmp(again, form) == 0);
		(void) casnet_scheme_cost(form, &name);
		MUST(strcmp(name, "unknown") != 0);
		verify(form);

		/* Only Argon2's digest has no length of its own, and base64 can be padded. */
		again = palloc(length + 2);
		snprintf(again, length + 2, "%sA", form);
		MUST(casnet_scheme_form(again) == NULL || strstr(form, "$argon2") != NULL ||
			 strchr(form, '=') != NULL);
	}
	forget_memory();
	free(string);
	return 0;
}
