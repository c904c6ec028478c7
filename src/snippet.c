/*
 * snippet.c
 *		The parts of a text that a search found, as HTML.
 *
 * The server's ts_headline() compares the words of the dictionaries, so it would not show a
 * word that was found without its accents, or within a sentence of Chinese.  For a phrase it
 * takes memory that grows with the square of the text.  This finds the words as words.c
 * does, chooses the parts with the most different words of the query in time that grows with
 * the text, and shows them as they were written.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "tsearch/ts_type.h"
#include "tsearch/ts_utils.h"
#include "utils/builtins.h"

#include "casnet.h"

/* Between two parts of a text. */
#define BETWEEN " ... "

/* How many words a part has, of which some stand before the first hit. */
#define MAX_WORDS 18
#define WORDS_BEFORE 5

/* How many tokens those can be, with what is between them. */
#define MAX_TOKENS 256

/* How many bytes of the text a part has, besides the last character. */
#define MAX_BYTES 1000

/* How many characters without a width of their own stay with the one before. */
#define MAX_COMBINING 8

/* How many words of a query are looked for. */
#define MAX_OPERANDS 64

PG_FUNCTION_INFO_V1(casnet_search_snippet);

/* A word that the query asks for. */
typedef struct Operand
{
	char	   *word;
	int			length;
	bool		prefix;
	bool		single;			/* a character that stands for the beginning of a word */
} Operand;

/* A token of the text: a word, or what is between words. */
typedef struct Token
{
	char	   *start;
	int			length;
	bool		counts;			/* it is a word */
	bool		shown;
	bool		whole;			/* all of it was found, not only the first character */
	uint64		hits;			/* the operands that it matches */
} Token;

/* A text, and what of it is shown. */
typedef struct Snippet
{
	const char *bytes;
	int			length;
	char	   *form;			/* for the parser */
	CasnetPlace *places;		/* of each byte of the form in the text */
	Operand		operands[MAX_OPERANDS];
	int			operand_count;
	Token	   *tokens;
	int			count;
	int			room;
	char	   *hits;			/* for each byte of the text, whether it was found */
} Snippet;

/* The part of the text from which a token was made. */
static CasnetPlace
place_of(const Snippet *snippet, const Token *token)
{
	int			start = token->start - snippet->form;
	CasnetPlace place = {0, 0};

	if (token->length > 0)
	{
		place.start = snippet->places[start].start;
		place.end = snippet->places[start + token->length - 1].end;
	}
	return place;
}

/* Whether two tokens and what is between them are short enough for a part. */
static bool
fit_together(const Snippet *snippet, int first, int last)
{
	return first == last || place_of(snippet, &snippet->tokens[last]).end -
		place_of(snippet, &snippet->tokens[first]).start <= MAX_BYTES;
}

/* The different words of the query. */
static void
take_operands(Snippet *snippet, TSQuery query)
{
	QueryItem  *item = GETQUERY(query);

	for (int i = 0; i < query->size && snippet->operand_count < MAX_OPERANDS; i++, item++)
	{
		Operand		operand;
		bool		is_new = item->type == QI_VAL;

		if (!is_new)
			continue;
		operand.word = GETOPERAND(query) + item->qoperand.distance;
		operand.length = item->qoperand.length;
		operand.prefix = item->qoperand.prefix;
		operand.single = operand.prefix &&
			casnet_words_is_single(operand.word, operand.length);
		for (int j = 0; j < snippet->operand_count; j++)
		{
			const Operand *other = &snippet->operands[j];

			is_new = is_new && (other->length != operand.length ||
								other->prefix != operand.prefix ||
								memcmp(other->word, operand.word, operand.length) != 0);
		}
		if (is_new)
			snippet->operands[snippet->operand_count++] = operand;
	}
}

/* Add a token of the text.  One within the last one is a part of it, which counts instead. */
static void
add_token(Snippet *snippet, char *start, int length)
{
	Token	   *token;

	if (snippet->count == snippet->room)
	{
		snippet->room = snippet->room * 2 + 64;
		snippet->tokens = snippet->tokens == NULL ?
			palloc(snippet->room * sizeof(Token)) :
			repalloc_huge(snippet->tokens, snippet->room * sizeof(Token));
	}
	for (int i = snippet->count - 1; i >= 0; i--)
	{
		token = &snippet->tokens[i];
		if (token->start + token->length <= start)
			break;
		token->counts = false;
		token->hits = 0;
	}
	token = &snippet->tokens[snippet->count++];
	memset(token, 0, sizeof(*token));
	token->start = start;
	token->length = length;
}

/* Note which operands of the query the last token matches by that word. */
static void
match_word(Snippet *snippet, char *lexeme)
{
	ParsedWord	parsed = {.word = lexeme, .len = strlen(lexeme)};
	Token	   *token = &snippet->tokens[snippet->count - 1];

	token->counts = true;
	casnet_words_fold(&parsed);
	for (int i = 0; i < snippet->operand_count; i++)
	{
		const Operand *operand = &snippet->operands[i];

		if (tsCompareString(operand->word, operand->length, parsed.word, parsed.len,
							operand->prefix) != 0)
			continue;
		token->hits |= UINT64CONST(1) << i;
		token->whole |= !operand->single;
	}
}

/*
 * What the dictionaries make of a token, as the server asks them; NULL if none knows it.
 * One that waits for the next token knows none alone.
 */
static TSLexeme *
lexize(ListDictionary *map, char *token, int length)
{
	for (int i = 0; i < map->len; i++)
	{
		TSDictionaryCacheEntry *dictionary = lookup_ts_dictionary_cache(map->dictIds[i]);
		DictSubState state = {.isend = true};
		TSLexeme   *lexemes;

		lexemes = (TSLexeme *) DatumGetPointer(FunctionCall4(&dictionary->lexize,
															 PointerGetDatum(dictionary->dictData),
															 PointerGetDatum(token),
															 Int32GetDatum(length),
															 PointerGetDatum(&state)));
		if (lexemes == NULL || state.getnext)
			continue;
		if ((lexemes->flags & TSL_FILTER) == 0)
			return lexemes;
		token = lexemes->lexeme;
		length = strlen(token);
	}
	return NULL;
}

/* Take the text apart, as the server's hlparsetext() does. */
static void
parse(Snippet *snippet, TSConfigCacheEntry *entry, TSParserCacheEntry *parser)
{
	void	   *state = (void *) DatumGetPointer(FunctionCall2(&parser->prsstart,
															   PointerGetDatum(snippet->form),
															   Int32GetDatum(strlen(snippet->form))));

	for (;;)
	{
		char	   *token = NULL;
		int			length = 0;
		int			type = DatumGetInt32(FunctionCall3(&parser->prstoken,
													   PointerGetDatum(state),
													   PointerGetDatum(&token),
													   PointerGetDatum(&length)));
		TSLexeme   *lexemes;

		if (type <= 0)
			break;
		CHECK_FOR_INTERRUPTS();
		add_token(snippet, token, length);
		/* The server leaves longer words out, too. */
		if (type >= entry->lenmap || length >= MAXSTRLEN)
			continue;
		lexemes = lexize(&entry->map[type], token, length);
		for (; lexemes != NULL && lexemes->lexeme != NULL; lexemes++)
			match_word(snippet, lexemes->lexeme);
	}
	FunctionCall1(&parser->prsend, PointerGetDatum(state));
}

/*
 * The different operands that a part matches which begins with that token.  *last becomes
 * its last token with a hit.  A part ends where another one begins.
 */
static uint64
operands_from(const Snippet *snippet, int first, int *last)
{
	uint64		hits = 0;
	int			words = 0;

	for (int i = first; i < snippet->count && i < first + MAX_TOKENS &&
		 words < MAX_WORDS && !snippet->tokens[i].shown &&
		 fit_together(snippet, first, i); i++)
	{
		if (snippet->tokens[i].hits != 0)
			*last = i;
		hits |= snippet->tokens[i].hits;
		words += snippet->tokens[i].counts;
	}
	return hits;
}

/* Show the tokens from there on until they are long enough, or another part begins. */
static void
show_words(Snippet *snippet, int first, int words)
{
	for (int i = first; i < snippet->count && words > 0 && !snippet->tokens[i].shown &&
		 fit_together(snippet, first, i); i++)
	{
		snippet->tokens[i].shown = true;
		words -= snippet->tokens[i].counts;
	}
}

/* Show a part, with some words before it. */
static void
show_part(Snippet *snippet, int first, int last)
{
	int			words = 0;
	int			begin = first;

	for (int i = first; i <= last; i++)
		words += snippet->tokens[i].counts;
	words = Min(WORDS_BEFORE, MAX_WORDS - words);
	for (int i = first - 1; i >= 0 && words > 0 && !snippet->tokens[i].shown &&
		 fit_together(snippet, i, last); i--)
		if (snippet->tokens[i].counts)
		{
			begin = i;
			words--;
		}
	show_words(snippet, begin, MAX_WORDS);
}

/*
 * Show the part with the most different words of the query besides the known ones, the
 * first of several.  Returns these words; 0 if there is no part.
 */
static uint64
show_best(Snippet *snippet, uint64 known)
{
	uint64		best_hits = 0;
	int			best = 0;
	int			first = 0;
	int			last = 0;

	for (int i = 0; i < snippet->count; i++)
	{
		int			end = i;
		uint64		hits;
		int			score;

		if (snippet->tokens[i].hits == 0 || snippet->tokens[i].shown)
			continue;
		CHECK_FOR_INTERRUPTS();
		hits = operands_from(snippet, i, &end);
		score = pg_popcount64(hits & ~known) * (MAX_OPERANDS + 1) + pg_popcount64(hits);
		if (score <= best)
			continue;
		best = score;
		best_hits = hits;
		first = i;
		last = end;
	}
	if (best > 0)
		show_part(snippet, first, last);
	return best_hits;
}

/* Choose two parts to show; the beginning of the text if nothing was found. */
static void
choose(Snippet *snippet)
{
	uint64		known = show_best(snippet, 0);

	if (known == 0)
		show_words(snippet, 0, MAX_WORDS);
	else
		show_best(snippet, known);
}

/*
 * Mark what was found.  Of a word that a single character stands for, only that character
 * was.
 */
static void
mark_hits(Snippet *snippet)
{
	snippet->hits = palloc0(snippet->length + 1);
	for (int i = 0; i < snippet->count; i++)
	{
		const Token *token = &snippet->tokens[i];
		CasnetPlace place = place_of(snippet, token);

		if (!token->shown || token->hits == 0)
			continue;
		if (!token->whole)
			place.end = snippet->places[token->start - snippet->form].end;
		memset(snippet->hits + place.start, true, place.end - place.start);
	}
}

/* Whether it is a bracket or another sign of ASCII, which belongs to the word beside it. */
static bool
is_sign(char c)
{
	return ispunct((unsigned char) c) && !IS_HIGHBIT_SET(c);
}

/*
 * The end of a character that begins at most so many bytes behind a place, with the marks
 * above and below it.
 */
static int
cut_behind(const Snippet *snippet, int start, int bytes)
{
	int			end = start + pg_mbcliplen(snippet->bytes + start, snippet->length - start,
										   bytes);

	for (int i = 0; i < MAX_COMBINING && end < snippet->length &&
		 pg_dsplen(snippet->bytes + end) == 0; i++)
		end += pg_mblen(snippet->bytes + end);
	return end;
}

/* Cut a part that is too long, so that what was found first is in it. */
static void
cut_part(const Snippet *snippet, int *start, int *end)
{
	const char *found = memchr(snippet->hits + *start, true, *end - *start);
	int			before = found == NULL ? 0 : found - snippet->hits - *start;

	if (*end - *start <= MAX_BYTES)
		return;
	if (before > MAX_BYTES / 2)
		*start = cut_behind(snippet, *start, before - MAX_BYTES / 2);
	*end = Min(*end, cut_behind(snippet, *start, MAX_BYTES));
}

/*
 * Append a part of the text, escaped, with the signs around it.  Returns where it ends.
 */
static int
append_part(StringInfo html, Snippet *snippet, int before, int start, int end)
{
	bool		within = false;

	cut_part(snippet, &start, &end);
	while (start > before && is_sign(snippet->bytes[start - 1]) && end - start < MAX_BYTES)
		start--;
	while (end < snippet->length && is_sign(snippet->bytes[end]) && end - start < MAX_BYTES)
		end++;

	for (int i = start; i < end; i++)
	{
		if (snippet->hits[i] != within)
			appendStringInfoString(html, within ? "</b>" : "<b>");
		within = snippet->hits[i];
		switch (snippet->bytes[i])
		{
			case '<':
				appendStringInfoString(html, "&lt;");
				break;
			case '>':
				appendStringInfoString(html, "&gt;");
				break;
			case '&':
				appendStringInfoString(html, "&amp;");
				break;
			default:
				appendStringInfoChar(html, snippet->bytes[i]);
		}
	}
	if (within)
		appendStringInfoString(html, "</b>");
	return end;
}

/* The parts that were chosen. */
static text *
show(Snippet *snippet)
{
	StringInfoData html;
	int			before = 0;
	int			start = -1;
	int			end = 0;

	initStringInfo(&html);
	for (int i = 0; i <= snippet->count; i++)
	{
		if (i < snippet->count && snippet->tokens[i].shown)
		{
			CasnetPlace place = place_of(snippet, &snippet->tokens[i]);

			if (start < 0)
				start = Max(place.start, before);
			end = Max(end, place.end);
		}
		else if (start >= 0)
		{
			if (html.len > 0)
				appendStringInfoString(&html, BETWEEN);
			before = append_part(&html, snippet, before, start, Max(start, end));
			start = -1;
		}
	}
	return cstring_to_text_with_len(html.data, html.len);
}

/*
 * casnet.search_snippet(value text, query tsquery) returns text
 *
 * The parts of a text that match best, with what was found in <b>; its beginning if nothing
 * does.  All else is escaped.  Raises 55000 when the text search configuration is missing.
 */
Datum
casnet_search_snippet(PG_FUNCTION_ARGS)
{
	/* One character more, which can be cut. */
	text	   *value = PG_GETARG_TEXT_P_SLICE(0, 0, (CASNET_CONTENT_CHARACTERS + 1) *
											   MAX_MULTIBYTE_CHAR_LEN);
	TSConfigCacheEntry *entry = lookup_ts_config_cache(casnet_words_configuration());
	TSParserCacheEntry *parser = lookup_ts_parser_cache(entry->prsId);
	Snippet		snippet = {0};

	snippet.bytes = VARDATA_ANY(value);
	snippet.length = pg_mbcharcliplen(snippet.bytes, VARSIZE_ANY_EXHDR(value),
									  CASNET_CONTENT_CHARACTERS);
	take_operands(&snippet, PG_GETARG_TSQUERY(1));
	snippet.form = casnet_words_form(snippet.bytes, snippet.length, false,
									 &snippet.places);
	parse(&snippet, entry, parser);
	choose(&snippet);
	mark_hits(&snippet);
	PG_RETURN_TEXT_P(show(&snippet));
}
