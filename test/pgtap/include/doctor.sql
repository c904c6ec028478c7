-- For the tests of casnet.doctor(), after fixtures.sql.  diagnosis() is what doctor()
-- reports about a code to a member of casnet_admin, NULL for nothing.  after_remedy() runs
-- the remedies as a superuser and returns what is still reported.  after_reading() runs what
-- remedies only give as comments.
RESET SESSION AUTHORIZATION;
DO $$ BEGIN PERFORM casnet.exempt('public.who'); END $$;		-- applications read it
CREATE FUNCTION public.diagnosis(code text) RETURNS text LANGUAGE sql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(DISTINCT d.severity || ' ' || d.object, ', ')
	  FROM casnet.doctor() AS d WHERE d.code = diagnosis.code
$$;
ALTER FUNCTION public.diagnosis(text) OWNER TO tap_operator;

CREATE FUNCTION public.after_remedy(code text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	remedy text;
BEGIN
	FOR remedy IN
		SELECT DISTINCT d.remedy FROM casnet.doctor() AS d WHERE d.code = after_remedy.code
	LOOP
		IF remedy LIKE '--%' THEN
			RETURN 'nothing to paste';
		END IF;
		EXECUTE remedy;
	END LOOP;
	RETURN coalesce(public.diagnosis(after_remedy.code), 'silent');
END
$$;

CREATE FUNCTION public.after_reading(code text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	remedy text;
BEGIN
	FOR remedy IN
		SELECT DISTINCT d.remedy FROM casnet.doctor() AS d WHERE d.code = after_reading.code
	LOOP
		IF NOT starts_with(remedy, '-- unless it is meant: ') THEN
			RETURN 'no comment';
		END IF;
		EXECUTE substr(remedy, 24);
	END LOOP;
	RETURN coalesce(public.diagnosis(after_reading.code), 'silent');
END
$$;
