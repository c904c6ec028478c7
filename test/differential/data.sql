-- What the queries read: six tenants of very different size, and in each a user of every
-- role.  Rows have the same ids, names and values as rows of other tenants.  Clerks, whose
-- role is no built-in one, see nobody else.  No query runs as a user of the tenant
-- "poison".  Its values make an expression raise an error when it is evaluated on a row of
-- it.  protected.sql adds tables of an application, and views.sql the views.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS casnet;
GRANT casnet_authenticator TO differential_app;
GRANT casnet_user TO differential_views;
CREATE SCHEMA differential;
GRANT USAGE ON SCHEMA differential TO PUBLIC;

-- A number from 0 to n - 1, the same each time for the same key.
CREATE FUNCTION differential.pick(n int, VARIADIC key text[]) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT ((('x' || left(md5(array_to_string(key, '/', '-')), 7))::bit(28)::int) % n)
$$;
-- Half of the ids are those of other tenants too.
CREATE FUNCTION differential.id(tenant int, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n + CASE WHEN n % 2 = 1 THEN tenant * 65536 ELSE 0 END), 12, '0'))::uuid
$$;
CREATE FUNCTION differential.word(VARIADIC key text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT ('{home,visit,school,police,parent,Parent,court,Ärztin,doctor,100%,a_b,back\\\\slash,O''Neil,urgent,closed,meeting,phone,call,letter,x}'::text[])
		[1 + differential.pick(20, VARIADIC key)]
$$;

CREATE TABLE differential.sizes (no int, name text, tenant uuid, records int, persons int, tags int, tasks int, events int, invoices int, notes int);
INSERT INTO differential.sizes VALUES
	(1, 'large', '00000000-0000-7000-8000-0000000000a0', 2600, 500, 30, 900, 350, 500, 200),
	(2, 'middle', '00000000-0000-7000-8000-0000000000b0', 300, 90, 20, 150, 60, 80, 50),
	(3, 'small', '00000000-0000-7000-8000-0000000000c0', 40, 20, 8, 30, 10, 15, 8),
	(4, 'tiny', '00000000-0000-7000-8000-0000000000d0', 3, 2, 2, 3, 1, 2, 1),
	(5, 'empty', '00000000-0000-7000-8000-0000000000e0', 0, 0, 0, 0, 0, 0, 0),
	(6, 'poison', '00000000-0000-7000-8000-0000000000f0', 120, 60, 12, 60, 30, 40, 20);

INSERT INTO casnet.tenants (id, name, description)
SELECT tenant, name, CASE WHEN no % 2 = 0 THEN 'the tenant ' || name END FROM differential.sizes;
INSERT INTO casnet.roles (name, description) VALUES ('clerk', 'works on cases, and sees no other user'), ('unused', NULL);
INSERT INTO casnet.role_permissions (role, permission)
SELECT 'clerk', p FROM unnest('{view_persons,view_records,edit_records,view_tags,edit_tags,view_tasks,edit_tasks,view_calendar}'::text[]) AS p;
INSERT INTO casnet.users (id, username, email, full_name, is_active)
SELECT differential.id(7, 100 + 10 * s.no + r.n), r.role || '_' || s.name, r.role || '@' || s.name || '.test',
	   CASE WHEN s.no <> 3 THEN initcap(r.role) END, r.role <> 'idle'
  FROM differential.sizes AS s,
	   (VALUES (1, 'owner'), (2, 'member'), (3, 'viewer'), (4, 'admin'), (5, 'idle'), (6, 'clerk')) AS r (n, role);
INSERT INTO casnet.users (id, username, email, full_name)
VALUES (differential.id(7, 200), 'multi', 'multi@home.test', 'Owner');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
SELECT u.id, s.tenant, replace(split_part(u.username, '_', 1), 'idle', 'member')
  FROM casnet.users AS u JOIN differential.sizes AS s ON s.name = split_part(u.username, '_', 2)
UNION ALL
SELECT differential.id(7, 200), s.tenant, (ARRAY['member', 'owner', 'viewer', 'admin', 'owner', 'member'])[s.no]
  FROM differential.sizes AS s;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
SELECT m.user_id, m.tenant_id, p
  FROM casnet.user_tenants AS m, unnest('{view_users,view_analytics}'::text[]) AS p
 WHERE m.role = 'member' AND m.tenant_id <> '00000000-0000-7000-8000-0000000000a0'
	OR m.role = 'clerk' AND m.tenant_id = '00000000-0000-7000-8000-0000000000b0';

INSERT INTO casnet.records (tenant_id, id, title, content, created_at, updated_at)
SELECT s.tenant, differential.id(s.no, n),
	   differential.word('title', n::text) || ' ' || differential.word('object', (n + s.no)::text) ||
		   CASE WHEN n % 5 = 0 THEN ' ' || n ELSE '' END,
	   CASE WHEN n % 3 > 0 THEN (SELECT string_agg(differential.word(s.no::text, n::text, w::text), ' ')
								   FROM generate_series(0, n % 7) AS w) ELSE '' END,
	   '2024-01-01'::timestamptz + differential.pick(700, 'at', n::text) * interval '1 hour',
	   '2024-02-01'::timestamptz + n * interval '1 minute'
  FROM differential.sizes AS s, generate_series(1, s.records) AS n;
INSERT INTO casnet.tags (tenant_id, id, name, created_at)
SELECT s.tenant, differential.id(s.no, n),
	   ('{urgent,closed,school,police,home,court,O''Neil,100%,Ärztin,back\\\\slash}'::text[])[n],
	   '2024-01-01'::timestamptz + n % 4 * interval '1 day'
  FROM differential.sizes AS s, generate_series(1, least(10, s.tags)) AS n
UNION ALL
SELECT s.tenant, differential.id(s.no, n), 'tag ' || n, '2024-01-05'
  FROM differential.sizes AS s, generate_series(11, s.tags) AS n;
-- Tags of low numbers are on many records.
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
SELECT DISTINCT s.tenant, differential.id(s.no, n),
	   differential.id(s.no, 1 + (pow(differential.pick(1000, 'tag', s.no::text, n::text, k::text) / 1000.0, 3) * s.tags)::int % s.tags)
  FROM differential.sizes AS s, generate_series(1, s.records) AS n, generate_series(1, 3) AS k
 WHERE differential.pick(4, 'link', n::text) >= k;
INSERT INTO casnet.persons (tenant_id, id, name, date_of_birth, gender, contact_info, created_at)
SELECT s.tenant, differential.id(s.no, n),
	   initcap(differential.word('first', n::text)) || ' ' || differential.word('last', (n + s.no)::text),
	   CASE WHEN n % 4 > 0 THEN date '1950-01-01' + differential.pick(20000, 'born', n::text) END,
	   (ARRAY['MALE', 'FEMALE', 'OTHER', NULL])[1 + n % 4],
	   CASE WHEN s.name = 'poison' THEN jsonb_build_object('age', 'unknown', 'city', 'Poison')
			WHEN n % 5 = 0 THEN '{}'
			WHEN n % 5 = 1 THEN jsonb_build_object('age', NULL, 'city', differential.word('city', n::text))
			ELSE jsonb_build_object('age', n % 90, 'phones', jsonb_build_array(n, 'home'), 'city', 'Home') END,
	   '2024-01-01'::timestamptz + n % 50 * interval '1 day'
  FROM differential.sizes AS s, generate_series(1, s.persons) AS n;
-- Persons of low numbers are in many records.
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id, relation)
SELECT DISTINCT ON (1, 2, 3) s.tenant, differential.id(s.no, n),
	   differential.id(s.no, 1 + (pow(differential.pick(1000, 'about', s.no::text, n::text, k::text) / 1000.0, 3) * s.persons)::int % s.persons),
	   (ARRAY['subject', 'subject', 'parent', 'witness'])[k + n % 2]
  FROM differential.sizes AS s, generate_series(1, s.records) AS n, generate_series(1, 3) AS k
 WHERE s.persons > 0 AND differential.pick(4, 'person', n::text) >= k
 ORDER BY 1, 2, 3, 4;
INSERT INTO casnet.tasks (tenant_id, id, title, description, status, priority, due_date, assignee_id, record_id, created_at)
SELECT s.tenant, differential.id(s.no, n), differential.word('task', n::text) || ' ' || n % 20,
	   CASE WHEN n % 3 = 0 THEN differential.word('about', s.no::text, n::text) END,
	   (ARRAY['PENDING', 'PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'])[1 + differential.pick(5, 'status', n::text)],
	   (ARRAY['LOW', 'MEDIUM', 'HIGH'])[1 + n % 3],
	   CASE WHEN n % 4 > 0 THEN '2024-03-01'::timestamptz + n % 60 * interval '12 hours' END,
	   CASE WHEN n % 3 = 1 THEN differential.id(7, 200) WHEN n % 3 = 2 THEN differential.id(7, 102 + 10 * s.no) END,
	   CASE WHEN n % 4 <> 1 THEN differential.id(s.no, 1 + n * 7 % s.records) END,
	   '2024-02-01'::timestamptz + n % 30 * interval '1 day'
  FROM differential.sizes AS s, generate_series(1, s.tasks) AS n;
INSERT INTO casnet.calendar_events (tenant_id, id, title, description, location, starts_at, ends_at, all_day, status, record_id)
SELECT s.tenant, differential.id(s.no, n), differential.word('event', n::text),
	   CASE WHEN n % 2 = 0 THEN 'event ' || n END, CASE WHEN n % 3 = 0 THEN differential.word('place', n::text) END,
	   '2024-03-01'::timestamptz + n % 90 * interval '8 hours',
	   CASE WHEN n % 3 > 0 THEN '2024-03-01'::timestamptz + (n % 90 * 8 + 2) * interval '1 hour' END,
	   n % 3 = 0, (ARRAY['SCHEDULED', 'CANCELLED', 'COMPLETED'])[1 + n % 3],
	   CASE WHEN n % 3 <> 1 THEN differential.id(s.no, 1 + n * 3 % s.records) END
  FROM differential.sizes AS s, generate_series(1, s.events) AS n;
