/*
 * tagging.h
 *		Shared by tagging.c and tagging_plan.c: what records_tagged() asks for.
 */
#ifndef CASNET_TAGGING_H
#define CASNET_TAGGING_H

#include "nodes/pg_list.h"
#include "utils/array.h"

/*
 * Location of a call of tag_id() that stands in for records_tagged(): no text
 * has it, and stored expressions have -1.
 */
#define TAG_CALL_LOCATION (-2)

/* The arguments of records_tagged(), as sorted lists of C strings. */
typedef struct TagFilter
{
	List	   *all_of;
	List	   *any_of;
	List	   *none_of;
} TagFilter;

extern int	casnet_tagging_plans;

extern List *casnet_tag_names_of(ArrayType *array);
/* Up to this many of the tags that a record must have get a join each. */
#define CASNET_TAGS_JOINED 8

extern char *casnet_tag_sql_of_links(List *names);
extern char *casnet_tag_sql_of_all(List *names);
extern char *casnet_tag_sql_of_filter(TagFilter *filter);

#endif							/* CASNET_TAGGING_H */
