-- The application's own schema, made by its owner: GraphQL shows these functions, and not
-- casnet's, since PostGraphile leaves out what belongs to an extension.  They run as the
-- caller, under the policies.
CREATE FUNCTION app.login(username text, password text, tenant text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT
AS $$
DECLARE
    token text;
BEGIN
    PERFORM casnet.sign_in(casnet.login(username, password), true);
    PERFORM casnet.use_tenant(tenant, true);
    token := casnet.refresh_token();    -- it names the tenant
    PERFORM casnet.revoke_token();
    RETURN token;
END $$;

CREATE FUNCTION app.logout() RETURNS boolean
LANGUAGE sql VOLATILE
AS $$
    SELECT casnet.revoke_token();
    SELECT true;
$$;

-- casnet.tag_record() is VARIADIC, which GraphQL has not.
CREATE FUNCTION app.tag_record(record_id uuid, names text[]) RETURNS casnet.records
LANGUAGE sql VOLATILE STRICT
AS $$
    SELECT casnet.tag_records(ARRAY[record_id], names);
    SELECT * FROM casnet.records WHERE id = record_id;
$$;

CREATE TYPE app.hit AS (record_id uuid, title text, snippet text);

CREATE FUNCTION app.search(query text, all_of text[] DEFAULT NULL) RETURNS SETOF app.hit
LANGUAGE sql STABLE
AS $$
    SELECT record_id, title, snippet FROM casnet.search_records(query, all_of => all_of);
$$;

CREATE FUNCTION app.remove_member(username text) RETURNS boolean
LANGUAGE sql VOLATILE STRICT
AS $$
    SELECT casnet.remove_member(username);
    SELECT true;
$$;
