-- What every example begins with: two departments of one database, their people, and the
-- roles that the programs connect as.  Run by a superuser in an empty database.
--
--   ada   owner of Child Services           password "correct horse battery"
--   eve   viewer there                      password "correct horse battery"
--   bob   owner of Adult Services           password "correct horse battery"
--   root  superuser of the application      password "correct horse battery"
--
--   example_backend   names users itself (casnet_authenticator)
--   example_web       signs in with tokens (casnet_user)
--   example_owner     owns the application's own schema, app
CREATE EXTENSION casnet;

DO $$
BEGIN
    CREATE ROLE example_backend LOGIN;
    CREATE ROLE example_web LOGIN;
    CREATE ROLE example_owner LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
GRANT casnet_authenticator TO example_backend;
GRANT casnet_user TO example_web;
GRANT casnet_admin TO example_owner;
CREATE SCHEMA app AUTHORIZATION example_owner;
GRANT USAGE ON SCHEMA app TO casnet_user;
GRANT REFERENCES ON casnet.records TO example_owner;  -- for keys of the application's own tables

SELECT casnet.create_user(name, name || '@example.org', 'correct horse battery',
                          full_name => initcap(name) || ' Example', is_superuser => name = 'root')
  FROM unnest(ARRAY['ada', 'eve', 'bob', 'root']) AS name;
SELECT casnet.create_tenant('Child Services', owner_id => id) FROM casnet.users WHERE username = 'ada';
SELECT casnet.create_tenant('Adult Services', owner_id => id) FROM casnet.users WHERE username = 'bob';

SELECT set_config('casnet.user_id', id::text, false) FROM casnet.users WHERE username = 'ada';
SELECT casnet.use_tenant('Child Services');
SELECT casnet.add_member('eve', 'viewer');
INSERT INTO casnet.persons (name, date_of_birth, gender) VALUES
    ('Jane Doe', '2015-04-01', 'FEMALE'), ('John Doe', '1980-02-03', 'MALE');
INSERT INTO casnet.records (title, content, created_at)
SELECT 'Visit ' || n, CASE WHEN n % 2 = 0 THEN 'Spoke to both parents.' ELSE 'Nobody was at home.' END,
       timestamptz '2026-01-01 10:00+00' + n * interval '1 day'
  FROM generate_series(1, 5) AS n;
SELECT casnet.tag_record(id, 'home visit') FROM casnet.records;
SELECT casnet.tag_record(id, 'urgent') FROM casnet.records WHERE title = 'Visit 5';
SELECT casnet.link_person(r.id, p.id) FROM casnet.records AS r, casnet.persons AS p
 WHERE r.title = 'Visit 1' AND p.name = 'Jane Doe';
INSERT INTO casnet.tasks (title, record_id, priority, due_date)
SELECT 'Call the school', id, 'HIGH', '2026-02-01 12:00+00' FROM casnet.records WHERE title = 'Visit 1';
INSERT INTO casnet.calendar_events (title, starts_at, ends_at, time_zone, recurrence_rule)
VALUES ('Team', '2026-03-23 09:00+01', '2026-03-23 10:00+01', 'Europe/Berlin', 'FREQ=WEEKLY;COUNT=10');

SELECT set_config('casnet.user_id', id::text, false) FROM casnet.users WHERE username = 'bob';
SELECT casnet.use_tenant('Adult Services');
INSERT INTO casnet.records (title, content) VALUES ('Secret of Adult Services', 'Not for children.');
INSERT INTO casnet.tags (name) VALUES ('urgent');
SELECT casnet.sign_out();
