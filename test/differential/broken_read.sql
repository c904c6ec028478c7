-- One policy for reading lets every row through.
ALTER POLICY casnet_select ON casnet.tasks USING (true);
