/*
 * words.c
 *		The words of a text: what is indexed of a record, and what a search asks for.
 *
 * The server's parser and the dictionaries of casnet.search find the words.  casnet changes
 * the text before and the words after that, in records and in searches alike.
 *
 * Before: angle brackets and ampersands become spaces, since the parser takes what is
 * between them for a tag.  Where a script has no spaces between words, each character
 * begins a word of two characters.  So a part of a sentence is found as a phrase.
 *
 * After: fold.c says which letters count as one.  It is after the dictionaries, because the
 * rules for the stems of a language need its letters.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/unicode_norm.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "tsearch/ts_type.h"
#include "tsearch/ts_utils.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"

#include "casnet.h"

/* So much of a title and of a content is indexed, in characters. */
#define TITLE_CHARACTERS 10000

/* A tsvector has room for a megabyte of words and their places. */
#define MAX_INDEXED_BYTES 1040000

/*
 * The word of a text that is too long for all places of its words to be kept.  No parser
 * makes a word of a control character.
 */
#define LONG_TEXT "\001"

PG_FUNCTION_INFO_V1(casnet_search_vector);

/* The form of a text for the parser, while it is made. */
typedef struct Form
{
	StringInfoData text;
	CasnetPlace *places;		/* of each byte, or NULL if nobody asks */
	int			nplaces;
	int			bytes;			/* what its words can take in a tsvector */
	pg_wchar   *run;			/* characters without spaces between words */
	CasnetPlace *run_places;
	int			count;
	int			room;
} Form;

/* Append bytes to the form; returns their places, or NULL if nobody asks. */
static CasnetPlace *
append(Form *form, const char *bytes, int length)
{
	appendBinaryStringInfo(&form->text, bytes, length);
	if (form->places == NULL)
		return NULL;
	if (form->text.len > form->nplaces)
	{
		form->nplaces = form->text.len * 2;
		form->places = repalloc_huge(form->places,
									 form->nplaces * sizeof(CasnetPlace));
	}
	return form->places + form->text.len - length;
}

/* Append a character or a space, and where it was. */
static void
append_bytes(Form *form, const char *bytes, int length, CasnetPlace place)
{
	CasnetPlace *places = append(form, bytes, length);

	for (int i = 0; places != NULL && i < length; i++)
		places[i] = place;
}

/* Whether the byte stays what it is. */
static inline bool
is_plain(char byte)
{
	return !IS_HIGHBIT_SET(byte) && byte != '<' && byte != '>' && byte != '&' &&
		byte != '/';
}

/* Append plain bytes; returns where they end. */
static int
append_plain(Form *form, const char *bytes, int start, int length)
{
	CasnetPlace *places;
	int			end = start;

	while (end < length && is_plain(bytes[end]))
		end++;
	places = append(form, bytes + start, end - start);
	for (int i = start; places != NULL && i < end; i++)
	{
		places[i - start].start = i;
		places[i - start].end = i + 1;
	}
	form->bytes += 3 * (end - start);
	return end;
}

static void
append_of_run(Form *form, int i)
{
	unsigned char bytes[MAX_MULTIBYTE_CHAR_LEN + 1];

	unicode_to_utf8(form->run[i], bytes);
	append_bytes(form, (char *) bytes, pg_utf_mblen(bytes), form->run_places[i]);
}

/*
 * Append the words of the characters that have no spaces between them.  The last character
 * is a word by itself, unless it is the end of what is searched for.
 */
static void
append_run(Form *form, bool with_last)
{
	for (int i = 0; i < form->count; i++)
	{
		if (i == form->count - 1 && i > 0 && !with_last)
			break;
		append_bytes(form, " ", 1, form->run_places[i]);
		append_of_run(form, i);
		if (i + 1 < form->count)
			append_of_run(form, i + 1);
	}
	if (form->count > 0)
		append_bytes(form, " ", 1, form->run_places[form->count - 1]);
	form->count = 0;
}

/* Add a character to those that have no spaces between words. */
static void
add_to_run(Form *form, pg_wchar character, CasnetPlace place)
{
	pg_wchar	composed;

	/* Katakana of half width, and Chinese characters that are there twice */
	if (character >= 0xf900)
	{
		pg_wchar	single[2] = {character, 0};
		pg_wchar   *parts = unicode_normalize(UNICODE_NFKC, single);

		if (parts[1] == 0)
			character = parts[0];
		pfree(parts);
	}
	composed = form->count == 0 ? 0 :
		casnet_fold_compose(form->run[form->count - 1], character);
	if (composed != 0)
	{
		form->run[form->count - 1] = composed;
		form->run_places[form->count - 1].end = place.end;
		return;
	}
	if (form->count == form->room)
	{
		form->room = form->room * 2 + 64;
		form->run = form->run == NULL ? palloc(form->room * sizeof(pg_wchar)) :
			repalloc(form->run, form->room * sizeof(pg_wchar));
		form->run_places = form->run_places == NULL ?
			palloc(form->room * sizeof(CasnetPlace)) :
			repalloc(form->run_places, form->room * sizeof(CasnetPlace));
	}
	form->run[form->count] = character;
	form->run_places[form->count++] = place;
	form->bytes += 4 + 2 * (place.end - place.start);
}

/* Append what is no part of a run. */
static void
append_other(Form *form, const char *bytes, CasnetPlace place, bool after_bracket)
{
	char		byte = *bytes;
	int			length = place.end - place.start;

	if (length > 1)
	{
		pg_wchar	character = utf8_to_unicode((const unsigned char *) bytes);

		/* Letters of full width */
		if (character > 0xff00 && character < 0xff5f)
		{
			byte = character - 0xff00 + ' ';
			length = 1;
		}
		else if (casnet_fold_is_punctuation(character))
		{
			byte = ' ';
			length = 1;
		}
	}
	form->bytes += 2 * length + 2;
	if (byte == '<' || byte == '>' || byte == '&' || (byte == '/' && after_bracket))
		byte = ' ';
	if (length == 1)
		append_bytes(form, &byte, 1, place);
	else
		append_bytes(form, bytes, length, place);
}

/*
 * The form of a text for the parser, and if places is given, for each byte the character
 * of the text of which it is.  In what is searched for, the last character of a run at the
 * end is no word of its own.  Ends where a tsvector could be full.
 */
char *
casnet_words_form(const char *bytes, int length, bool is_query, CasnetPlace **places)
{
	Form		form = {0};
	bool		utf8 = GetDatabaseEncoding() == PG_UTF8;
	bool		after_bracket = false;

	initStringInfo(&form.text);
	if (places != NULL)
	{
		form.nplaces = length + 16;
		form.places = palloc_extended(form.nplaces * sizeof(CasnetPlace),
									  MCXT_ALLOC_HUGE);
	}
	for (int i = 0; i < length && form.bytes < MAX_INDEXED_BYTES;)
	{
		CasnetPlace place = {i, i + 1};
		pg_wchar	character = (unsigned char) bytes[i];

		if (IS_HIGHBIT_SET(bytes[i]) && utf8)
		{
			place.end = i + pg_utf_mblen((const unsigned char *) bytes + i);
			character = utf8_to_unicode((const unsigned char *) bytes + i);
			if (casnet_fold_is_unspaced(character))
			{
				add_to_run(&form, character, place);
				after_bracket = false;
				i = place.end;
				continue;
			}
			/* Nobody sees these within a word. */
			if (form.count > 0 && (character == 0x00ad ||
								   (character >= 0x200b && character <= 0x200d)))
			{
				i = place.end;
				continue;
			}
		}
		append_run(&form, true);
		if (is_plain(bytes[i]))
		{
			i = append_plain(&form, bytes, i, length);
			after_bracket = false;
			continue;
		}
		append_other(&form, bytes + i, place, after_bracket);
		after_bracket = character == '<' || character == 0xff1c;
		i = place.end;
	}
	append_run(&form, !is_query);
	if (places != NULL)
		*places = form.places;
	return form.text.data;
}

/* Make a word what it is stored and compared as. */
void
casnet_words_fold(ParsedWord *word)
{
	StringInfoData folded;

	if (GetDatabaseEncoding() != PG_UTF8)
		return;
	for (int i = 0;; i++)
	{
		if (i == word->len)
			return;
		if (IS_HIGHBIT_SET(word->word[i]))
			break;
	}
	initStringInfo(&folded);
	casnet_fold_letters(&folded, word->word, word->len);
	/* A tsvector is sure to have room for twice the text only. */
	if (folded.len > 0 && folded.len <= 2 * word->len && folded.len < MAXSTRLEN)
	{
		word->word = folded.data;
		word->len = folded.len;
	}
}

/* The words of a text in its form, each with its place. */
static void
parse(Oid configuration, ParsedText *parsed, char *form)
{
	int			length = strlen(form);

	parsed->lenwords = Max(length / 6, 4);
	parsed->words = palloc(sizeof(ParsedWord) * parsed->lenwords);
	parsed->curwords = 0;
	parsed->pos = 0;
	parsetext(configuration, parsed, form, length);
	for (int i = 0; i < parsed->curwords; i++)
		casnet_words_fold(&parsed->words[i]);
}

/* The character that begins the word, if there are no spaces between words of its script. */
static pg_wchar
unspaced_character(const char *word, int length)
{
	pg_wchar	character;

	if (length == 0 || !IS_HIGHBIT_SET(*word) || GetDatabaseEncoding() != PG_UTF8)
		return 0;
	character = utf8_to_unicode((const unsigned char *) word);
	return casnet_fold_is_unspaced(character) ? character : 0;
}

/* Whether the word is one such character. */
bool
casnet_words_is_single(const char *word, int length)
{
	return unspaced_character(word, length) != 0 &&
		pg_utf_mblen((const unsigned char *) word) == length;
}

/* The words of the first characters of a text, with a weight.  *count grows by them. */
static Datum
words_of(Oid configuration, struct varlena *value, int characters, char weight,
		 int *count)
{
	/* One character more, which can be cut. */
	text	   *slice = DatumGetTextPSlice(PointerGetDatum(value), 0,
										   (characters + 1) * MAX_MULTIBYTE_CHAR_LEN);
	char	   *bytes = VARDATA_ANY(slice);
	int			length = pg_mbcharcliplen(bytes, VARSIZE_ANY_EXHDR(slice), characters);
	char	   *form;
	ParsedText	parsed;
	Datum		vector;

	form = casnet_words_form(bytes, length, false, NULL);
	parse(configuration, &parsed, form);
	*count += parsed.pos;
	vector = PointerGetDatum(make_tsvector(&parsed));
	return DirectFunctionCall2(tsvector_setweight, vector, CharGetDatum(weight));
}

/* Whether some word of a script without spaces is there more often than is kept. */
static bool
has_full_word(TSVector vector)
{
	WordEntry  *entry = ARRPTR(vector);

	for (int i = 0; i < vector->size; i++, entry++)
		if (entry->haspos && POSDATALEN(vector, entry) >= MAXNUMPOS - 1 &&
			unspaced_character(STRPTR(vector) + entry->pos, entry->len) != 0)
			return true;
	return false;
}

/*
 * casnet_internal.search_vector(configuration regconfig, title text, content text)
 *		returns tsvector
 *
 * What is indexed of a record.  No member of the extension, so that the column that is
 * generated by it stays when the extension is dropped.  Raises 22023 if there is no such
 * configuration.
 */
Datum
casnet_search_vector(PG_FUNCTION_ARGS)
{
	Oid			configuration = PG_GETARG_OID(0);
	int			count = 0;
	Datum		vector;

	if (!SearchSysCacheExists1(TSCONFIGOID, ObjectIdGetDatum(configuration)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("text search configuration %u does not exist", configuration),
				 errhint("Name one, such as 'casnet.search'.")));
	vector = words_of(configuration, PG_GETARG_RAW_VARLENA_P(1),
					  TITLE_CHARACTERS, 'A', &count);
	vector = DirectFunctionCall2(tsvector_concat, vector,
								 words_of(configuration, PG_GETARG_RAW_VARLENA_P(2),
										  CASNET_CONTENT_CHARACTERS, 'B', &count));
	if (count >= MAXENTRYPOS - 1 || has_full_word(DatumGetTSVector(vector)))
		vector = DirectFunctionCall2(tsvector_concat, vector,
									 DirectFunctionCall1(tsvectorin,
										CStringGetDatum("'" LONG_TEXT "'")));
	PG_RETURN_DATUM(vector);
}

/* The first of the words with the next number. */
static int
next_place(ParsedText *parsed, int i)
{
	int			pos = parsed->words[i].pos.pos;

	while (i < parsed->curwords && parsed->words[i].pos.pos == pos)
		i++;
	return i;
}

/*
 * Push the words of one place: all of a variant, or those of another one.  A single
 * character of a script without spaces stands for each word that it begins.
 */
static void
push_place(TSQueryParserState state, ParsedText *parsed, int i, int16 weight, bool prefix)
{
	int			end = next_place(parsed, i);
	int			variants = 0;

	while (i < end)
	{
		int			variant = parsed->words[i].nvariant;
		int			words = 0;

		for (; i < end && parsed->words[i].nvariant == variant; i++)
		{
			ParsedWord *word = &parsed->words[i];

			pushValue(state, word->word, word->len, weight,
					  prefix || (word->flags & TSL_PREFIX) != 0 ||
					  casnet_words_is_single(word->word, word->len));
			if (words++ > 0)
				pushOperator(state, OP_AND, 0);
		}
		if (variants++ > 0)
			pushOperator(state, OP_OR, 0);
	}
}

/*
 * Push the words of an operand: what is one word to people can be several to the parser,
 * which follow each other.  In a text that is too long for all places to be kept, it is
 * enough that words without spaces between them are there.
 */
static void
push_operand(CASNET_PUSHED opaque, TSQueryParserState state, char *operand,
			 int length, int16 weight, bool prefix)
{
	Oid			configuration = *(Oid *) casnet_pushed(opaque);
	char	   *form = casnet_words_form(operand, length, true, NULL);
	bool		unspaced = false;
	int			places = 0;
	int			before = 0;
	ParsedText	parsed;

	parse(configuration, &parsed, form);
	if (parsed.curwords == 0)
	{
		pushStop(state);
		return;
	}
	for (int i = 0; i < parsed.curwords; i = next_place(&parsed, i))
	{
		int			pos = parsed.words[i].pos.pos;

		push_place(state, &parsed, i, weight, prefix);
		/* Words that the dictionaries left out have a place, too. */
		if (places++ > 0)
			pushOperator(state, OP_PHRASE, pos - before);
		before = pos;
		unspaced |= unspaced_character(parsed.words[i].word, parsed.words[i].len) != 0;
	}
	if (places == 1 || !unspaced)
		return;
	pushValue(state, LONG_TEXT, strlen(LONG_TEXT), 0, false);
	for (int i = 0; i < parsed.curwords; i = next_place(&parsed, i))
	{
		push_place(state, &parsed, i, weight, prefix);
		pushOperator(state, OP_AND, 0);
	}
	pushOperator(state, OP_OR, 0);
}

/* casnet.search, which says how texts are searched.  Raises 55000 when it is missing. */
Oid
casnet_words_configuration(void)
{
	Oid			configuration = get_ts_config_oid(list_make2(makeString("casnet"),
															 makeString("search")), true);

	if (!OidIsValid(configuration))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("text search configuration casnet.search does not exist"),
				 errhint("A superuser can make it with SELECT casnet.install().")));
	return configuration;
}

/* The query of operands in the syntax of to_tsquery(), each of which is quoted text. */
TSQuery
casnet_words_query(Oid configuration, char *operands)
{
	return casnet_parse_tsquery(operands, push_operand, &configuration);
}
