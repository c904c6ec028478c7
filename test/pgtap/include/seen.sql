-- After fixtures.sql: how often a statement calls a cheap function, which the planner likes
-- to call first, on a row of another tenant.
CREATE FUNCTION public.seen(tenant uuid, anything anyelement) RETURNS boolean LANGUAGE plpgsql COST 1e-37 AS $$
BEGIN
	IF tenant <> casnet.current_tenant_id() THEN
		PERFORM set_config('mine.seen', (current_setting('mine.seen')::integer + 1)::text, true);
	END IF;
	RETURN true;
END
$$;
CREATE FUNCTION public.seen_by(statement text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('mine.seen', '0', true);
	EXECUTE statement;
	RETURN current_setting('mine.seen');
END
$$;
