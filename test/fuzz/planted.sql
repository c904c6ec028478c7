-- A defect for fuzz_import.c to find: a row whose title or name is long.
\set ON_ERROR_STOP on
CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	name text := coalesce(to_jsonb(NEW)->>'title', to_jsonb(NEW)->>'name');
BEGIN
	IF length(name) > 1 THEN
		IF length(name) > 12 THEN
			RAISE EXCEPTION 'planted' USING ERRCODE = 'XX000', HINT = 'x';
		END IF;
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER planted BEFORE INSERT ON casnet.persons FOR EACH ROW EXECUTE FUNCTION planted();
CREATE TRIGGER planted BEFORE INSERT ON casnet.records FOR EACH ROW EXECUTE FUNCTION planted();
CREATE TRIGGER planted BEFORE INSERT ON casnet.tags FOR EACH ROW EXECUTE FUNCTION planted();
CREATE TRIGGER planted BEFORE INSERT ON casnet.tasks FOR EACH ROW EXECUTE FUNCTION planted();
CREATE TRIGGER planted BEFORE INSERT ON casnet.calendar_events FOR EACH ROW EXECUTE FUNCTION planted();
