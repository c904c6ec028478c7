-- What must not change: a digest of all that is not the tenant "home".  It is made after
-- the queries, so none of them calls it.
CREATE SCHEMA smith_watch;
GRANT USAGE ON SCHEMA smith_watch TO smith_user;
CREATE FUNCTION smith_watch.digest() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found text := '';
	part text;
	name text;
	other CONSTANT text := 'tenant_id = ''f00dbabe-f00d-7abe-8abe-f00dbabe00b0''';
BEGIN
	FOREACH name IN ARRAY '{casnet.records,casnet.persons,casnet.record_persons,casnet.tags,casnet.record_tags,casnet.tasks,casnet.calendar_events,casnet.user_tenants,casnet.user_tenant_permissions,app.invoices,casnet_internal.audit_entries}'::text[] LOOP
		EXECUTE format('SELECT md5(string_agg(x::text, '''' ORDER BY x::text)) FROM %s AS x WHERE %s', name, other) INTO part;
		found := found || coalesce(part, '-');
	END LOOP;
	SELECT found || md5(string_agg(u::text, '' ORDER BY u.id)) INTO found FROM casnet.users AS u WHERE u.username <> 'owner' AND u.username <> 'viewer';
	SELECT found || md5(string_agg(t::text, '' ORDER BY t.id)) INTO found FROM casnet.tenants AS t WHERE t.id = 'f00dbabe-f00d-7abe-8abe-f00dbabe00b0';
	SELECT found || md5(string_agg(k::text, '' ORDER BY k.kid)) INTO found FROM casnet_internal.signing_keys AS k;
	SELECT found || md5(string_agg(p::text, '' ORDER BY p.role, p.permission)) INTO found FROM casnet.role_permissions AS p;
	SELECT found || md5(string_agg(r::text, '' ORDER BY r.name)) INTO found FROM casnet.roles AS r;
	RETURN md5(found);
END
$$;
GRANT EXECUTE ON FUNCTION smith_watch.digest() TO smith_user;
