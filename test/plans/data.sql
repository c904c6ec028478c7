-- What the plans are made for: 60 tenants, of which the first has a fifth of all rows.
-- Nothing is random except ANALYZE's sample, which is the same for both ways.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION casnet;
CREATE ROLE plans_casnet LOGIN IN ROLE casnet_authenticator;
CREATE ROLE plans_hand LOGIN BYPASSRLS IN ROLE casnet_user;
-- who may see estimates
GRANT pg_read_all_stats TO plans_casnet, plans_hand;

CREATE SCHEMA plans;
GRANT USAGE ON SCHEMA plans TO PUBLIC;
-- uuids that are known from a number
CREATE FUNCTION plans.tenant(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
	RETURN ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
CREATE FUNCTION plans.item(n bigint, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
	RETURN ('01890000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid;
-- a number from 0 up to 1, the same for the same arguments
CREATE FUNCTION plans.chance(n bigint, i bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
	RETURN (hashint8extended(n * 10000000 + i, salt) & 1048575) / 1048576.0;
CREATE TABLE plans.size AS
	SELECT n, CASE n WHEN 1 THEN 6000 ELSE 6000 / n END AS rows FROM generate_series(1, 60) AS n;

SET session_replication_role = replica;
INSERT INTO casnet.tenants (id, name) SELECT plans.tenant(n), 'tenant ' || n FROM plans.size;
INSERT INTO casnet.users (id, username, email)
	SELECT plans.item(0, n), 'user' || n, 'user' || n || '@example.org' FROM plans.size;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
	SELECT plans.item(0, n), plans.tenant(n), 'owner' FROM plans.size;
CREATE TABLE plans.row AS
	SELECT n, i, plans.item(n, i) AS id, plans.tenant(n) AS tenant_id,
		   timestamptz '2024-01-01' + interval '700 days' * ((i + plans.chance(n, i, 1)) / rows) AS at
	  FROM plans.size, generate_series(1, rows) AS i
	 ORDER BY at;
INSERT INTO casnet.records (tenant_id, id, title, content, created_at)
	SELECT tenant_id, id, 'Case ' || i, 'Seen: word' || floor(300 * plans.chance(n, i, 4) ^ 3) ||
		   ', word' || floor(300 * plans.chance(n, i, 5) ^ 3), at
	  FROM plans.row;
INSERT INTO casnet.tags (tenant_id, id, name)
	SELECT plans.tenant(n), plans.item(n, 16777216 + k), 'tag ' || k FROM plans.size, generate_series(1, 20) AS k;
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
	SELECT DISTINCT tenant_id, id, plans.item(n, 16777216 + (1 + floor(20 * plans.chance(n, i, 10 + k) ^ 2))::bigint)
	  FROM plans.row, generate_series(1, 2) AS k;
INSERT INTO casnet.tasks (tenant_id, id, title, status, due_date, completed_at, record_id)
	SELECT tenant_id, id, 'Task ' || i,
		   CASE WHEN plans.chance(n, i, 20) < 0.9 THEN 'COMPLETED' ELSE 'PENDING' END, at + interval '7 days',
		   CASE WHEN plans.chance(n, i, 20) < 0.9 THEN at END, id
	  FROM plans.row WHERE i % 2 = 0 ORDER BY at;
INSERT INTO casnet.calendar_events (tenant_id, id, title, starts_at, record_id)
	SELECT tenant_id, id, 'Event ' || i, at, id FROM plans.row WHERE i % 2 = 1 ORDER BY at;
RESET session_replication_role;
DROP TABLE plans.row;
VACUUM (FREEZE, ANALYZE);
