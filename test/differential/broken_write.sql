-- Statements that change rows may see and change those of every tenant.
ALTER POLICY casnet_select ON casnet.persons USING (true);
ALTER POLICY casnet_update ON casnet.persons USING (true);
ALTER POLICY casnet_delete ON casnet.persons USING (true);
-- These change rows that they may not read, where they need not read any.
ALTER POLICY casnet_update ON casnet.calendar_events USING (true);
ALTER POLICY casnet_delete ON casnet.calendar_events USING (true);
