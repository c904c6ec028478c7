-- Statements that functions of casnet run on the tables of others, with the rights
-- of the owner of the table and never with more; and what they lock.

CREATE OR REPLACE FUNCTION casnet_internal.run_as_owner(relation regclass, statement text)
	RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_run_as_owner';
COMMENT ON FUNCTION casnet_internal.run_as_owner(regclass, text) IS
	'internal: runs a statement on a table as its owner, as a security-restricted operation';

CREATE OR REPLACE FUNCTION casnet_internal.run_for_owner(relation regclass, statement text)
	RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_run_for_owner';
COMMENT ON FUNCTION casnet_internal.run_for_owner(regclass, text) IS
	'internal: run_as_owner() for administrators who can become the owner';

CREATE OR REPLACE FUNCTION casnet_internal.run_on(before text, relation regclass, after text)
	RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_run_on';
COMMENT ON FUNCTION casnet_internal.run_on(text, regclass, text) IS
	'internal: runs a statement that changes catalogs, with the name of a relation in it';

CREATE OR REPLACE FUNCTION casnet_internal.run_on_for_owner(before text, relation regclass, after text)
	RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_run_on_for_owner';
COMMENT ON FUNCTION casnet_internal.run_on_for_owner(text, regclass, text) IS
	'internal: run_on() as the owner of the relation, for administrators who can become it';

CREATE OR REPLACE FUNCTION casnet_internal.set_not_null(relation regclass, name name) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_set_not_null';
COMMENT ON FUNCTION casnet_internal.set_not_null(regclass, name) IS
	'internal: makes a column of the caller''s table NOT NULL, as the owner of the table';

CREATE OR REPLACE FUNCTION casnet_internal.give_view(view regclass, relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_give_view';
COMMENT ON FUNCTION casnet_internal.give_view(regclass, regclass) IS
	'internal: gives a view that casnet has made to the owner of a table';

CREATE OR REPLACE FUNCTION casnet_internal.require_current(relation oid) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_require_current';
COMMENT ON FUNCTION casnet_internal.require_current(oid) IS
	'internal: 55000 in a transaction with one snapshot, unless it has made the table itself';

CREATE OR REPLACE FUNCTION casnet_internal.lock_tree(relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_lock_tree';
COMMENT ON FUNCTION casnet_internal.lock_tree(regclass) IS
	'internal: locks a table of the caller and its partitions, by OID';

CREATE OR REPLACE FUNCTION casnet_internal.is_operator() RETURNS boolean
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_is_operator';
COMMENT ON FUNCTION casnet_internal.is_operator() IS
	'internal: whether the current database role is a superuser';
