-- plan_of(): the output of EXPLAIN for a statement, each line with a line feed.
CREATE FUNCTION public.plan_of(statement text, options text DEFAULT 'COSTS OFF') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	lines text := '';
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, statement) LOOP
		lines := lines || line || E'\n';
	END LOOP;
	RETURN lines;
END
$$;
