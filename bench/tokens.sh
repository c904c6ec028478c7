#!/usr/bin/env bash
#
# tokens.sh - what a token costs: a transaction that sets casnet.token and
# casnet.tenant_id and reads one row, over the same with two meaningless settings
# and the tenant in the WHERE clause.  It also measures the first verification of a
# token by each algorithm, and the same transaction with a token of a registered issuer
# and with one for a program.  Everything runs on a private server and one processor.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

ROUNDS=9
SECONDS_EACH=3
PROCESSOR=1
TOKENS=100          # of each algorithm
BUILD=1
DATABASE=postgres

usage()
{
	cat <<-HELP
	usage: bench/tokens.sh [--rounds N] [--seconds N] [--processor N]
	                       [--tokens N] [--no-build]
	HELP
}

options()
{
	while [ $# -gt 0 ]; do
		case $1 in
			--rounds) ROUNDS=$2; shift ;;
			--seconds) SECONDS_EACH=$2; shift ;;
			--processor) PROCESSOR=$2; shift ;;
			--tokens) TOKENS=$2; shift ;;
			--no-build) BUILD=0 ;;
			-h | --help) usage; exit 0 ;;
			*) usage >&2; exit 2 ;;
		esac
		shift
	done
}

# load: 100 tenants, each with a member and 100 records.
load()
{
	super -d $DATABASE <<-'SQL'
		CREATE EXTENSION casnet;
		CREATE ROLE bench_casnet LOGIN IN ROLE casnet_user;
		CREATE ROLE bench_hand LOGIN BYPASSRLS;
		GRANT USAGE ON SCHEMA casnet TO bench_hand;
		GRANT SELECT ON casnet.records TO bench_hand;
		INSERT INTO casnet.users (username, email) SELECT 'user' || n, n || '@example.org' FROM generate_series(1, 100) AS n;
		INSERT INTO casnet.tenants (name) SELECT 'tenant' || n FROM generate_series(1, 100) AS n;
		INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
			SELECT u.id, t.id, 'owner' FROM casnet.users AS u JOIN casnet.tenants AS t ON substr(t.name, 7) = substr(u.username, 5);
		INSERT INTO casnet.records (tenant_id, title) SELECT id, 'record ' || n FROM casnet.tenants, generate_series(1, 100) AS n;
		VACUUM ANALYZE;
	SQL
}

# ask SQL: one value, read by the superuser.
ask()
{
	super -d $DATABASE -At -c "$1"
}

# scripts: the two transactions, and the same without a read.
scripts()
{
	cat > "$WORK/casnet.sql" <<-'SQL'
		BEGIN;
		SELECT set_config('casnet.token', :token, true);
		SELECT set_config('casnet.tenant_id', :tenant, true);
		SELECT title FROM casnet.records WHERE id = :record::uuid;
		COMMIT;
	SQL
	cat > "$WORK/hand.sql" <<-'SQL'
		BEGIN;
		SELECT set_config('my.a', :token, true);
		SELECT set_config('my.b', :tenant, true);
		SELECT title FROM casnet.records WHERE tenant_id = :tenant::uuid AND id = :record::uuid;
		COMMIT;
	SQL
}

# tps ROLE SCRIPT PROTOCOL: transactions per second of one run.
tps()
{
	as_server "$BINDIR/pgbench" -n -M "$3" -c 1 -T "$SECONDS_EACH" -U "bench_$1" \
		-f "$WORK/$2.sql" -D "token=$TOKEN" -D "tenant=$TENANT" -D "record=$RECORD" \
		$DATABASE > "$WORK/pgbench.log" 2>&1 ||
		die 'pgbench failed' "$(tail -n 3 "$WORK/pgbench.log")"
	sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$WORK/pgbench.log"
}

# summary: median and range of the numbers on stdin.
summary()
{
	sort -n | awk '{ v[NR] = $1 } END {
		m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
		printf "%.3f   %.3f to %.3f\n", m, v[1], v[NR] }'
}

# transactions: measure pairs; each way runs first in turn.
transactions()
{
	local round protocol casnet hand

	for protocol in prepared extended; do
		for ((round = 1; round <= ROUNDS; round++)); do
			if ((round % 2)); then
				casnet=$(tps casnet casnet $protocol)
				hand=$(tps hand hand $protocol)
			else
				hand=$(tps hand hand $protocol)
				casnet=$(tps casnet casnet $protocol)
			fi
			echo "$casnet $hand"
		done > "$WORK/pairs"
		printf '%-10s %s   (%s tps)\n' $protocol \
			"$(awk '{ print $1 / $2 }' "$WORK/pairs" | summary)" \
			"$(tail -n 1 "$WORK/pairs" | cut -d' ' -f1)"
	done
}

# base64url: of stdin, without padding.
base64url()
{
	basenc -w 0 --base64url | tr -d =
}

# sign ALGORITHM: the signature of the file $WORK/data, in the form of RFC 7518.
sign()
{
	case $1 in
		EdDSA) openssl pkeyutl -sign -rawin -inkey "$WORK/EdDSA.pem" -in "$WORK/signed" ;;
		RS256) openssl dgst -sha256 -sign "$WORK/RS256.pem" "$WORK/signed" ;;
		ES256)
			openssl dgst -sha256 -sign "$WORK/ES256.pem" "$WORK/signed" |
				openssl asn1parse -inform DER |
				sed -n 's/.*INTEGER *:\([0-9A-F]*\).*/\1/p' |
				while read -r number; do
					printf '%64s' "$number" | tr ' ' 0
				done | basenc -d --base16 ;;
	esac | base64url
}

# keys: one key of each algorithm, its public half in the database.
keys()
{
	local point modulus

	openssl genpkey -algorithm ed25519 -out "$WORK/EdDSA.pem" 2> "$WORK/openssl.log"
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/ES256.pem" 2>> "$WORK/openssl.log"
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/RS256.pem" 2>> "$WORK/openssl.log"
	point=$(openssl pkey -in "$WORK/ES256.pem" -pubout -outform DER | tail -c 64 | basenc -w 0 --base16)
	modulus=$(openssl rsa -in "$WORK/RS256.pem" -noout -modulus 2>> "$WORK/openssl.log" |
		cut -d= -f2 | basenc -d --base16 | base64url)
	super -d $DATABASE > "$WORK/keys.log" <<-SQL
		SELECT casnet.add_signing_key('EdDSA', '{"kty":"OKP","crv":"Ed25519","x":"$(openssl pkey -in "$WORK/EdDSA.pem" -pubout -outform DER | tail -c 32 | base64url)"}');
		SELECT casnet.add_signing_key('ES256', '{"kty":"EC","crv":"P-256","x":"$(basenc -d --base16 <<< "${point:0:64}" | base64url)","y":"$(basenc -d --base16 <<< "${point:64}" | base64url)"}');
		SELECT casnet.add_signing_key('RS256', '{"kty":"RSA","e":"AQAB","n":"$modulus"}');
		SELECT casnet.set_issuer('https://id.example.com', '{"keys":[{"kid":"RS256","kty":"RSA","e":"AQAB","n":"$modulus"}]}', '{app}');
		SELECT casnet.link_identity(id, 'https://id.example.com', 'issuer|1') FROM casnet.users WHERE username = 'user1';
	SQL
}

# tokens: put TOKENS tokens of each algorithm into a table.
tokens()
{
	local algorithm claims n user exp

	user=$(ask "SELECT id FROM casnet.users WHERE username = 'user1'")
	exp=$(($(date +%s) + 86400))
	for algorithm in EdDSA ES256 RS256; do
		for ((n = 1; n <= TOKENS; n++)); do
			claims="{\"sub\":\"$user\",\"exp\":$exp,\"iat\":$((exp - 86400)),\"jti\":\"00000000-0000-0000-0000-$(printf %012d "$n")\"}"
			printf '%s.%s' "$(printf '{"alg":"%s","typ":"JWT","kid":"%s"}' $algorithm $algorithm | base64url)" \
				"$(printf %s "$claims" | base64url)" > "$WORK/signed"
			printf '%s\t%s.%s\n' $algorithm "$(cat "$WORK/signed")" "$(sign $algorithm)"
		done
	done > "$WORK/tokens"
	super -d $DATABASE -c 'CREATE TABLE public.tokens (algorithm text, token text)' \
		-c 'GRANT SELECT ON public.tokens TO bench_casnet'
	super -d $DATABASE -c '\copy public.tokens FROM pstdin' < "$WORK/tokens"
	ask "INSERT INTO public.tokens SELECT 'HS256', casnet_internal.issue_token('$user', NULL, '1 day') FROM generate_series(1, $TOKENS)"
}

# other_tokens: the transaction with a token of an issuer and with one for a program, over
# that with one of login().
other_tokens()
{
	local kind other round

	printf '%s.%s' "$(printf '{"alg":"RS256","kid":"RS256"}' | base64url)" \
		"$(printf '{"iss":"https://id.example.com","aud":"app","sub":"issuer|1","exp":%d}' $(($(date +%s) + 86400)) | base64url)" > "$WORK/signed"
	for kind in issuer program; do
		if [ $kind = issuer ]; then
			other=$(cat "$WORK/signed").$(sign RS256)
		else
			other=$(super -d $DATABASE -U bench_casnet -At -c "SET casnet.token = '$TOKEN'" \
				-c "SELECT casnet.service_token('bench', '{view_records}')" | tail -n 1)
		fi
		for ((round = 1; round <= ROUNDS; round++)); do
			if ((round % 2)); then
				echo "$(TOKEN=$other tps casnet casnet prepared) $(tps casnet casnet prepared)"
			else
				echo "$(tps casnet casnet prepared) $(TOKEN=$other tps casnet casnet prepared)" |
					awk '{ print $2, $1 }'
			fi
		done > "$WORK/pairs"
		printf '%-10s %s\n' $kind "$(awk '{ print $1 / $2 }' "$WORK/pairs" | summary)"
	done
}

# verification ALGORITHM: microseconds of the first and the second use of a token,
# in a backend that has seen another token of the algorithm.
verification()
{
	super -d $DATABASE -U bench_casnet -At <<-SQL
		SET client_min_messages = error;
		DO \$\$
		DECLARE
			all_tokens text[] := ARRAY(SELECT token FROM public.tokens WHERE algorithm = '$1' ORDER BY token);
			token text;
			start timestamptz;
			took float8[];
		BEGIN
			PERFORM casnet.sign_in(all_tokens[1], false);
			FOR pass IN 1..2 LOOP
				start := clock_timestamp();
				FOREACH token IN ARRAY all_tokens[2:] LOOP
					PERFORM casnet.sign_in(token, false);
				END LOOP;
				took := took || 1e6 * extract(epoch FROM clock_timestamp() - start)::float8 / (array_length(all_tokens, 1) - 1);
			END LOOP;
			PERFORM set_config('application_name', format('%s %s', round(took[1]::numeric, 2), round(took[2]::numeric, 2)), false);
		END
		\$\$;
		SHOW application_name;
	SQL
}

# verifications: measure each algorithm in turn, in fresh backends.
verifications()
{
	local round algorithm base

	for ((round = 1; round <= ROUNDS; round++)); do
		for algorithm in HS256 EdDSA ES256 RS256; do
			verification $algorithm >> "$WORK/$algorithm.times"
		done
	done
	for algorithm in HS256 EdDSA ES256 RS256; do
		base=$(paste -d' ' "$WORK/$algorithm.times" "$WORK/HS256.times" | awk '{ print $1 / $3 }' | summary)
		printf '%-6s first %-28s us, again %-28s us, first over HS256 %s\n' $algorithm \
			"$(cut -d' ' -f1 "$WORK/$algorithm.times" | summary)" \
			"$(cut -d' ' -f2 "$WORK/$algorithm.times" | summary)" "$base"
	done
}

main()
{
	options "$@"
	setup_work
	need_packages demo
	[ "$BUILD" -eq 0 ] || build_and_install ''
	for program in taskset openssl basenc "$BINDIR/pgbench"; do
		command -v "$program" > /dev/null || die "$program is missing"
	done
	chmod go+rx "$WORK"
	taskset -cp "$PROCESSOR" $$ > /dev/null
	start_server
	load
	scripts
	read -r TENANT RECORD TOKEN <<< "$(ask "
		SELECT t.id || ' ' || r.id || ' ' || casnet_internal.issue_token(u.id, t.id, '1 day')
		  FROM casnet.tenants AS t JOIN casnet.users AS u ON u.username = 'user1'
		  JOIN casnet.records AS r ON r.tenant_id = t.id AND r.title = 'record 50' WHERE t.name = 'tenant1'")"

	say "PostgreSQL $(ask 'SHOW server_version'), a token of ${#TOKEN} bytes, $ROUNDS rounds of $SECONDS_EACH s"
	echo 'tps of casnet over tps of the hand-written transaction: median and range'
	transactions
	say 'the first verification of a token, and its use again: median and range'
	keys
	tokens
	verifications
	say "tps with a token of an issuer, and of a program, over that with one of login()"
	other_tokens
}

main "$@"
