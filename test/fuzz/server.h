/*
 * server.h
 *		Just enough of the server for a source file to run without one: memory, texts,
 *		and errors, which end the call.  Included after the source file.  A function that
 *		is neither here nor called stays unresolved.
 */
#ifndef CASNET_FUZZ_SERVER_H
#define CASNET_FUZZ_SERVER_H

/* The server's versions would be in its library. */
#undef fprintf
#undef snprintf
#undef strerror

#include "fuzz.h"

static jmp_buf raised;			/* where an error continues */
static int	raised_sqlstate;
static int	raised_hints;

/* Everything that was allocated since the last call of forget_memory(). */
static void *allocated[65536];
static size_t nallocated = 0;

void *
palloc(Size size)
{
	void	   *memory = malloc(size);

	MUST(memory != NULL && nallocated < lengthof(allocated));
	allocated[nallocated++] = memory;
	return memory;
}

void *
palloc_extended(Size size, int flags)
{
	return palloc(size);
}

void *
repalloc(void *pointer, Size size)
{
	for (size_t i = nallocated; i-- > 0;)
		if (allocated[i] == pointer)
			return allocated[i] = realloc(pointer, size);
	abort();
}

static void
forget_memory(void)
{
	while (nallocated > 0)
		free(allocated[--nallocated]);
}

text *
cstring_to_text_with_len(const char *s, int length)
{
	text	   *result = palloc(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), s, length);
	return result;
}

char *
text_to_cstring(const text *t)
{
	size_t		length = VARSIZE_ANY_EXHDR(t);
	char	   *result = palloc(length + 1);

	memcpy(result, VARDATA_ANY(t), length);
	result[length] = '\0';
	return result;
}

struct varlena *
pg_detoast_datum_packed(struct varlena *datum)
{
	return datum;
}

/* Errors: each needs a hint, and ends the call. */
bool
errstart(int elevel, const char *domain)
{
	raised_sqlstate = 0;
	raised_hints = 0;
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int sqlerrcode)
{
	raised_sqlstate = sqlerrcode;
	return 0;
}

int
errmsg(const char *format,...)
{
	return 0;
}

int
errhint(const char *format,...)
{
	raised_hints++;
	return 0;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	MUST(raised_hints == 1 && raised_sqlstate != ERRCODE_INTERNAL_ERROR);
	longjmp(raised, 1);
}

#endif							/* CASNET_FUZZ_SERVER_H */
