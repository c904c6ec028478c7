/*
 * fuzz.h
 *		What the targets share.  Each target includes the source file that it
 *		tests, so that static functions are within reach.
 */
#ifndef CASNET_FUZZ_H
#define CASNET_FUZZ_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Report a broken promise; the input is kept like any other finding. */
#define MUST(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "broken promise: %s, line %d\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

/*
 * Reads one byte past an allocation for one input, to show that a finding of a
 * sanitizer is noticed; only built for the runner's test of itself.
 */
static inline void
selftest(const uint8_t *data, size_t size)
{
#ifdef CASNET_FUZZ_SELFTEST
	if (size >= 2 && data[0] == 'P' && data[1] == '!')
	{
		volatile char *planted = malloc(4);

		planted[0] = planted[size < 4096 ? 4 : 3];
		free((void *) planted);
	}
#else
	(void) data;
	(void) size;
#endif
}

#endif							/* CASNET_FUZZ_H */
