-- Tables about tokens and invitations.  They have no policy and no privilege
-- for anybody: only functions of the extension read and write them.

CREATE FUNCTION casnet.install_token_tables() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('casnet.signing_keys') IS NULL THEN
	CREATE TABLE casnet.signing_keys (
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

	IF to_regclass('casnet.revoked_tokens') IS NULL THEN
	CREATE TABLE casnet.revoked_tokens (
		digest bytea NOT NULL,
		user_id uuid NOT NULL,
		expires_at timestamptz NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT revoked_tokens_pkey PRIMARY KEY (digest),
		CONSTRAINT revoked_tokens_user_id_fkey FOREIGN KEY (user_id)
			REFERENCES casnet.users (id) ON DELETE CASCADE
	);
	END IF;

	IF to_regclass('casnet.token_cutoffs') IS NULL THEN
	CREATE TABLE casnet.token_cutoffs (
		user_id uuid NOT NULL,
		generation bigint NOT NULL DEFAULT 1,
		issued_before bigint NOT NULL,
		spared bytea,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT token_cutoffs_pkey PRIMARY KEY (user_id),
		CONSTRAINT token_cutoffs_user_id_fkey FOREIGN KEY (user_id)
			REFERENCES casnet.users (id) ON DELETE CASCADE
	);
	END IF;

	IF to_regclass('casnet.invitations') IS NULL THEN
	CREATE TABLE casnet.invitations (
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
END
$$;
COMMENT ON FUNCTION casnet.install_token_tables() IS
	'internal: makes the tables about tokens and invitations that are missing';
