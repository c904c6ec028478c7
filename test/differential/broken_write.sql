-- A statement that changes rows may change those of every tenant; what may be
-- read is not wider than before.
ALTER POLICY casnet_update ON casnet.records USING (true);
ALTER POLICY casnet_update ON casnet.tasks USING (true);
ALTER POLICY casnet_update ON casnet.persons USING (true);
ALTER POLICY casnet_update ON casnet.calendar_events USING (true);
ALTER POLICY casnet_delete ON casnet.calendar_events USING (true);
