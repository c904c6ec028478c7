-- Two tables of an application: one in partitions, one not.
CREATE TABLE differential.invoices (
	tenant_id uuid NOT NULL, id uuid NOT NULL, record_id uuid, amount integer, note text,
	billed date NOT NULL, paid boolean,
	PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.records (tenant_id, id)
) PARTITION BY HASH (id);
CREATE TABLE differential.invoices_0 PARTITION OF differential.invoices FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE differential.invoices_1 PARTITION OF differential.invoices FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE differential.invoices_2 PARTITION OF differential.invoices FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TABLE differential.notes (
	tenant_id uuid NOT NULL, id uuid NOT NULL, record_id uuid, body text NOT NULL, details jsonb,
	written timestamptz NOT NULL, PRIMARY KEY (tenant_id, id)
);
INSERT INTO differential.invoices
SELECT s.tenant, differential.id(s.no, n), CASE WHEN n % 3 > 0 THEN differential.id(s.no, 1 + n * 5 % s.records) END,
	   CASE WHEN s.name = 'poison' THEN 0 WHEN n % 5 > 0 THEN 1 + differential.pick(200, 'amount', n::text) END,
	   CASE WHEN n % 2 = 0 THEN differential.word('note', n::text) END,
	   date '2024-01-01' + differential.pick(300, 'billed', n::text), (ARRAY[true, false, NULL])[1 + n % 3]
  FROM differential.sizes AS s, generate_series(1, s.invoices) AS n;
INSERT INTO differential.notes
SELECT s.tenant, differential.id(s.no, n), CASE WHEN n % 3 > 0 THEN differential.id(s.no, 1 + n * 11 % s.records) END,
	   differential.word('note', n::text, s.no::text),
	   CASE WHEN n % 3 > 0 THEN jsonb_build_object('age', CASE WHEN s.name = 'poison' THEN '"none"' ELSE to_jsonb(n) END) END,
	   '2024-02-01'::timestamptz + n % 40 * interval '6 hours'
  FROM differential.sizes AS s, generate_series(1, s.notes) AS n;
SELECT casnet.protect('differential.invoices'), casnet.protect('differential.notes', 'letters');
INSERT INTO casnet.role_permissions (role, permission) VALUES ('clerk', 'view_invoices'), ('clerk', 'view_letters');
