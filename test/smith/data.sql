-- Two tenants: "home", to which the users who sign in belong, and another one, whose rows
-- contain the canary.  Nothing else contains its letters: qzxjvkw.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION casnet;
GRANT casnet_user TO smith_user;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
\set home 00000000-0000-7000-8000-0000000000a0
\set other f00dbabe-f00d-7abe-8abe-f00dbabe00b0

INSERT INTO casnet.tenants (id, name, description) VALUES
	(:'home', 'home', 'the tenant of those who ask'),
	(:'other', 'qzxjvkwqzxjvkw', 'qzxjvkwqzxjvkw');
INSERT INTO casnet.users (id, username, email, full_name) VALUES
	('00000000-0000-7000-8000-000000000001', 'owner', 'owner@home.test', 'Owner'),
	('00000000-0000-7000-8000-000000000002', 'viewer', 'viewer@home.test', NULL);
INSERT INTO casnet.users (id, username, email, full_name, hashed_password) VALUES
	('f00dbabe-f00d-7abe-8abe-f00dbabe0001', 'qzxjvkwqzxjvkw', 'qzxjvkw@qzxjvkw.test', 'qzxjvkwqzxjvkw', rpad('$2b$04$', 60, 'x'));
UPDATE casnet.users SET hashed_password = rpad('$2b$04$', 60, 'x') WHERE username = 'owner';
UPDATE casnet_internal.password_hashes SET hash = 'qzxjvkwqzxjvkw';
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES
	('00000000-0000-7000-8000-000000000001', :'home', 'owner'),
	('00000000-0000-7000-8000-000000000002', :'home', 'viewer'),
	('f00dbabe-f00d-7abe-8abe-f00dbabe0001', :'other', 'owner');
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
VALUES ('f00dbabe-f00d-7abe-8abe-f00dbabe0001', :'other', 'view_analytics');

-- An application's own table, protected.
CREATE TABLE app.invoices (tenant_id uuid NOT NULL, id uuid NOT NULL, amount integer, note text, billed date,
						   PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('app.invoices');
SELECT casnet.enable_audit(t::regclass)
  FROM unnest('{casnet.records,casnet.persons,casnet.tasks,app.invoices}'::text[]) AS t;

-- Twenty rows of each tenant in each table; the canary in every text, the year
-- 1789 in every date, 909090909 for a number.
CREATE FUNCTION app.fill(tenant uuid, prefix text, word text, day date, number int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO casnet.records (tenant_id, id, title, content, created_at, updated_at)
	SELECT tenant, (prefix || lpad(n::text, 4, '0'))::uuid, word || n, word || ' ' || word, day, day FROM generate_series(1, 20) AS n;
	INSERT INTO casnet.persons (tenant_id, id, name, date_of_birth, gender, contact_info, created_at, updated_at)
	SELECT tenant, (prefix || lpad(n::text, 4, '0'))::uuid, word || n, day, 'OTHER', jsonb_build_object(word, word), day, day FROM generate_series(1, 20) AS n;
	INSERT INTO casnet.tags (tenant_id, id, name, created_at, updated_at)
	SELECT tenant, (prefix || lpad(n::text, 4, '0'))::uuid, word || n, day, day FROM generate_series(1, 20) AS n;
	INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id, created_at, updated_at)
	SELECT r.tenant_id, r.id, r.id, day, day FROM casnet.records AS r WHERE r.tenant_id = tenant;
	INSERT INTO casnet.record_persons (tenant_id, record_id, person_id, relation, created_at, updated_at)
	SELECT r.tenant_id, r.id, r.id, word, day, day FROM casnet.records AS r WHERE r.tenant_id = tenant;
	INSERT INTO casnet.tasks (tenant_id, id, title, description, due_date, record_id, created_at, updated_at)
	SELECT tenant, r.id, word, word, day, r.id, day, day FROM casnet.records AS r WHERE r.tenant_id = tenant;
	INSERT INTO casnet.calendar_events (tenant_id, id, title, description, location, starts_at, ends_at, recurrence_rule, record_id, created_at, updated_at)
	SELECT tenant, r.id, word, word, word, day, day, 'FREQ=YEARLY', r.id, day, day FROM casnet.records AS r WHERE r.tenant_id = tenant;
	INSERT INTO app.invoices
	SELECT tenant, r.id, number, word, day FROM casnet.records AS r WHERE r.tenant_id = tenant;
$$;
SELECT app.fill(:'home', '00000000-0000-7000-8000-00000000', 'word', '2024-01-02', 7),
	   app.fill(:'other', 'f00dbabe-f00d-7abe-8abe-f00dbabe', 'qzxjvkwqzxjvkw', '1789-07-14', 909090909);
DROP FUNCTION app.fill(uuid, text, text, date, int);
UPDATE casnet.records SET content = content || '.';		-- entries of the audit
CREATE VIEW app.titles WITH (security_invoker) AS SELECT id, title, content FROM casnet.records;
CREATE VIEW app.open_tasks WITH (security_invoker, security_barrier) AS
	SELECT t.id, t.title, r.title AS record FROM casnet.tasks AS t LEFT JOIN casnet.records AS r ON r.id = t.record_id;
GRANT SELECT ON app.titles, app.open_tasks TO casnet_user;
ANALYZE;
