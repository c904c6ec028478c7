
-- The tables follow.
SELECT casnet.install();
