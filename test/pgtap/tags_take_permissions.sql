-- Links need edit_records, new tags create_tags only if one is missing, names view_tags.
-- Renaming needs edit_tags, merging also delete_tags.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
\set one 00000000-0000-7000-8000-0000000001a0
\set three 00000000-0000-7000-8000-0000000003a0
CREATE FUNCTION pg_temp.lacks(call text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(substring(e FROM '^42501 \| permission "([a-z_]+)" is missing'), e) FROM error_of('SELECT ' || call) AS e
$$;

CALL be('vic', 'North');
SELECT is(pg_temp.lacks(format('casnet.tag_record(%L, ''North tag'')', :'three')), 'edit_records', 'a viewer: tag_record()');
SELECT is(pg_temp.lacks(format('casnet.tag_record(%L, ''North tag'')', :'one')), 'edit_records', 'also where the link exists');
SELECT is(pg_temp.lacks(format('casnet.tag_record(%L, ''new'')', :'three')), 'create_tags', 'with a new name');
SELECT is(pg_temp.lacks(format('casnet.untag_record(%L, ''North tag'')', :'one')), 'edit_records', 'untag_record()');
SELECT is(pg_temp.lacks(format('casnet.untag_record(%L, ''new'')', :'one')), 'edit_records', 'of nothing');
SELECT is(pg_temp.lacks('casnet.rename_tag(''North tag'', ''new'')'), 'edit_tags', 'rename_tag()');
SELECT is(pg_temp.lacks(format('casnet.tags_of(%L)', :'one')), 'none', 'but reads tags_of()');
SELECT is(pg_temp.lacks('casnet.tag_counts()'), 'none', 'and tag_counts()');
CALL be('mia', 'North');
SELECT lives_ok('INSERT INTO casnet.tags (name) VALUES (''second'')', 'a member makes a tag');
SELECT is(pg_temp.lacks('casnet.merge_tags(''second'', ''North tag'')'), 'delete_tags', 'and does not merge');
SELECT is(pg_temp.lacks('casnet.rename_tag(''second'', ''North tag'')'), 'delete_tags', 'nor rename to a name that is taken');
SELECT is(pg_temp.lacks('casnet.rename_tag(''second'', ''third'')'), 'none', 'but renames');
CALL be('adam', 'North');
SELECT is(pg_temp.lacks('casnet.merge_tags(''second'', ''North tag'')'), 'none', 'an admin merges');

RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'create_tags';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(pg_temp.lacks(format('casnet.tag_record(%L, ''North tag'', ''second'')', :'three')), 'none', 'without create_tags tags that exist are given');
SELECT is(pg_temp.lacks(format('casnet.tag_record(%L, ''North tag'', ''new'')', :'three')), 'create_tags', 'and none is made');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_tags';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(pg_temp.lacks(call), 'view_tags', 'without view_tags: ' || call)
  FROM unnest(ARRAY[format('casnet.tag_record(%L, ''North tag'')', :'three'), format('casnet.untag_record(%L, ''North tag'')', :'one'),
	format('casnet.tags_of(%L)', :'one'), 'casnet.rename_tag(''North tag'', ''x'')', 'casnet.tag_counts()', 'casnet_internal.tag_id(''North tag'')']) AS call;
SELECT * FROM finish();
ROLLBACK;
