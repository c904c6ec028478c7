-- Views with the rights of the caller, and of an owner who is under the policies too.
CREATE VIEW differential.busy WITH (security_invoker) AS
	SELECT r.id, r.title, count(t.id) AS tasks, max(t.due_date) AS due
	  FROM casnet.records AS r LEFT JOIN casnet.tasks AS t ON t.record_id = r.id
	 GROUP BY r.id, r.title;
CREATE VIEW differential.marked WITH (security_invoker, security_barrier) AS
	SELECT r.id, r.title, r.created_at FROM casnet.records AS r
	 WHERE r.id IN (SELECT casnet.records_tagged(any_of => '{urgent,school}', none_of => '{closed}'));
GRANT CREATE ON SCHEMA differential TO differential_views;
SET ROLE differential_views;
CREATE VIEW differential.people AS
	SELECT p.id, p.name, p.gender, p.date_of_birth FROM casnet.persons AS p WHERE p.gender IS NOT NULL;
CREATE VIEW differential.owned AS
	SELECT r.id, r.title FROM casnet.records AS r
	 WHERE r.id IN (SELECT casnet.records_tagged('{urgent}')) OR r.title LIKE 'x%';
RESET ROLE;
REVOKE CREATE ON SCHEMA differential FROM differential_views;
GRANT SELECT ON differential.busy, differential.marked, differential.people, differential.owned TO differential_app;

-- Statistics of each tenant's share; a second look, so that the samples are those of the final table.
ANALYZE;
