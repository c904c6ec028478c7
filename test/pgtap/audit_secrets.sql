-- Secrets, generated columns and the columns that enable_audit() excepts are
-- not recorded.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.notes (tenant_id uuid DEFAULT casnet.current_tenant_id(), id int, body text, password text, seen int, "a'b" int, twice int GENERATED ALWAYS AS (id * 2) STORED,
	updated_at timestamptz DEFAULT now(), PRIMARY KEY (tenant_id, id));
CREATE VIEW public.last AS SELECT action, row_key, before, after FROM casnet_internal.audit_entries WHERE at > now() ORDER BY at DESC, id DESC LIMIT 1;
SELECT casnet.enable_audit('public.notes', '{seen,a''b}');
SELECT casnet.enable_audit('casnet.users');
SELECT set_config('casnet.tenant_id', :'north', true);

INSERT INTO public.notes (id, body, password, seen, "a'b") VALUES (1, 'body', 'secret', 1, 2);
SELECT is((SELECT after - 'updated_at' FROM public.last), jsonb_build_object('tenant_id', :'north', 'id', 1, 'body', 'body'), 'an insertion');
SELECT is((SELECT row_key FROM public.last), jsonb_build_object('tenant_id', :'north', 'id', 1), 'its key');
UPDATE public.notes SET body = 'b', password = 'p', seen = 2, updated_at = 'infinity';
SELECT is((SELECT before || after FROM public.last), '{"body": "b"}', 'an update');
SELECT count(*) AS entries FROM casnet_internal.audit_entries \gset
UPDATE public.notes SET seen = 3, updated_at = '-infinity';
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries), :entries::bigint, 'of excepted columns alone: no entry');
UPDATE public.notes SET password = 'q';
SELECT is((SELECT concat(action, before, after) FROM public.last), 'UPDATE{}{}', 'of a secret alone: that it changed');
DELETE FROM public.notes;
SELECT is((SELECT before - 'updated_at' FROM public.last), jsonb_build_object('tenant_id', :'north', 'id', 1, 'body', 'b'), 'a deletion');
UPDATE casnet.users SET hashed_password = rpad('$2b$04$other', 60, 'x') WHERE username = 'mia';
SELECT is((SELECT concat(action, row_key->>'id', before, after) FROM public.last), 'UPDATE' || :'mia' || '{}{}', 'a password: that it changed');
INSERT INTO casnet.users (username, email, hashed_password) VALUES ('new', 'new@x.test', rpad('$2b$04$new', 60, 'x'));
SELECT is((SELECT after->>'hashed_password' FROM public.last), NULL, 'nor the first one');
-- Each name that is never recorded, in an application's table.
CREATE TABLE public.secrets (tenant_id uuid, id int, digest text, hashed_password text, passwd text, password text, password_hash text, secret bytea, passwords text, PRIMARY KEY (tenant_id, id));
SELECT casnet.enable_audit('public.secrets');
INSERT INTO public.secrets VALUES (:'north', 1, 'hidden', 'hidden', 'hidden', 'hidden', 'hidden', 'hidden', 'shown');
SELECT is((SELECT after FROM public.last), jsonb_build_object('tenant_id', :'north', 'id', 1, 'passwords', 'shown'), 'secrets of six names');
SELECT format('UPDATE public.secrets SET %I = %L', name, 'hidden too'), format('SELECT is((SELECT concat(action, before, after) FROM public.last), %L, %L)', 'UPDATE{}{}', 'that ' || name || ' changed')
  FROM unnest('{digest,hashed_password,passwd,password,password_hash,secret}'::text[]) AS name
\gexec
DELETE FROM public.secrets;
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries AS e WHERE (e.before, e.after)::text ~ '[$]2b[$]|casnet[$]|secret|hidden'), 0::bigint, 'nowhere');
-- Under another name it would be recorded.
ALTER TABLE public.notes RENAME COLUMN seen TO watched;
SELECT throws_ok('INSERT INTO public.notes (id) VALUES (2)', '55000', 'audited table public.notes has lost the excepted column "seen"', 'a column that was renamed: nothing is written');
SELECT casnet.enable_audit('public.notes', '{watched}');
SELECT lives_ok('INSERT INTO public.notes (id) VALUES (2)', 'until enable_audit() excepts it');
SELECT * FROM finish();
ROLLBACK;
