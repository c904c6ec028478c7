-- What the planner puts in the place of records_tagged() names the tags by this
-- function; now it finds another one than was asked for.
CREATE OR REPLACE FUNCTION casnet_internal.tag_id(name text) RETURNS uuid
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	AS $$SELECT t.id FROM casnet.tags AS t WHERE t.name > $1 ORDER BY t.name LIMIT 1$$;
