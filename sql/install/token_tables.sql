-- Tables about tokens, passwords and invitations.  They have no policy and no
-- privilege for anybody: only functions of the extension read and write them.
-- Revocations and hashes are only added to and have no key to an account, lest
-- anybody hold what an administrator needs; and a revocation outlives the account.

CREATE OR REPLACE FUNCTION casnet_internal.install_token_tables() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('casnet_internal.signing_keys') IS NULL THEN
	CREATE TABLE casnet_internal.signing_keys (
		kid text NOT NULL,
		algorithm text NOT NULL,
		key bytea NOT NULL,
		issuer text,
		audience text,
		retired_at timestamptz,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT signing_keys_pkey PRIMARY KEY (kid),
		CONSTRAINT signing_keys_kid_check
			CHECK (octet_length(kid) < 256 AND btrim(kid) <> ''),
		CONSTRAINT signing_keys_algorithm_check
			CHECK (algorithm IN ('HS256', 'EdDSA', 'ES256', 'RS256')),
		CONSTRAINT signing_keys_key_check
			CHECK (octet_length(key) >= 32 OR retired_at IS NOT NULL)
	);
	END IF;

	IF to_regclass('casnet_internal.revoked_tokens') IS NULL THEN
	CREATE TABLE casnet_internal.revoked_tokens (
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		digest bytea NOT NULL,
		user_id uuid NOT NULL,
		expires_at timestamptz NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT revoked_tokens_pkey PRIMARY KEY (id)
	);
	END IF;

	IF to_regclass('casnet_internal.token_cutoffs') IS NULL THEN
	CREATE TABLE casnet_internal.token_cutoffs (
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		user_id uuid NOT NULL,
		nonce bigint NOT NULL DEFAULT floor(random() * 9007199254740992)::bigint,
		issued_before bigint NOT NULL,
		spared bytea,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT token_cutoffs_pkey PRIMARY KEY (id)
	);
	END IF;

	IF to_regclass('casnet_internal.password_hashes') IS NULL THEN
	CREATE TABLE casnet_internal.password_hashes (
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		user_id uuid NOT NULL,
		hash text,
		replaces uuid,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT password_hashes_pkey PRIMARY KEY (id)
	);
	END IF;

	IF to_regclass('casnet_internal.invitations') IS NULL THEN
	CREATE TABLE casnet_internal.invitations (
		digest bytea NOT NULL,
		tenant_id uuid NOT NULL,
		email text NOT NULL,
		role text NOT NULL,
		invited_by uuid NOT NULL,
		expires_at timestamptz NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT invitations_pkey PRIMARY KEY (digest),
		CONSTRAINT invitations_tenant_id_fkey FOREIGN KEY (tenant_id)
			REFERENCES casnet.tenants (id) ON DELETE CASCADE,
		CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by)
			REFERENCES casnet.users (id) ON DELETE CASCADE,
		CONSTRAINT invitations_email_check
			CHECK (octet_length(email) <= 2000 AND btrim(email) <> ''),
		CONSTRAINT invitations_role_check
			CHECK (role IN ('owner', 'admin', 'member', 'viewer'))
	);
	END IF;

	-- Statistics are values, too.
	ALTER TABLE casnet_internal.signing_keys ALTER COLUMN key SET STATISTICS 0;
	ALTER TABLE casnet_internal.password_hashes ALTER COLUMN hash SET STATISTICS 0;
	ALTER TABLE casnet_internal.revoked_tokens ALTER COLUMN digest SET STATISTICS 0;
	ALTER TABLE casnet_internal.token_cutoffs ALTER COLUMN spared SET STATISTICS 0;
	ALTER TABLE casnet_internal.invitations ALTER COLUMN digest SET STATISTICS 0;

	-- An older version kept addresses as they were written.
	UPDATE casnet_internal.invitations AS i SET email = lower(i.email)
	 WHERE i.email <> lower(i.email);
END
$$;
COMMENT ON FUNCTION casnet_internal.install_token_tables() IS
	'internal: makes the tables about tokens, passwords and invitations that are missing';

-- Until then one row of token_cutoffs per user was updated, and both tables had
-- keys to users, as had their primary keys what two transactions may write.
CREATE OR REPLACE FUNCTION casnet_internal.bring_over_token_tables() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	old record;
BEGIN
	FOR old IN
		SELECT v.relation, v.name
		  FROM (VALUES (to_regclass('casnet_internal.revoked_tokens'), 'revoked_tokens'),
					   (to_regclass('casnet_internal.token_cutoffs'), 'token_cutoffs'))
			   AS v (relation, name)
		 WHERE v.relation IS NOT NULL AND NOT EXISTS (
			SELECT FROM pg_attribute AS a
			 WHERE a.attrelid = v.relation AND a.attname = 'id')
	LOOP
		EXECUTE format('ALTER TABLE casnet_internal.%I DROP CONSTRAINT IF EXISTS %I, '
					   'DROP CONSTRAINT IF EXISTS %I, '
					   'ADD COLUMN id uuid NOT NULL DEFAULT casnet.uuid_v7(), '
					   'ADD CONSTRAINT %I PRIMARY KEY (id)',
					   old.name, old.name || '_user_id_fkey',
					   old.name || '_pkey', old.name || '_pkey');
		IF old.name = 'token_cutoffs' THEN
			ALTER TABLE casnet_internal.token_cutoffs RENAME COLUMN generation TO nonce;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.bring_over_token_tables() IS
	'internal: brings tables about tokens of an older version to this one';

-- Hashes that an older version left in users go where nobody reads them; the
-- trigger does it.  SECURITY DEFINER, so that casnet.bypass does not mind.
CREATE OR REPLACE FUNCTION casnet_internal.bring_over_passwords() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE casnet.users AS u SET hashed_password = u.hashed_password
	 WHERE u.hashed_password !~ '^[$]casnet[$]';
	IF FOUND THEN
		-- Nor do they stay in the statistics of the column.
		ANALYZE casnet.users (hashed_password);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.bring_over_passwords() IS
	'internal: takes the hashes that an older version left in users';
