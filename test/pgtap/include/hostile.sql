-- After fixtures.sql: schema h of tap_evil, a role without privileges, and its code
-- wherever the server can run some.  rose() reveals which other role has run it, and where:
-- errors undo rows but not sequences.  tap_boss is a member of tap_evil and an
-- administrator.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_evil;
CREATE ROLE tap_boss;
GRANT tap_evil, casnet_admin TO tap_boss;
CREATE SCHEMA h AUTHORIZATION tap_evil;
GRANT USAGE ON SCHEMA h TO PUBLIC;
GRANT CREATE ON SCHEMA h TO tap_boss;
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE TABLE h.log (place text, who name, PRIMARY KEY (place, who));
CREATE SEQUENCE h.ran;
CREATE SEQUENCE h.risen;
CREATE FUNCTION h.note(place text, who name) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	IF who <> 'tap_evil' THEN
		PERFORM nextval('h.risen');
		RAISE WARNING '% runs as %', place, who;
	END IF;
	PERFORM nextval('h.ran');
	INSERT INTO h.log VALUES (place, who) ON CONFLICT DO NOTHING;
	RETURN 1;
END
$$;
-- Declared IMMUTABLE, so that the planner runs it.
CREATE FUNCTION h.now(place text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN h.note(place, current_user); END';
CREATE FUNCTION h.evil(place text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN h.now(place); END';
CREATE FUNCTION h.fires() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM h.now('trigger ' || TG_NAME);
	PERFORM set_config('search_path', 'h, pg_catalog', false);
	IF TG_WHEN = 'AFTER' OR TG_LEVEL = 'STATEMENT' THEN
		RETURN NULL;
	END IF;
	RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
-- What a search_path of theirs would find first.
CREATE FUNCTION h.plus(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM h.now('operator'); RETURN 2; END $$;
CREATE OPERATOR h.+ (FUNCTION = h.plus, LEFTARG = bigint, RIGHTARG = bigint);
CREATE FUNCTION h.format(text, regclass) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN h.now('format'); END $$;
CREATE DOMAIN h.number AS int CHECK (h.evil('domain') = 1) CHECK (h.evil(CASE WHEN VALUE > 0 THEN 'domain and value' END) = 1);
CREATE DOMAIN h.id AS uuid CHECK (h.evil('domain in a constant') = 1)
	CHECK (h.evil(CASE WHEN VALUE IS NOT NULL THEN 'domain and value in a constant' ELSE 'domain and null' END) = 1);
CREATE TYPE h.pair AS (id h.id);
CREATE TYPE h.shade AS ENUM ('dark');
CREATE FUNCTION h.shade_id(h.shade) RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN PERFORM h.now('cast to uuid'); RETURN '00000000-0000-7000-8000-0000000000a0'; END $$;
CREATE CAST (h.shade AS uuid) WITH FUNCTION h.shade_id(h.shade) AS IMPLICIT;
CREATE FUNCTION h.shade_json(h.shade) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM h.now('cast to json'); RETURN '"x"'; END $$;
CREATE CAST (h.shade AS json) WITH FUNCTION h.shade_json(h.shade);

-- A table with all of it; columns can include tenant_id and others.
CREATE PROCEDURE h.make(name text, columns text DEFAULT '') LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($c$CREATE TABLE h.%1$I (id int, %2$s
		own h.id DEFAULT ('(00000000-0000-7000-8000-0000000000a0)'::h.pair).id,
		shade h.shade DEFAULT 'dark', n h.number DEFAULT 1,
		computed int GENERATED ALWAYS AS (h.evil('generated column')) STORED,
		said int DEFAULT h.evil('default'),
		CHECK (h.evil('check') = 1), CHECK (id > h.evil('check with a column') - 2),
		EXCLUDE USING btree ((h.evil('exclusion')) WITH =) WHERE (id = 0),
		PRIMARY KEY (id))$c$, name, columns);
	EXECUTE format('INSERT INTO h.%1$I (id) VALUES (1), (2)', name);
	EXECUTE format('CREATE INDEX %2$I ON h.%1$I ((h.evil(''index expression'')))', name, name || '_i');
	EXECUTE format('CREATE INDEX ON h.%1$I (id) WHERE h.evil(''index predicate'') = 1', name);
	EXECUTE format('CREATE STATISTICS h.%2$I ON id, (id + h.evil(''statistics'')) FROM h.%1$I', name, name || '_s');
	EXECUTE format('ANALYZE h.%1$I', name);
	EXECUTE format('CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON h.%1$I FOR EACH ROW EXECUTE FUNCTION h.fires()', name);
	EXECUTE format('CREATE TRIGGER before_statement BEFORE INSERT OR UPDATE OR DELETE ON h.%1$I EXECUTE FUNCTION h.fires()', name);
	EXECUTE format('CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON h.%1$I FOR EACH ROW EXECUTE FUNCTION h.fires()', name);
	EXECUTE format('CREATE TRIGGER after_statement AFTER INSERT OR UPDATE OR DELETE ON h.%1$I EXECUTE FUNCTION h.fires()', name);
	EXECUTE format('CREATE CONSTRAINT TRIGGER deferred AFTER INSERT OR UPDATE OR DELETE ON h.%1$I DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION h.fires()', name);
	EXECUTE format('CREATE RULE told AS ON UPDATE TO h.%1$I DO ALSO SELECT h.now(''rule'')', name);
	-- So that this session evaluates it again.
	EXECUTE format('ALTER INDEX h.%1$I SET (fillfactor = 90)', name || '_i');
END
$$;
-- Whether code of theirs has run as another role, or has not run at all, since the last
-- call.
CREATE FUNCTION h.rose() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	result text := (SELECT string_agg(place || ' as ' || who, ', ' ORDER BY place, who) FROM h.log WHERE who <> 'tap_evil');
BEGIN
	IF result IS NULL AND (SELECT is_called FROM h.risen) THEN
		result := 'somewhere';
	ELSIF NOT (SELECT is_called FROM h.ran) THEN
		result := 'nothing ran';
	END IF;
	DELETE FROM h.log;
	PERFORM setval('h.risen', 1, false), setval('h.ran', 1, false);
	RETURN coalesce(result, 'no');
END
$$;
RESET SESSION AUTHORIZATION;
-- The same, if it is correct that nothing ran.
CREATE FUNCTION h.rose_if_at_all() RETURNS text LANGUAGE sql AS $$ SELECT nullif(h.rose(), 'nothing ran') $$;
SET LOCAL constraint_exclusion = on;
SET LOCAL client_min_messages = error;
