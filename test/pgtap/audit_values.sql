-- Values of every type and size are recorded as to_jsonb() gives them.  A column has changed
-- if its bytes differ.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL timezone = 'UTC';
CREATE TYPE public.mood AS ENUM ('sad', 'ok');
CREATE TYPE public.pair AS (a int, b text);
CREATE DOMAIN public.word AS text;
CREATE TABLE public.kinds (tenant_id uuid NOT NULL, id int PRIMARY KEY, b bool, i2 smallint, i8 bigint, n numeric, r real, d double precision, t text, v varchar(5), c char(5), w public.word,
	m public.mood, p public.pair, j json, jb jsonb, ts timestamp, tz timestamptz, da date, ti time, iv interval, arr text[], by bytea, ip inet, ra int4range, u uuid);
SELECT casnet.enable_audit('public.kinds');
CREATE VIEW public.last AS SELECT action, before, after FROM casnet_internal.audit_entries ORDER BY at DESC, id DESC LIMIT 1;
INSERT INTO public.kinds VALUES (:'north', 1, true, -2, 9007199254740993, 1.50, 0.1, 1e300, E'q"\\\u00e9\n', 'v', 'c', 'w', 'ok', (1, 'x'), '{"a": [1]}', '{"b": {"c": null}}',
	'2024-01-01 01:02:03.456', '2024-01-01 01:02:03.456789', '2024-02-29', '12:00', '1 day', '{a,NULL}', '\x00ff', '10.0.0.1', '[1,3)', :'south');
SELECT is((SELECT after FROM public.last), (SELECT to_jsonb(k) FROM public.kinds AS k), 'values');
INSERT INTO public.kinds (tenant_id, id, n, r, d, jb, j, ts, tz, da) VALUES (:'north', 2, 'NaN', 'NaN', 'infinity', '"scalar"', '2', '-infinity', 'infinity', 'infinity');
SELECT is((SELECT after FROM public.last), (SELECT to_jsonb(k) FROM public.kinds AS k WHERE id = 2), 'odd values and NULL');
INSERT INTO public.kinds (tenant_id, id, jb, tz) VALUES (:'north', 3, '[]', '0044-03-15 BC');
SELECT is((SELECT after FROM public.last), (SELECT to_jsonb(k) FROM public.kinds AS k WHERE id = 3), 'an empty array, a time long ago');
DELETE FROM public.kinds WHERE id = 3;
SELECT is((SELECT after IS NULL AND before->'jb' = '[]' FROM public.last), true, 'and gone');
UPDATE public.kinds SET n = 1.5, t = NULL WHERE id = 1;
SELECT is((SELECT concat(before, after) FROM public.last), E'{"n": 1.50, "t": "q\\"\\\\\u00e9\\n"}{"n": 1.5, "t": null}', 'equal numbers that look different, and a text that goes');
SELECT count(*) AS entries FROM casnet_internal.audit_entries \gset
UPDATE public.kinds SET n = 1.5, t = NULL, jb = jb, arr = '{a,NULL}' WHERE id = 1;
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries), :entries::bigint, 'the same values again');

-- Out of line and compressed.
ALTER TABLE public.kinds ALTER t SET STORAGE EXTERNAL, ALTER w SET STORAGE EXTENDED;
UPDATE public.kinds SET t = repeat('0123456789', 2000), w = repeat('word', 5000) WHERE id = 2;
SELECT is((SELECT length(after->>'t') || ' ' || md5(after->>'t') || length(after->>'w') FROM public.last), '20000 ' || md5(repeat('0123456789', 2000)) || '20000', 'large values');
UPDATE public.kinds SET i2 = 1 WHERE id = 2;
SELECT is((SELECT after FROM public.last), '{"i2": 1}', 'left as they are, they are not recorded');
UPDATE public.kinds SET i2 = 2, t = repeat('0123456789', 2000) WHERE id = 2;
SELECT is((SELECT after FROM public.last), '{"i2": 2}', 'written again, neither');
UPDATE public.kinds SET t = repeat('0123456789', 1999) || '012345678x' WHERE id = 2;
SELECT is((SELECT right(before->>'t', 1) || right(after->>'t', 1) FROM public.last), '9x', 'with one byte changed, they are');
-- Columns that were added later.
ALTER TABLE public.kinds ADD COLUMN late int DEFAULT 7, DROP COLUMN p;
UPDATE public.kinds SET late = 8 WHERE id = 1;
SELECT is((SELECT concat(before, after) FROM public.last), '{"late": 7}{"late": 8}', 'a column that was added');
DELETE FROM public.kinds WHERE id = 2;
SELECT is((SELECT (before ? 'p') || (before->>'late') FROM public.last), 'false7', 'and one that was dropped');
SELECT * FROM finish();
ROLLBACK;
