-- Event triggers that are part of the extension.  They are not dumped: CREATE EXTENSION
-- makes them.  The one of guarded schemas is not among these, since it is there only while
-- a schema is guarded.

CREATE EVENT TRIGGER casnet_audit_partitions ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'CREATE SCHEMA', 'ALTER TABLE')
	EXECUTE FUNCTION casnet_internal.record_truncation_of_partitions();
COMMENT ON EVENT TRIGGER casnet_audit_partitions IS
	'casnet: TRUNCATE of a partition that comes to an audited table is recorded';
