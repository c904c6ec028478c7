-- What a writing statement sets off is judged as that statement.  A trigger function that
-- changes the user or the tenant, in whatever way, writes nothing as such.  The later rows
-- of a load do not, either.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/both_tenants.sql
RESET SESSION AUTHORIZATION;
GRANT pg_execute_server_program TO tap_app;
CREATE TABLE public.invoices (id uuid DEFAULT casnet.uuid_v7(), title text);
SELECT casnet.protect('public.invoices') IS NOT NULL AS protected \gset
SELECT casnet.enable_audit('casnet.tasks');
SELECT public.token('{"sub": "00000000-0000-7000-8000-000000000001"}') AS token \gset
-- The body of a trigger function on invoices: how it changes the session's identity.
CREATE TABLE public.ways (n integer, way text, head text, body text);
INSERT INTO public.ways VALUES
	(1, 'set_config(), tenant', '', format('PERFORM set_config(''casnet.tenant_id'', %L, false);', :'south')),
	(2, 'set_config(), local', '', format('PERFORM set_config(''casnet.user_id'', %L, true);', :'olga')),
	(3, 'SET LOCAL', '', format('SET LOCAL casnet.tenant_id = %L;', :'south')),
	(4, 'SET LOCAL, user', '', format('SET LOCAL casnet.user_id = %L;', :'olga')),
	(5, 'a SET clause', format('SET casnet.tenant_id = %L', :'south'), ''),
	(6, 'use_tenant()', '', 'PERFORM casnet.use_tenant(''South'');'),
	(7, 'sign_in()', '', format('PERFORM casnet.sign_in(%L);', :'token')),
	(8, 'sign_out()', '', 'PERFORM casnet.sign_out();');
GRANT SELECT ON public.ways TO tap_app;

-- SQLSTATE of a statement while the trigger is there, with a nested statement.
CREATE FUNCTION public.with_trigger(head text, body text, nested text, statement text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION public.on_invoice() RETURNS trigger LANGUAGE plpgsql %s AS %L', head,
		'BEGIN ' || body || ' ' || nested || ' RETURN NEW; END');
	DROP TRIGGER IF EXISTS a ON public.invoices;
	CREATE TRIGGER a BEFORE INSERT OR UPDATE ON public.invoices FOR EACH ROW EXECUTE FUNCTION public.on_invoice();
	RETURN statement;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
-- with_trigger() makes the trigger before throws_ok() runs the statement.
SELECT is(state_of(public.with_trigger(head, body, 'INSERT INTO casnet.persons (name, tenant_id) VALUES (''nested'', casnet.current_tenant_id());',
	'INSERT INTO public.invoices (title) VALUES (''x'')')), '55000', 'a nested INSERT, ' || way) FROM public.ways ORDER BY n;
SELECT is(state_of(public.with_trigger('', body, '', 'INSERT INTO public.invoices_load (title) VALUES (''a''), (''b'')')), '55000', 'a load, ' || way) FROM public.ways WHERE n IN (1, 2, 4, 6, 7) ORDER BY n;
SELECT is(state_of(public.with_trigger('', body, '', $s$COPY public.invoices_load (title) FROM PROGRAM 'printf "a\nb\n"'$s$)), '55000', 'COPY, ' || way) FROM public.ways WHERE n IN (1, 2, 4, 6, 7) ORDER BY n;
-- The cascade of a deletion: audited tasks lose their record.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.on_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000b0', false);
	RETURN NEW;
END
$$;
CREATE TRIGGER a BEFORE UPDATE ON casnet.tasks FOR EACH ROW EXECUTE FUNCTION public.on_task();
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of('DELETE FROM casnet.records'), '55000', 'a trigger of a cascade');

-- An error that is caught within the trigger ends the inner statement, not the outer one.
SELECT is(state_of(public.with_trigger('', $b$BEGIN INSERT INTO casnet.persons (name) VALUES (NULL); EXCEPTION WHEN OTHERS THEN NULL; END;
	PERFORM set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000b0', false);$b$,
	'INSERT INTO casnet.persons (name, tenant_id) VALUES (''nested'', casnet.current_tenant_id());', 'INSERT INTO public.invoices (title) VALUES (''x'')')),
	'55000', 'after an error inside');
SELECT is(state_of(public.with_trigger('', $b$INSERT INTO casnet.persons (name) VALUES ('inside');
	PERFORM set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000b0', false);$b$,
	'INSERT INTO casnet.persons (name, tenant_id) VALUES (''nested'', casnet.current_tenant_id());', 'INSERT INTO public.invoices (title) VALUES (''x'')')),
	'55000', 'and after a statement inside that has ended');
SELECT is(state_of(public.with_trigger('', $b$BEGIN PERFORM set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000b0', true);
	RAISE 'undo'; EXCEPTION WHEN OTHERS THEN NULL; END; PERFORM set_config('casnet.user_id', '00000000-0000-7000-8000-000000000001', true);$b$,
	'INSERT INTO casnet.persons (name) VALUES (''nested'');', 'UPDATE public.invoices SET title = 1; INSERT INTO public.invoices (title) VALUES (''x'')')),
	'55000', 'and after a change that was undone');

-- A trigger that does not change the session writes what it likes.
SELECT lives_ok(public.with_trigger('', '', 'INSERT INTO casnet.persons (name) VALUES (''nested''); UPDATE casnet.persons SET name = name || ''!'' WHERE name ~ ''nested'';',
	'INSERT INTO public.invoices_load (title) VALUES (''a''), (''b'')'), 'a trigger that changes nothing of it');
SELECT is((SELECT count(*) FROM casnet.persons WHERE name ~ 'nested!'), 2::bigint, 'writes');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.persons WHERE tenant_id = :'south'), 1::bigint, 'nothing came to South');
SELECT * FROM finish();
ROLLBACK;
