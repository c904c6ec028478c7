"""The values that functions are called with, as SQL expressions, by type and by name."""

NORTH = '00000000-0000-7000-8000-0000000000a0'
SOUTH = '00000000-0000-7000-8000-0000000000b0'
OLGA = '00000000-0000-7000-8000-000000000001'
MIA = '00000000-0000-7000-8000-000000000002'
RECORD = '00000000-0000-7000-8000-0000000001a0'

# Values with which a call can succeed.
USUAL_BY_NAME = {
    'action': "'refuse'", 'algorithm': "'EdDSA'", 'all_of': "'{urgent}'", 'any_of': "'{}'",
    'at': "'(0,1)'", 'batches': "'[0,0]'", 'before': "'{}'", 'code': "'no code'",
    'column_names': "'{tenant_id}'", 'columns': "'{tenant_id}'", 'count': '16',
    'document_column': "'document'", 'documents': "'input_documents'", 'email': "'mia@input.test'",
    'from_name': "'urgent'", 'hash': "'$2b$04$aaaaaaaaaaaaaaaaaaaaaa'",
    'importer': f"'{OLGA}'", 'into_name': "'late'", 'jwk': "NULL", 'kid': "'input'",
    'kind': "'text'", 'language': "'simple'", 'members': "'{}'", 'name': "'urgent'",
    'names': "'{urgent}'", 'new': "'a new password'", 'none_of': "'{}'", 'old': "'urgent'",
    'owner_id': f"'{OLGA}'", 'part': "'ers'", 'password': "'a long password'",
    'permission': "'view_records'", 'query': "'letter'", 'record_id': f"'{RECORD}'",
    'record_ids': f"'{{{RECORD}}}'", 'relation': "'public.input_invoices'",
    'resource': "'invoices'", 'role': "'member'", 'schema': "'public'", 'table_name': "'records'",
    'target': f"'{NORTH}'", 'tenant': "'North'", 'tenant_id': f"'{NORTH}'",
    'token': "'a.b.c'", 'user_id': f"'{OLGA}'", 'username': "'mia'", 'version': '150000',
}

USUAL_BY_TYPE = {
    'bigint': '1', 'boolean': 'true', 'bytea': r"'\x00'", 'integer': '1', 'smallint': '1',
    'double precision': '0.5', 'interval': "'1 day'", 'jsonb': "'{}'", 'name': "'document'", 'oid': '1',
    'pg_node_tree': "(SELECT polqual FROM pg_policy WHERE polqual IS NOT NULL LIMIT 1)",
    'regclass': "'public.input_invoices'", 'regclass[]': "'{casnet.records}'", 'regconfig': "'simple'", 'regnamespace': "'public'",
    'regprocedure': "'casnet.whoami()'",
    'text': "'text'", 'text[]': "'{a}'", 'name[]': "'{tenant_id}'", 'smallint[]': "'{1}'", 'timestamp with time zone[]': "'{2024-01-01}'",
    'tid': "'(0,1)'", 'timestamp with time zone': "'2024-01-01Z'", 'tsquery': "'a & b'",
    'tsvector': "'a:1 b:2'", 'uuid': f"'{NORTH}'", 'uuid[]': f"'{{{NORTH}}}'", 'internal': 'NULL',
}

INTEGERS = ['0', '-1', '2', '1000', '1001', '32767', '-32768']

TEXTS = [
    "''", "' '", r"E'\t\n\r\v\f'", r"E'\x01'", r"E'\x1b[31m\x7f'", "chr(8203)", "chr(8238) || 'abc'", "chr(160)",
    "'e' || chr(769)", "chr(233)", "chr(128512)", "chr(1114111)", "chr(65535)", "chr(304)", "chr(223)", "chr(65279) || 'mia'",
    "chr(12288)", "repeat(chr(128512), 600)", "'%'", "'_'", r"'\'", r"'\\'", "''''", "'\"'", "'$$'", "';'",
    "'%s%n%1$s%I%L'", "'{}'", "'NULL'", "'null'", "'0'", "'-1'", "'1e400'", "','", "',,,,,,,,,'", "'*'",
    "'-'", "'or'", "'\"'", "'a:*'", "'!'", "'urgent, late'", "' urgent '", "'MIA'", "'mia@input.test'", "'olga'", "'South'",
    "'owner'", "'superuser'", "'view_records'", "'view_records,edit_records'", "'edit_invoices'", "'HS256'", "'ES256'",
    "'RS256'", "'members'", "'tenant'", "'time'", "'names'", "'casnet.records'", "'pg_catalog.pg_class'",
    f"'{NORTH}'", f"'{SOUTH}'", f"'{{{NORTH}}}'", "'00000000-0000-0000-0000-000000000000'", "'a.b.c'", "'..'",
    "'eyJhbGciOiJub25lIn0.e30.'", "'x''; DROP TABLE casnet.records; --'", "'$6$salt$x'", "'$y$'", "'$y$zzz$'", "'*0'",
    # Hashes that cost hours or all memory.
    "'$2a$31$aaaaaaaaaaaaaaaaaaaaaa'", "'$6$rounds=999999999$saltsalt$'", "'$y$jzT$saltsaltsalt$'", "'$y$jDzzzz$saltsaltsalt$'",
    "repeat('x', 63)", "repeat('x', 64)", "repeat('x', 100)",
    "repeat('x', 101)", "repeat(chr(233), 101)", "repeat('x', 255)", "repeat('x', 256)", "repeat('x', 1024)",
    "repeat('x', 1025)", "repeat('x', 2000)", "repeat('x', 2001)", "repeat('a ', 1000)", "repeat('-x ', 666)", "repeat('x', 2704)",
    "repeat('x', 8191)", "repeat('x', 8193)", "repeat('x', 65536)", "repeat(chr(233), 40000)",
    "repeat('view_records,', 9) || 'can'", "repeat('(', 100000)", "repeat('[', 100000)",
]
# Slow ones: each of them takes a megabyte or more.
HUGE_TEXTS = ["repeat('x', 1000000)", "repeat('a ', 500000)", "repeat(chr(128512), 250000)", "repeat('\"', 1000000)"]


def much(text, count):
    """A text so many times; repeat() alone would take seconds."""
    return f"repeat(repeat({text}, 1000), {count // 1000})"


# For --huge: near the largest possible value.
ENORMOUS = {
    'text': [much("'x'", 255000000), much("'x'", 1073741000), much("'a '", 536870000), much("chr(128512)", 67000000)],
    'bytea': [f"convert_to({much(repr('x'), 536871000)}, 'UTF8')", f"convert_to({much(repr('x'), 1073741000)}, 'UTF8')"],
    'jsonb': [f"to_jsonb({much(repr('x'), 268435000)})", f"jsonb_build_object('kty', 'oct', 'k', {much(repr('A'), 268435000)})",
              f"jsonb_build_object('kty', 'RSA', 'n', {much(repr('A'), 268435000)}, 'e', 'AQAB')",
              f"jsonb_build_array({much(repr('x'), 265000000)})"],
    'text[]': ["array_fill(repeat('x', 1000), ARRAY[1000000])", f"ARRAY[{much(repr('x'), 1073740000)}]",
               "array_fill(''::text, ARRAY[134217727])", "array_fill(NULL::text, ARRAY[134217727])"],
    'name[]': ["array_fill('x'::name, ARRAY[16000000])"],
    'uuid[]': [f"array_fill('{NORTH}'::uuid, ARRAY[67000000])"],
    'smallint[]': ["array_fill(1::smallint, ARRAY[134217727])"],
    'timestamp with time zone[]': ["array_fill('2024-01-01'::timestamptz, ARRAY[134217727])"],
}

# Refused by the server before the function is called.
NOT_TEXT = [r"convert_from('\xff', 'UTF8')", r"convert_from('\xeda080', 'UTF8')", r"convert_from('\x6100', 'UTF8')",
            r"E'\uD800'", "chr(0)"]

TIMES = ["'infinity'", "'-infinity'", "'4713-11-24 00:00:00 BC'", "'294276-12-31 23:59:59.999999'", "'epoch'", "'0001-01-01 BC'",
         "'2000-01-01'", "'9999-12-31 23:59:59.9999999'", "pg_catalog.now()", "'nonsense'"]

DEEP = "(repeat('[', 6000) || repeat(']', 6000))::jsonb"
DOCUMENTS = [
    "'null'", "'true'", "'0'", "'1e1000'", "'-1e-1000'", "'\"\"'", "'[]'", "'[null]'", "'{\"\": null}'", "'[[[]]]'",
    r"""'{"a": "\u0000"}'""", r"""'"\ud800"'""", "(repeat('[', 100000) || repeat(']', 100000))", DEEP,
    "to_jsonb(repeat('x', 1000000))", "jsonb_build_object(repeat('k', 65536), 1)", "(SELECT jsonb_agg(g) FROM generate_series(1, 10000) AS g)",
    """'{"kty": "oct"}'""", """'{"kty": "oct", "k": ""}'""", """'{"kty": "oct", "k": 1}'""", """'{"kty": "oct", "k": null}'""",
    """'{"kty": {"a": 1}}'""", """'{"kty": "RSA", "n": "AQAB", "e": "AQAB"}'""", """'{"kty": "RSA"}'""",
    "jsonb_build_object('kty', 'RSA', 'n', repeat('x', 100000), 'e', 'AQAB')", "jsonb_build_object('kty', 'RSA', 'n', repeat('_', 400), 'e', repeat('_', 400))",
    "jsonb_build_object('kty', 'oct', 'k', repeat('A', 43))", "jsonb_build_object('kty', 'oct', 'k', repeat('A', 100000))",
    "jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519', 'x', repeat('A', 43))",
    "jsonb_build_object('kty', 'EC', 'crv', 'P-256', 'x', repeat('A', 43), 'y', repeat('A', 43))",
    """'{"kty": "EC", "crv": "P-256"}'""", """'{"kty": "OKP", "crv": "X448", "x": "AA"}'""",
    """'{"casnet": "tenant", "version": 1, "tenant": {}}'""", """'{"casnet": "tenant", "version": 1e1000, "tenant": null}'""", """'{"table": "records", "row": null}'""",
    """'{"table": null, "row": {}}'""", """'{"table": ["records"], "row": {}}'""", """'{"table": "tenant", "row": {}}'""",
    """'{"table": "tasks", "row": {"status": null, "completed_at": []}}'""", """'[0, 1e30]'""", """'["x", "y"]'""", """'[5, 2]'""", """'[-1, 0]'""",
]

VALUES = {
    'text': TEXTS + HUGE_TEXTS + NOT_TEXT,
    'name': ["''", "'document'", "'a\"b'", "'no such'", "repeat('x', 100)", "chr(128512)", "repeat(chr(128512), 20)", "'ctid'"],
    'boolean': ["true", "false", "'maybe'"],
    'uuid': ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "gen_random_uuid()", f"'{SOUTH}'",
             f"'{MIA}'", f"'{RECORD}'", "'text'", "''", f"'{NORTH}x'"],
    'smallint': INTEGERS + ['32768', '-32769'],
    'integer': INTEGERS + ['2147483647', '-2147483648', '2147483648'],
    'bigint': INTEGERS + ['2147483647', '4194303', '4194304', '9223372036854775807', '-9223372036854775808', '9007199254740992', '9223372036854775808'],
    'oid': ['0', '1', '1259', '4294967295', '4294967296'],
    'regclass': ['0', '4294967295', "'pg_class'", "'casnet.users'", "'casnet.records'", "'casnet.records_pkey'", "'casnet.records_load'",
                 "'casnet_internal.audit_entries'", "'casnet.protected_tables'", "'pg_toast.pg_toast_1255'", "'public.input_documents'", "'input_view'", "'input_sequence'",
                 "'input_partitioned'", "'input_inherited'", "'input_odd'", "'input_domain'", "'input_foreign'", "'input_type'", "'no_such_table'", "''", "'a.b.c.d'"],
    'pg_node_tree': ["'{VAR}'", "''", "(SELECT relpartbound FROM pg_class WHERE relname = 'input_partition')",
                     "(SELECT ev_action FROM pg_rewrite ORDER BY length(ev_action) DESC LIMIT 1)", "(SELECT ev_qual FROM pg_rewrite LIMIT 1)",
                     "(SELECT prosqlbody FROM pg_proc WHERE prosqlbody IS NOT NULL LIMIT 1)", "(SELECT adbin FROM pg_attrdef LIMIT 1)"],
    'regconfig': ['0', '4294967295', "'english'", "'casnet.search'", "'no_such'"],
    'regnamespace': ['0', '4294967295', "'pg_catalog'", "'casnet'", "'casnet_internal'", "'pg_toast'", "'information_schema'", "'no_such'"],
    'tid': ["'(0,0)'", "'(4294967295,65535)'", "'(4294967294,1)'", "'(0,65535)'", "'(,)'"],
    'bytea': ["''", r"'\x00'", r"'\xff'", "convert_to(repeat('x', 64), 'UTF8')", "convert_to(repeat('x', 1000000), 'UTF8')"],
    'double precision': ['0', '-1', "'NaN'", "'Infinity'", "'-Infinity'", '1e300', '1e-300', "'-0'"],
    'regprocedure': ['0', '4294967295', "'pg_catalog.pg_sleep(double precision)'", "'casnet.login(text,text,uuid,interval)'"],
    'interval': ["'0'", "'-1 second'", "'0.5 seconds'", "'1 microsecond'", "'1 year'", "'366 days'", "'178000000 years'", "'-178000000 years'",
                 "make_interval(days => 2147483647)", "make_interval(months => 2147483647)", "make_interval(months => -2147483648, days => 2147483647, secs => 9e12)",
                 "'infinity'", "'-infinity'", "'nonsense'"],
    'timestamp with time zone': TIMES,
    'jsonb': DOCUMENTS,
    'tsvector': ["''", "'a:1A,2B,3C,4D'", "repeat('x', 2046)::tsvector", "repeat('x', 2047)::tsvector",
                 "(SELECT string_agg('w' || g, ' ') FROM generate_series(1, 10000) AS g)::tsvector", "'a'"],
    'tsquery': ["''", "'!a'", "'a:*'", "'!!!!(a | !b) <16384> c'", "(repeat('!', 30) || 'a')::tsquery",
                "(repeat('a & ', 20000) || 'a')::tsquery",
                "(repeat('a <-> ', 5000) || 'a')::tsquery", "(repeat('a <16384> ', 5000) || 'a')::tsquery"],
    'internal': ["''", "0::oid"],
}

ARRAY_ELEMENTS = {'text[]': ("'urgent'", "'late'"), 'name[]': ("'tenant_id'", "'id'"), 'smallint[]': ('1', '2'),
                  'timestamp with time zone[]': ("'2024-01-05'::timestamptz", "'infinity'::timestamptz"),
                  'uuid[]': (f"'{RECORD}'::uuid", f"'{SOUTH}'::uuid"),
                  'regclass[]': ("'casnet.records'::regclass", "'casnet.tags'::regclass")}


def array_values(array_type):
    """Arrays: empty, with NULLs, of two dimensions, with other bounds, and large."""
    first, second = ARRAY_ELEMENTS[array_type]
    element = array_type[:-2]
    cast = lambda text: f'({text})::{array_type}'
    values = [cast(text) for text in (
        "'{}'", f'ARRAY[NULL::{element}]', f'ARRAY[{first}, NULL, {second}]', f'ARRAY[[{first}, {second}], [{second}, {first}]]',
        f'ARRAY[{first}, {first}, {first}]', f"'[-2147483648:-2147483647]={{1,2}}'", f"'[5:6]={{1,2}}'", f'ARRAY[[[{first}]]]',
        f'ARRAY[ARRAY[NULL::{element}], ARRAY[{second}]]', f"array_fill({first}::{element}, ARRAY[10000])",
        f'array_fill(NULL::{element}, ARRAY[3], ARRAY[-1])', f"array_fill({first}::{element}, ARRAY[2, 3], ARRAY[2147483640, 7])")]
    if element in ('text', 'name'):
        values += [cast(f'ARRAY[{text}]') for text in TEXTS]
        values.append(cast("ARRAY(SELECT 'n' || g FROM generate_series(1, 20000) AS g)"))
    return values


def values_of(type_name):
    """Every value of a type but NULL, or None for a type that is not known here."""
    if type_name in ARRAY_ELEMENTS:
        return array_values(type_name)
    return VALUES.get(type_name)


def usual(type_name, name):
    """A sensible value for an argument, for a call that can succeed."""
    value = USUAL_BY_NAME.get(name)
    if value is None or (name in ('before', 'batches', 'members') and type_name != 'jsonb'):
        return USUAL_BY_TYPE[type_name]
    return value
