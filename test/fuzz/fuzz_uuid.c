/*
 * fuzz_uuid.c
 *		UUIDs in settings, compared with a regular expression of what the type uuid
 *		accepts.
 */
#include "../../src/digest.c"
#include "../../src/uuid.c"

#include <regex.h>

#include "server.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static regex_t grammar;
	static bool compiled = false;
	char	   *string = malloc(size + 1);
	pg_uuid_t	uuid;
	bool		accepted;

	selftest(data, size);
	memcpy(string, data, size);
	string[size] = '\0';
	if (!compiled)
		compiled = regcomp(&grammar, "^(([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}|"
						   "\\{([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\\})$",
						   REG_EXTENDED | REG_NOSUB) == 0;
	MUST(compiled);
	accepted = casnet_uuid_parse(string, &uuid);
	MUST(accepted == (regexec(&grammar, string, 0, NULL, 0) == 0));
	if (accepted)
	{
		size_t		n = 0;

		for (const char *c = string; *c != '\0'; c++)
			if (*c != '-' && *c != '{' && *c != '}')
			{
				char		pair[3] = {c[0], c[1], '\0'};

				MUST(uuid.data[n++] == strtol(pair, NULL, 16));
				c++;
			}
		MUST(n == UUID_LEN);
	}
	free(string);
	return 0;
}
