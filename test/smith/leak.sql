-- For the self-test: a view that shows every tenant, as the README says not to.
CREATE VIEW app.leak AS SELECT title, content, id FROM casnet.records;
GRANT SELECT ON app.leak TO casnet_user;
