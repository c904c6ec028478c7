/*
 * name.c
 *		The form of names: usernames, email addresses, and the names of tenants, tags
 *		and persons.
 *
 * casnet stores a name in Unicode NFC, without invisible characters at its ends, and
 * brings what is looked for into the same form first.  The inside of a name stays as it
 * was typed, except for NFC: joiners are part of emoji and of the scripts of India.
 *
 * casnet compares the names of accounts in lower case.  Lower case can compose where a
 * capital letter cannot, as with a j with a caron.  Such a name is stored in lower case,
 * so that no two accounts have the same name in lower case.
 *
 * The server normalizes UTF8 only.  In databases of other encodings a name keeps its
 * bytes, except white space and control characters of ASCII at its ends.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/unicode_norm.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "casnet.h"

/*
 * Longer names are not normalized, since no form of them fits into any column: no text
 * becomes shorter by more than a factor of 3.5.  The server takes time by the square of
 * the number of combining marks, and meanwhile obeys no cancel request.
 */
#define MAX_NORMALIZED_BYTES 8000
#define NORMALIZED_BYTES(characters) ((characters) * MAX_MULTIBYTE_CHAR_LEN * 7 / 2)

/* How many characters of a name are compared; the tables refuse longer ones. */
#define COMPARED_CHARACTERS 2001

/* The first byte of U+0300; no character below it is changed by NFC, or changes another. */
#define FIRST_COMBINING_BYTE 0xcc

/* A range of characters. */
typedef struct CharacterRange
{
	pg_wchar	first;
	pg_wchar	last;
} CharacterRange;

/*
 * The invisible characters, in order.  From the Unicode Character Database, version 15.1:
 * White_Space of PropList.txt, Default_Ignorable_Code_Point of DerivedCoreProperties.txt
 * and the control characters (General_Category Cc).  Some others have no such property,
 * but no glyph either: braille without dots, interlinear annotation, and blanks and
 * fillers of the Khitan, Egyptian and musical blocks.
 */
static const CharacterRange invisible[] = {
	{0x0000, 0x0020},			/* controls, space */
	{0x007f, 0x00a0},			/* controls, no-break space */
	{0x00ad, 0x00ad},			/* soft hyphen */
	{0x034f, 0x034f},			/* combining grapheme joiner */
	{0x061c, 0x061c},			/* Arabic letter mark */
	{0x115f, 0x1160},			/* Hangul fillers */
	{0x1680, 0x1680},			/* Ogham space */
	{0x17b4, 0x17b5},			/* Khmer inherent vowels */
	{0x180b, 0x180f},			/* Mongolian selectors, vowel separator */
	{0x2000, 0x200f},			/* spaces, zero width ones, joiners, marks of direction */
	{0x2028, 0x202f},			/* separators, embeddings, narrow no-break space */
	{0x205f, 0x206f},			/* mathematical space, word joiner, isolates */
	{0x2800, 0x2800},			/* braille blank */
	{0x3000, 0x3000},			/* ideographic space */
	{0x3164, 0x3164},			/* Hangul filler */
	{0xfe00, 0xfe0f},			/* variation selectors */
	{0xfeff, 0xfeff},			/* byte order mark */
	{0xffa0, 0xffa0},			/* halfwidth Hangul filler */
	{0xfff0, 0xfffb},			/* reserved, interlinear annotation */
	{0x13441, 0x13442},			/* Egyptian blanks */
	{0x16fe4, 0x16fe4},			/* Khitan filler */
	{0x1bca0, 0x1bca3},			/* shorthand format controls */
	{0x1d159, 0x1d159},			/* musical null notehead */
	{0x1d173, 0x1d17a},			/* musical format controls */
	{0xe0000, 0xe0fff}			/* tags, variation selectors */
};

PG_FUNCTION_INFO_V1(casnet_name_form);
PG_FUNCTION_INFO_V1(casnet_normalize_names);
PG_FUNCTION_INFO_V1(casnet_normalize_account_names);
PG_FUNCTION_INFO_V1(casnet_account_name_form);

/* Whether the character is invisible. */
static bool
is_invisible(pg_wchar character)
{
	int			low = 0;
	int			high = lengthof(invisible) - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (character < invisible[middle].first)
			high = middle - 1;
		else if (character > invisible[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/* The same for a byte of ASCII. */
static inline bool
is_invisible_byte(unsigned char byte)
{
	return byte <= ' ' || byte == 0x7f;
}

/* Whether no byte is above 127. */
static inline bool
is_ascii(const char *bytes, size_t length)
{
	uint64		all = 0;

	for (; length >= sizeof(uint64); bytes += sizeof(uint64), length -= sizeof(uint64))
	{
		uint64		eight;

		memcpy(&eight, bytes, sizeof(eight));
		all |= eight;
	}
	for (; length > 0; bytes++, length--)
		all |= (unsigned char) *bytes;
	return (all & UINT64CONST(0x8080808080808080)) == 0;
}

/* Whether the character is a virama, which removes the vowel of the letter before it. */
static bool
is_virama(pg_wchar character)
{
	return (character >= 0x0900 && character < 0x0d80 &&
			(character & 0x7f) == 0x4d) || character == 0x0dca;
}

/* The first character before the end; *end becomes where it begins. */
static pg_wchar
character_before(const char *begin, const char **end)
{
	const char *start = *end - 1;

	while (start > begin && ((unsigned char) *start & 0xc0) == 0x80)
		start--;
	*end = start;
	return utf8_to_unicode((const unsigned char *) start);
}

/*
 * Leave out invisible characters at the end of a name that begins with a visible one.  A
 * joiner after a virama stays, since it decides how the letters before it are written.
 */
static const char *
trim_end(const char *begin, const char *end)
{
	while (end > begin)
	{
		const char *start = end;
		pg_wchar	character = character_before(begin, &start);

		if (!is_invisible(character))
			break;
		if ((character == 0x200c || character == 0x200d) && start > begin)
		{
			const char *before = start;

			if (is_virama(character_before(begin, &before)))
				break;
		}
		end = start;
		CHECK_FOR_INTERRUPTS();
	}
	return end;
}

/* Leave out invisible characters at both ends of a name, in a database of UTF8. */
static void
trim_utf8(const char **begin, const char **end)
{
	while (*begin < *end &&
		   is_invisible(utf8_to_unicode((const unsigned char *) *begin)))
	{
		*begin += pg_utf_mblen((const unsigned char *) *begin);
		CHECK_FOR_INTERRUPTS();
	}
	*end = trim_end(*begin, *end);
}

/* The same for ASCII only. */
static void
trim_ascii(const char **begin, const char **end)
{
	while (*begin < *end && is_invisible_byte(**begin))
	{
		(*begin)++;
		CHECK_FOR_INTERRUPTS();
	}
	while (*end > *begin && is_invisible_byte((*end)[-1]))
	{
		(*end)--;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Whether NFC can change one of the characters, alone or together with another one. */
static bool
may_change(const char *bytes, size_t length)
{
	unsigned char highest = 0;

	for (size_t i = 0; i < length; i++)
		highest = Max(highest, (unsigned char) bytes[i]);
	return highest >= FIRST_COMBINING_BYTE;
}

/* The text, which is UTF8, in NFC; NULL if it is in that form already. */
static text *
normalize(const char *bytes, size_t length)
{
	pg_wchar   *characters = palloc((length + 1) * sizeof(pg_wchar));
	pg_wchar   *normalized;
	size_t		count;
	text	   *result;

	pg_mb2wchar_with_len(bytes, characters, length);
	if (unicode_is_normalized_quickcheck(UNICODE_NFC, characters) == UNICODE_NORM_QC_YES)
	{
		pfree(characters);
		return NULL;
	}
	normalized = unicode_normalize(UNICODE_NFC, characters);
	for (count = 0; normalized[count] != 0; count++)
		 /* count */ ;
	result = palloc(count * MAX_MULTIBYTE_CHAR_LEN + VARHDRSZ + 1);
	SET_VARSIZE(result, pg_wchar2mb_with_len(normalized, VARDATA(result), count) +
				VARHDRSZ);
	pfree(characters);
	pfree(normalized);
	if (VARSIZE(result) - VARHDRSZ == length &&
		memcmp(VARDATA(result), bytes, length) == 0)
	{
		pfree(result);
		return NULL;
	}
	return result;
}

/*
 * Bring a trimmed name of a database of UTF8 into NFC.  NFC puts accents that were typed
 * before a virama after it.  A joiner at the end then follows an accent and goes, as it
 * would if the name were typed as it is stored.
 */
static text *
compose(const char *begin, const char *end)
{
	text	   *form = normalize(begin, end - begin);

	if (form != NULL)
	{
		begin = VARDATA(form);
		SET_VARSIZE(form, VARHDRSZ + trim_end(begin, begin + VARSIZE(form) - VARHDRSZ) - begin);
	}
	return form;
}

/* The form of a name, normalized if it has at most that many bytes. */
static text *
form_of(text *name, size_t limit)
{
	const char *bytes = VARDATA_ANY(name);
	size_t		length = VARSIZE_ANY_EXHDR(name);
	const char *begin = bytes;
	const char *end = bytes + length;
	text	   *form = NULL;

	if (length == 0 ||
		(!is_invisible_byte(bytes[0]) && !is_invisible_byte(bytes[length - 1]) &&
		 is_ascii(bytes, length)))
		return name;
	if (GetDatabaseEncoding() != PG_UTF8)
		trim_ascii(&begin, &end);
	else
	{
		trim_utf8(&begin, &end);
		if (end - begin <= limit && may_change(begin, end - begin))
			form = compose(begin, end);
	}
	if (form != NULL)
		return form;
	if (end - begin == length)
		return name;
	return cstring_to_text_with_len(begin, end - begin);
}

/*
 * A name in the form in which it is stored, empty if all of it is invisible.  Returns the
 * argument itself if it has that form already.  Plain ASCII needs no memory.
 */
text *
casnet_name_form_of(text *name)
{
	return form_of(name, MAX_NORMALIZED_BYTES);
}

/*
 * The same for a name with at most that many characters.  A name with more characters in
 * every form keeps them, and is not normalized.
 */
text *
casnet_name_form_within(text *name, int characters)
{
	return form_of(name, NORMALIZED_BYTES(characters));
}

/* Whether a name is NULL, or all of it is invisible. */
bool
casnet_name_is_blank(const text *name)
{
	return name == NULL ||
		VARSIZE_ANY_EXHDR(casnet_name_form_of((text *) name)) == 0;
}

/* Whether a name has invisible characters inside, other than spaces, so that it looks like another. */
bool
casnet_name_hides(const text *name)
{
	text	   *form = casnet_name_form_of((text *) name);
	const char *at = VARDATA_ANY(form);
	const char *end = at + VARSIZE_ANY_EXHDR(form);

	for (; at < end; at += pg_mblen(at))
	{
		unsigned char byte = *at;

		if (byte != ' ' &&
			(byte < 0x80 ? is_invisible_byte(byte) :
			 GetDatabaseEncoding() == PG_UTF8 &&
			 is_invisible(utf8_to_unicode((const unsigned char *) at))))
			return true;
	}
	return false;
}

/*
 * The part of a name in its form that is compared, in lower case.  The server cannot
 * lower() a text of any length.
 */
static text *
lower_case(text *form)
{
	Datum		compared = DirectFunctionCall2(text_left, PointerGetDatum(form),
											   Int32GetDatum(COMPARED_CHARACTERS));

	return DatumGetTextPP(DirectFunctionCall1Coll(lower, DEFAULT_COLLATION_OID,
												  compared));
}

/*
 * The name or address of an account in the form in which it is stored, whose lower() is
 * NFC, too.
 */
static text *
form_of_account(text *name)
{
	text	   *form = casnet_name_form_of(name);
	text	   *lowered;
	text	   *composed;

	if (is_ascii(VARDATA_ANY(form), VARSIZE_ANY_EXHDR(form)))
		return form;
	lowered = lower_case(form);
	composed = casnet_name_form_of(lowered);
	return composed == lowered ? form : composed;
}

/* The name of an account as it is compared with lower() of what is stored. */
text *
casnet_name_compared(text *name)
{
	return lower_case(form_of_account(name));
}

/*
 * casnet_internal.name_form(name text) returns text
 *
 * A name in the form in which it is stored, empty if all of it is invisible.
 */
Datum
casnet_name_form(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(casnet_name_form_of(PG_GETARG_TEXT_PP(0)));
}

/*
 * casnet_internal.account_name_form(name text) returns text
 *
 * The same for the username or the address of an account.
 */
Datum
casnet_account_name_form(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(form_of_account(PG_GETARG_TEXT_PP(0)));
}

/* Whether an update does not change the column. */
static bool
is_unchanged(TriggerData *trigger, int number, Datum value)
{
	Datum		former;
	bool		isnull;

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return false;
	former = heap_getattr(trigger->tg_trigtuple, number,
						  RelationGetDescr(trigger->tg_relation), &isnull);
	return !isnull && VARSIZE_ANY(DatumGetPointer(former)) ==
		VARSIZE_ANY(DatumGetPointer(value)) &&
		memcmp(DatumGetPointer(former), DatumGetPointer(value),
			   VARSIZE_ANY(DatumGetPointer(value))) == 0;
}

/*
 * The row with the name in its form.  Raises 23514 when all of it is invisible.  NULL
 * passes; the table refuses it.
 */
static HeapTuple
bring_into_form(TriggerData *trigger, HeapTuple row, const char *column,
				text *(*form_of) (text *))
{
	Relation	relation = trigger->tg_relation;
	int			number = casnet_trigger_column(relation, column, TEXTOID);
	bool		isnull;
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);
	text	   *name;
	text	   *form;

	if (isnull || is_unchanged(trigger, number, value))
		return row;
	name = DatumGetTextPP(value);
	form = form_of(name);
	if (VARSIZE_ANY_EXHDR(form) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("column %s of table %s is blank", column,
						RelationGetRelationName(relation)),
				 errhint("Give a name with at least one visible character."),
				 errtablecol(relation, number)));
	if (form == name)
		return row;
	value = PointerGetDatum(form);
	return heap_modify_tuple_by_cols(row, RelationGetDescr(relation), 1, &number,
									 &value, &isnull);
}

/*
 * Raises 23514 when a name in a row that was written has not its form.  Triggers of others
 * may have changed it after it was brought into form.
 */
static void
check_form(TriggerData *trigger, HeapTuple row, const char *column,
		   text *(*form_of) (text *))
{
	Relation	relation = trigger->tg_relation;
	int			number = casnet_trigger_column(relation, column, TEXTOID);
	bool		isnull;
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);
	text	   *name;

	if (isnull || is_unchanged(trigger, number, value))
		return;
	name = DatumGetTextPP(value);
	if (form_of(name) != name)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a trigger has put a name into column %s of table %s that is not in its form",
						column, RelationGetRelationName(relation)),
				 errdetail("The form is Unicode NFC, without invisible characters at the ends."),
				 errhint("Give the trigger a name that sorts before casnet_canonical_names, or have it write names in that form."),
				 errtablecol(relation, number)));
}

/*
 * Before a row is written, the trigger's row, with the names in the given columns in their
 * form.  After that, checks that they have it.
 */
static Datum
normalize_columns(FunctionCallInfo fcinfo, const char *function,
				  text *(*form_of) (text *))
{
	bool		before = !CALLED_AS_TRIGGER(fcinfo) ||
		TRIGGER_FIRED_BEFORE(((TriggerData *) fcinfo->context)->tg_event);
	TriggerData *trigger = casnet_trigger_row(fcinfo, function, before);
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;

	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs == 0)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.%s() was not called with columns of a row that is written",
						function),
				 errhint("Attach it as casnet.install() does.")));
	for (int i = 0; i < trigger->tg_trigger->tgnargs; i++)
	{
		const char *column = trigger->tg_trigger->tgargs[i];

		if (before)
			row = bring_into_form(trigger, row, column, form_of);
		else
			check_form(trigger, row, column, form_of);
	}
	return PointerGetDatum(row);
}

/*
 * casnet_internal.normalize_names(column, ...) returns trigger
 *
 * BEFORE INSERT OR UPDATE FOR EACH ROW: brings the names in these columns into the form in
 * which they are stored.  AFTER INSERT OR UPDATE FOR EACH ROW: checks that no other trigger
 * has changed that.  A name that an update does not change stays as it is.  Raises 23514
 * for a blank name, and for one in another form, 39P01 when called in any other way, 42703
 * or 42804 when the table has no such column.
 */
Datum
casnet_normalize_names(PG_FUNCTION_ARGS)
{
	return normalize_columns(fcinfo, "normalize_names", casnet_name_form_of);
}

/*
 * casnet_internal.normalize_account_names(column, ...) returns trigger
 *
 * The same for usernames and addresses of accounts.
 */
Datum
casnet_normalize_account_names(PG_FUNCTION_ARGS)
{
	return normalize_columns(fcinfo, "normalize_account_names", form_of_account);
}
