-- Records of many tenants of very different sizes: the tenant of rank n has a
-- share of 1 / n^1.5.  Variables: records, tenants.  Nothing here is random,
-- so two loads of the same size are equal.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET timezone = 'UTC';

CREATE SCHEMA bench;

-- UUIDs made from numbers
CREATE FUNCTION bench.tenant(n bigint) RETURNS uuid
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
CREATE FUNCTION bench.item(n bigint, i bigint) RETURNS uuid
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ('0189' || lpad(to_hex(n >> 16), 4, '0') || '-' ||
			lpad(to_hex(n & 65535), 4, '0') || '-7000-8000-' ||
			lpad(to_hex(i), 12, '0'))::uuid;
-- a number from 0 up to 1, the same for the same arguments
CREATE FUNCTION bench.chance(n bigint, i bigint, salt bigint) RETURNS float8
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (hashint8extended(n * 10000000 + i, salt) & 1048575) / 1048576.0;

CREATE TABLE bench.size AS
	SELECT n, greatest(3, round(:records * n ^ -1.5 /
		(SELECT sum(m ^ -1.5) FROM generate_series(1, :tenants) AS m)))::int AS records
	  FROM generate_series(1, :tenants) AS n;

-- The rows below are in order; foreign keys need not be checked one by one.
SET session_replication_role = replica;
-- Indexes that are made of all rows at once take a fraction of the time.
DROP INDEX IF EXISTS casnet.records_tenant_id_created_at_id_idx,
	casnet.records_tenant_id_title_substring_idx,
	casnet.records_tenant_id_search_vector_idx,
	casnet.record_tags_tenant_id_tag_id_record_id_idx;

INSERT INTO casnet.tenants (id, name)
	SELECT bench.tenant(n), 'tenant ' || n FROM bench.size;
INSERT INTO casnet.users (id, username, email)
	SELECT bench.item(0, n), 'user' || n, 'user' || n || '@example.org'
	  FROM generate_series(1, :tenants * 3) AS n;
-- three members each, one of them an owner; user n belongs to tenant n
INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
	SELECT bench.item(0, n + k * :tenants), bench.tenant(n),
		   CASE k WHEN 0 THEN 'owner' ELSE 'member' END
	  FROM bench.size, generate_series(0, 2) AS k;

-- In order of creation, as applications write them: tenants are interleaved.
INSERT INTO casnet.records (tenant_id, id, title, content, created_at, updated_at)
	SELECT bench.tenant(n), bench.item(n, i), 'Case ' || i || ' of tenant ' || n,
		   repeat('Visited at home, spoke to both parents. ',
				  1 + (bench.chance(n, i, 1) * 14)::int) ||
		   -- three of 2,000 words, with low numbers more often
		   'Seen: word' || floor(2000 * bench.chance(n, i, 4) ^ 3) ||
		   ', word' || floor(2000 * bench.chance(n, i, 5) ^ 3) ||
		   ', word' || floor(2000 * bench.chance(n, i, 6) ^ 3) || '.', at, at
	  FROM (SELECT n, i, timestamptz '2020-01-01' + interval '1500 days'
						 * ((i + bench.chance(n, i, 2)) / records) AS at
			  FROM bench.size, generate_series(1, records) AS i) AS r
	 ORDER BY at, n, i;

INSERT INTO casnet.tags (tenant_id, id, name)
	SELECT bench.tenant(n), bench.item(n, 16777216 + k), 'tag ' || k
	  FROM bench.size, generate_series(1, 20) AS k;

-- One to three tags each, with low numbers more often.
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
	SELECT bench.tenant(n), bench.item(n, i),
		   bench.item(n, 16777216 + (1 + floor(20 * bench.chance(n, i, 10 + k) ^ 2))::bigint)
	  FROM bench.size, generate_series(1, records) AS i,
		   generate_series(1, 1 + floor(3 * bench.chance(n, i, 3))::int) AS k
	ON CONFLICT DO NOTHING;

-- And a rare one, in every tenant.
INSERT INTO casnet.tags (tenant_id, id, name)
	SELECT bench.tenant(n), bench.item(n, 16777216 + 21), 'rare' FROM bench.size;
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
	SELECT bench.tenant(n), bench.item(n, i), bench.item(n, 16777216 + 21)
	  FROM bench.size, generate_series(1, records) AS i
	 WHERE i = 1 OR bench.chance(n, i, 7) < 0.0001;

RESET session_replication_role;
SELECT casnet.install();
VACUUM (FREEZE, ANALYZE);

-- The two ways: rows chosen by the policies, and by a WHERE clause.
CREATE ROLE bench_casnet LOGIN;
CREATE ROLE bench_hand LOGIN BYPASSRLS;
-- EXPLAIN shows its numbers to readers of statistics only.
GRANT pg_read_all_stats TO bench_casnet, bench_hand;
GRANT casnet_authenticator TO bench_casnet;
GRANT casnet_user TO bench_hand;
CHECKPOINT;
