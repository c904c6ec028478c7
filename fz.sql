DO $$ DECLARE held boolean; t timestamptz; BEGIN LOOP
  PERFORM FROM casnet.users WHERE id = casnet.current_user_id() FOR UPDATE;
  PERFORM pg_sleep(0.002);
  SELECT EXISTS (SELECT FROM pg_locks w JOIN pg_locks h ON h.transactionid = w.transactionid AND h.granted AND h.pid = pg_backend_pid() WHERE NOT w.granted) INTO held;
  IF held THEN PERFORM pg_sleep(600); END IF;
  COMMIT; t := clock_timestamp() + interval '0.2 ms'; WHILE clock_timestamp() < t LOOP END LOOP;
END LOOP; END $$;
