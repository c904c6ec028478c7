/*
 * fold.c
 *		Letters that count as one in a search: in upper and lower case, with accents and
 *		without, ß and ss, both forms of sigma, i with a dot and without.
 *
 * This follows no locale, so that a word is found in texts of any language.  Accents are
 * those of the Latin and Greek scripts, and the vowel signs of Hebrew and Arabic.
 * Cyrillic letters keep theirs, except ё: й and и are two letters to their readers, and to
 * the rules for stems.  In databases of other encodings than UTF8 only case is folded.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "common/unicode_norm.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "casnet.h"

/* The most characters that one becomes when it is taken apart, and some more. */
#define MAX_DECOMPOSED 32

/* A range of characters. */
typedef struct CharacterRange
{
	pg_wchar	first;
	pg_wchar	last;
} CharacterRange;

/*
 * Marks that are left out: accents, the vowel signs of Hebrew and Arabic, and what nobody
 * sees.  In order.
 */
static const CharacterRange marks[] = {
	{0x00ad, 0x00ad},			/* soft hyphen */
	{0x0300, 0x036f},			/* accents */
	{0x0591, 0x05bd},			/* points of Hebrew */
	{0x05bf, 0x05bf}, {0x05c1, 0x05c2}, {0x05c4, 0x05c5}, {0x05c7, 0x05c7},
	{0x0610, 0x061a},			/* signs of Arabic */
	{0x0640, 0x0640},			/* the line that makes a word wider */
	{0x064b, 0x065f}, {0x0670, 0x0670}, {0x06d6, 0x06dc}, {0x06df, 0x06e4},
	{0x06e7, 0x06e8}, {0x06ea, 0x06ed},
	{0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, /* more accents */
	{0x200b, 0x200f},			/* joiners, marks of direction */
	{0x202a, 0x202e}, {0x2060, 0x2064},
	{0x20d0, 0x20ff},			/* marks of symbols */
	{0xfe00, 0xfe0f},			/* variation selectors */
	{0xfe20, 0xfe2f},			/* halves of accents */
	{0xfeff, 0xfeff}			/* byte order mark */
};

/*
 * Scripts that have no spaces between words, and Korean, where a word and its ending have
 * none.  From Blocks.txt of the Unicode Character Database, version 15.1, without digits
 * and punctuation.  In order.
 */
static const CharacterRange unspaced[] = {
	{0x0e01, 0x0e3a}, {0x0e40, 0x0e4e}, /* Thai */
	{0x0e81, 0x0ecf}, {0x0edc, 0x0edf}, /* Lao */
	{0x1000, 0x103f}, {0x1050, 0x108f}, {0x109a, 0x109f},	/* Myanmar */
	{0x1100, 0x11ff},			/* parts of Korean syllables */
	{0x1780, 0x17d3},			/* Khmer */
	{0x3005, 0x3007}, {0x3021, 0x3029}, /* signs among Chinese characters */
	{0x3031, 0x3035}, {0x3041, 0x3096}, {0x3099, 0x309a}, {0x309d, 0x309f}, /* Hiragana */
	{0x30a1, 0x30fa}, {0x30fc, 0x30ff}, /* Katakana */
	{0x3105, 0x312f}, {0x31a0, 0x31bf}, /* Bopomofo */
	{0x31f0, 0x31ff},
	{0x3400, 0x4dbf}, {0x4e00, 0x9fff}, /* Chinese characters */
	{0xa000, 0xa48c},			/* Yi */
	{0xac00, 0xd7a3},			/* Korean syllables */
	{0xf900, 0xfaff},
	{0xff66, 0xff9f},			/* Katakana of half width */
	{0x1b000, 0x1b16f},
	{0x20000, 0x323af}
};

/*
 * Punctuation, which is between words.  To the server's parser it is letters where the
 * locale is C.  In order.
 */
static const CharacterRange punctuation[] = {
	{0x00a1, 0x00a9}, {0x00ab, 0x00ac}, {0x00ae, 0x00b1}, {0x00b4, 0x00b4},
	{0x00b6, 0x00b8}, {0x00bb, 0x00bb}, {0x00bf, 0x00bf}, {0x00d7, 0x00d7},
	{0x00f7, 0x00f7},
	{0x037e, 0x037e}, {0x0387, 0x0387}, /* Greek */
	{0x05be, 0x05be}, {0x05c0, 0x05c0}, {0x05c3, 0x05c3}, {0x05f3, 0x05f4}, /* Hebrew */
	{0x060c, 0x060d}, {0x061b, 0x061b}, {0x061d, 0x061f}, {0x066a, 0x066d}, {0x06d4, 0x06d4},
	{0x0964, 0x0965},			/* of the scripts of India */
	{0x0e4f, 0x0e4f}, {0x0e5a, 0x0e5b}, {0x104a, 0x104f}, {0x17d4, 0x17da},
	{0x2010, 0x2029}, {0x202f, 0x205f}, {0x2190, 0x23ff}, {0x2500, 0x27bf},
	{0x2e00, 0x2e7f},
	{0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030}, {0x303d, 0x303d}, /* Chinese */
	{0x30a0, 0x30a0}, {0x30fb, 0x30fb},
	{0xfe10, 0xfe19}, {0xfe30, 0xfe6b}, {0xff5f, 0xff65}
};

/* Scripts whose letters stay as they are; in order. */
static const CharacterRange plain[] = {
	{0x0400, 0x052f},			/* Cyrillic */
	{0x0e00, 0x0eff},			/* Thai, Lao */
	{0x1000, 0x109f}, {0x1780, 0x17ff}, /* Myanmar, Khmer */
	{0x3041, 0x3096}, {0x3099, 0x309a}, {0x30a1, 0x30fa},	/* Japanese */
	{0x3400, 0x9fff},
	{0xac00, 0xd7a3},
	{0x20000, 0x2f7ff}
};

/* Whether the character is in one of the ranges. */
static bool
is_among(pg_wchar character, const CharacterRange *ranges, int count)
{
	int			low = 0;
	int			high = count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (character < ranges[middle].first)
			high = middle - 1;
		else if (character > ranges[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/* Whether words that have the character are written without spaces between them. */
bool
casnet_fold_is_unspaced(pg_wchar character)
{
	return character >= unspaced[0].first &&
		is_among(character, unspaced, lengthof(unspaced));
}

/* Whether the character is between words. */
bool
casnet_fold_is_punctuation(pg_wchar character)
{
	return is_among(character, punctuation, lengthof(punctuation));
}

/*
 * One character of the two, if they are one letter: a syllable of Korean, or one of
 * Japanese and its voice.  0 if they are not.
 */
pg_wchar
casnet_fold_compose(pg_wchar before, pg_wchar character)
{
	pg_wchar	pair[3] = {before, character, 0};
	pg_wchar   *composed;

	if (before == 0 || character < 0x0300 ||
		unicode_is_normalized_quickcheck(UNICODE_NFC, pair + 1) !=
		UNICODE_NORM_QC_MAYBE)
		return 0;
	composed = unicode_normalize(UNICODE_NFC, pair);
	character = composed[1] == 0 ? composed[0] : 0;
	pfree(composed);
	return character;
}

/* What letters without accents stand for that cannot be taken apart; NULL for others. */
static const char *
spelled(pg_wchar character)
{
	switch (character)
	{
		case 0x00df:			/* sharp s */
		case 0x1e9e:
			return "ss";
		case 0x0131:			/* i without a dot */
			return "i";
		case 0x03c2:			/* sigma at the end of a word */
			return "\xcf\x83";
		case 0x0451:			/* io */
		case 0x0401:
			return "\xd0\xb5";
		case 0x00e6:
		case 0x00c6:
			return "ae";
		case 0x0153:
		case 0x0152:
			return "oe";
		case 0x00f8:
		case 0x00d8:
			return "o";
		case 0x0111:
		case 0x0110:
		case 0x00f0:
		case 0x00d0:
			return "d";
		case 0x0127:
		case 0x0126:
			return "h";
		case 0x0142:
		case 0x0141:
			return "l";
		case 0x0167:
		case 0x0166:
			return "t";
		case 0x00fe:
		case 0x00de:
			return "th";
	}
	return NULL;
}

/* Append a character, in lower case if it is of ASCII. */
static void
append_character(StringInfo folded, pg_wchar character)
{
	unsigned char bytes[MAX_MULTIBYTE_CHAR_LEN + 1];

	if (character < 0x80)
	{
		appendStringInfoChar(folded, pg_ascii_tolower(character));
		return;
	}
	unicode_to_utf8(character, bytes);
	appendBinaryStringInfo(folded, (char *) bytes, pg_utf_mblen(bytes));
}

/* Append what the character counts as: nothing, itself, or others. */
static void
append_folded(StringInfo folded, pg_wchar character)
{
	pg_wchar	single[2] = {character, 0};
	pg_wchar	kept[MAX_DECOMPOSED + 1];
	const char *spelling;
	pg_wchar   *parts;
	int			count = 0;

	if (is_among(character, marks, lengthof(marks)))
		return;
	spelling = spelled(character);
	if (spelling != NULL)
	{
		appendStringInfoString(folded, spelling);
		return;
	}
	if (is_among(character, plain, lengthof(plain)))
	{
		append_character(folded, character);
		return;
	}

	parts = unicode_normalize(UNICODE_NFKD, single);
	for (pg_wchar *part = parts; *part != 0 && count < MAX_DECOMPOSED; part++)
		if (!is_among(*part, marks, lengthof(marks)))
			kept[count++] = *part;
	kept[count] = 0;
	pfree(parts);
	if (count > 1)
	{
		parts = unicode_normalize(UNICODE_NFC, kept);
		for (pg_wchar *part = parts; *part != 0; part++)
			append_character(folded, *part);
		pfree(parts);
	}
	else if (count == 1)
		append_character(folded, kept[0]);
}

/*
 * The text, which is in lower case already, with each letter as what it counts as.  For
 * UTF8 only.  No text makes it raise.
 */
void
casnet_fold_letters(StringInfo folded, const char *bytes, size_t length)
{
	const unsigned char *c = (const unsigned char *) bytes;
	const unsigned char *end = c + length;
	pg_wchar	before = 0;		/* the letter to which the next mark belongs */
	int			place = 0;		/* where that letter is in the result */

	while (c < end)
	{
		pg_wchar	character;
		pg_wchar	composed;
		int			start = folded->len;

		if (*c < 0x80)
		{
			before = *c++;
			place = start;
			appendStringInfoChar(folded, pg_ascii_tolower(before));
			continue;
		}
		character = utf8_to_unicode(c);
		c += pg_utf_mblen(c);
		composed = casnet_fold_compose(before, character);
		if (composed != 0)
		{
			folded->len = place;
			folded->data[place] = '\0';
			start = place;
			character = composed;
		}
		append_folded(folded, character);
		if (folded->len > start)
		{
			before = character;
			place = start;
		}
	}
}

/* The text in lower case, with each letter as what it counts as. */
text *
casnet_fold(const char *bytes, size_t length)
{
	char	   *lowered;
	StringInfoData folded;
	text	   *result;

	/*
	 * In multibyte encodings other than UTF8 this folds ASCII only.  The server checks
	 * their values only by the pattern of the bytes, and would raise here if the C library
	 * does not know a character.
	 */
	if (pg_database_encoding_max_length() > 1 && GetDatabaseEncoding() != PG_UTF8)
		return cstring_to_text(asc_tolower(bytes, length));
	lowered = str_tolower(bytes, length, DEFAULT_COLLATION_OID);
	if (GetDatabaseEncoding() != PG_UTF8)
		return cstring_to_text(lowered);
	initStringInfo(&folded);
	casnet_fold_letters(&folded, lowered, strlen(lowered));
	result = cstring_to_text_with_len(folded.data, folded.len);
	pfree(folded.data);
	return result;
}
