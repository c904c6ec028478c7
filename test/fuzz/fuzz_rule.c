/*
 * fuzz_rule.c
 *		Recurrence rules.  The times of a rule are in order and within what was asked for,
 *		and the same from wherever one begins.
 */
#include "../../src/rule.c"
#include "../../src/recurrence.c"

#include "server.h"
#include "strings.h"

#define MOST_TIMES 500

typedef struct Times
{
	Timestamp	times[MOST_TIMES];
	int			number;
} Times;

static bool
take(Timestamp local, void *state)
{
	Times	   *found = state;

	MUST(found->number < MOST_TIMES);
	found->times[found->number++] = local;
	return found->number < MOST_TIMES;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Times all;
	static Times later;
	CasnetRule	rule;
	char	   *text;
	uint32		numbers[2];
	Timestamp	first;
	Timestamp	since;
	Timestamp	until;
	int			skipped = 0;

	selftest(data, size);
	if (size < sizeof(numbers) || size > 1000)
		return 0;
	memcpy(numbers, data, sizeof(numbers));
	text = malloc(size - sizeof(numbers) + 1);
	memcpy(text, data + sizeof(numbers), size - sizeof(numbers));
	text[size - sizeof(numbers)] = '\0';
	if (casnet_rule_parse(text, &rule) == NULL)
	{
		/* from 1932 to 2068 */
		first = ((int64) numbers[0] - INT64CONST(2147483648)) * USECS_PER_SEC;
		until = first + (rule.frequency < CASNET_DAILY ? 3 : 1200) * USECS_PER_DAY;
		since = first + numbers[1] % (until / USECS_PER_SEC - first / USECS_PER_SEC) *
			USECS_PER_SEC;
		all.number = later.number = 0;
		if (casnet_recurrence_each(&rule, first, first, until, take, &all) &&
			casnet_recurrence_each(&rule, first, since, until, take, &later))
		{
			for (int i = 0; i < all.number; i++)
				MUST(all.times[i] > (i == 0 ? first : all.times[i - 1]) &&
					 all.times[i] <= until);
			while (skipped < all.number && later.number > 0 &&
				   all.times[skipped] != later.times[0])
				skipped++;
			if (later.number == 0)
				skipped = all.number;
			/* What is left out is before, and nothing else is. */
			MUST(skipped == 0 || all.times[skipped - 1] < since || all.number == MOST_TIMES);
			for (int i = skipped; i < all.number; i++)
				MUST(all.times[i] == later.times[i - skipped]);
		}
	}
	forget_memory();
	free(text);
	return 0;
}
