#!/usr/bin/python3
"""scale_out.py - casnet on Citus beside Citus without policies, through the coordinator.

usage: bench/scale_out.py [--seconds N] [--rounds N] [--tenants N] [--rows N]
                          [--sessions N --single PORT]

Connects as a superuser to the database that PGHOST, PGPORT and PGDATABASE name, where
casnet.distribute() was called.  Makes tenants with records, and a copy of the records
without policies in schema plain.  pgbench then runs each statement for a tenant: on
casnet.records without a condition on the tenant, as an application role with a token, and
on plain.records with the tenant as a constant.  The two take turns.  Prints the median of
the ratios of their rates; above 1, casnet is faster.  Removes what it made.

--sessions runs so many sessions at once, each in a tenant of its own.  Prints the ratio of
the sums of their rates, and that of the cluster to one server: the database of the same
name at the port that --single gives, which has casnet and is not distributed.
"""
import argparse
import os
import re
import statistics
import subprocess
import tempfile

import psycopg2

TENANT = '00000000-0000-7000-8000-00000000be01'
USER = '00000000-0000-7000-8000-00000000be02'

# name: a statement, with %s for the table and for " AND tenant_id = ..." or nothing
STATEMENTS = {
    'point': "SELECT title FROM {0} WHERE id = '{id}'{and_tenant};",
    'page of 20': 'SELECT id, title FROM {0} WHERE true{and_tenant} ORDER BY created_at DESC, id DESC LIMIT 20;',
    'count': 'SELECT count(*) FROM {0} WHERE true{and_tenant};',
    'insert': "INSERT INTO {0} (id, tenant_id, title) VALUES (gen_random_uuid(), '{tenant}', 'x');",
    'update': "UPDATE {0} SET title = 'y' WHERE id = '{id}'{and_tenant};",
    'ten points in a transaction': 'BEGIN;\n' + "SELECT title FROM {0} WHERE id = '{id}'{and_tenant};\n" * 10 + 'COMMIT;',
}


def make_rows(cursor, tenants, rows, own):
    """Make tenants with records.  Returns for each of the user's own a tenant, a record and a token."""
    cursor.execute('CREATE ROLE bench_app LOGIN; GRANT casnet_user TO bench_app')
    cursor.execute('INSERT INTO casnet.users (id, username, email) VALUES (%s, %s, %s)', (USER, 'bench', 'bench@bench.test'))
    cursor.execute("INSERT INTO casnet.tenants (id, name) SELECT gen_random_uuid(), 'bench ' || i FROM generate_series(2, %s) AS i",
                   (tenants,))
    cursor.execute('INSERT INTO casnet.tenants (id, name) VALUES (%s, %s)', (TENANT, 'bench 1'))
    cursor.execute("SELECT id FROM casnet.tenants WHERE name LIKE 'bench %%' ORDER BY id <> %s", (TENANT,))
    ids = [row[0] for row in cursor.fetchall()]
    for tenant in ids:
        cursor.execute("INSERT INTO casnet.records (tenant_id, title, content) "
                       "SELECT %s, 'Record ' || i, repeat('some words of a case ', 20) FROM generate_series(1, %s) AS i",
                       (tenant, rows))
    cursor.execute('VACUUM ANALYZE casnet.records')
    result = []
    for tenant in ids[:own]:
        cursor.execute("INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, 'owner')", (USER, tenant))
        cursor.execute('SELECT id FROM casnet.records WHERE tenant_id = %s ORDER BY created_at, id LIMIT 1', (tenant,))
        record = cursor.fetchone()[0]
        cursor.execute("SELECT casnet_internal.issue_token(%s, %s, '8 hours')", (USER, tenant))
        result.append((tenant, record, cursor.fetchone()[0]))
    return result


def make_plain(cursor):
    """Make the copy of the records that no policy protects."""
    cursor.execute('CREATE SCHEMA plain; CREATE TABLE plain.records (LIKE casnet.records INCLUDING ALL)')
    cursor.execute("SELECT create_distributed_table('plain.records', 'tenant_id', colocate_with => 'casnet.records')")
    cursor.execute('INSERT INTO plain.records (id, tenant_id, title, content, created_at, updated_at) '
                   'SELECT id, tenant_id, title, content, created_at, updated_at FROM casnet.records')
    cursor.execute('GRANT USAGE ON SCHEMA plain TO bench_app; GRANT ALL ON plain.records TO bench_app')
    cursor.execute('VACUUM ANALYZE plain.records')


def remove(cursor):
    """Remove the rows and the role."""
    cursor.execute('DROP SCHEMA IF EXISTS plain CASCADE')
    cursor.execute("DELETE FROM casnet.tenants WHERE name LIKE 'bench %'")
    cursor.execute('DELETE FROM casnet.users WHERE id = %s', (USER,))
    cursor.execute('DROP ROLE IF EXISTS bench_app')


def script_of(statement, table, record, tenant, names_tenant):
    """A file with the statement for pgbench."""
    with tempfile.NamedTemporaryFile('w', suffix='.sql', delete=False) as file:
        file.write(statement.format(table, id=record, tenant=tenant,
                                    and_tenant=f" AND tenant_id = '{tenant}'" if names_tenant else '') + '\n')
    return file.name


def rate(sessions, mode, seconds, port=None):
    """The sum of transactions per second of sessions that run at once; each is a script and a token."""
    running = []
    for script, token in sessions:
        environment = dict(os.environ, PGUSER='bench_app', PGOPTIONS=f'-c casnet.token={token}' if token else '')
        if port:
            environment['PGPORT'] = port
        running.append(subprocess.Popen(['pgbench', '-n', '-M', mode, '-T', str(seconds), '-f', script],
                                        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    total = 0
    for process in running:
        output, errors = process.communicate()
        found = re.search(r'tps = ([0-9.]+)', output)
        if process.returncode != 0 or not found:
            raise SystemExit(f'pgbench failed: {errors}')
        total += float(found.group(1))
    return total


def compare(ways, rounds, seconds):
    """For both protocols, the medians of the ratios of the first way's rate to those of the others."""
    medians = []
    for mode in ('simple', 'prepared'):
        rates = [[rate(sessions, mode, seconds, port) for sessions, port in ways] for _ in range(rounds)]
        medians += [statistics.median(each[0] / each[other] for each in rates) for other in range(1, len(ways))]
    return medians


def measure(cursor, single, options):
    """Make the rows, measure, print a table."""
    cursor.execute('SELECT casnet_internal.is_distributed()')
    if not cursor.fetchone()[0]:
        raise SystemExit('the database is not distributed; see --help')
    places = [(make_rows(cursor, options.tenants, options.rows, options.sessions), None)]
    make_plain(cursor)
    if single:
        places.append((make_rows(single, options.tenants, options.rows, options.sessions), options.single))
    print(f'{options.tenants} tenants with {options.rows} records each, {options.sessions} sessions; '
          f'medians of {options.rounds} ratios: to no policies{", to one server" if single else ""}')
    columns = [f'{mode}{place}' for mode in ('simple', 'prepared') for place in ('', ', one')[:len(places)]]
    print(f'{"statement":30}' + ''.join(f'{column:>15}' for column in columns))
    for name, statement in STATEMENTS.items():
        plain = [(script_of(statement, 'plain.records', record, tenant, True), '') for tenant, record, _ in places[0][0]]
        ways = [([(script_of(statement, 'casnet.records', record, tenant, False), token) for tenant, record, token in place], port)
                for place, port in places]
        ways.insert(1, (plain, None))
        print(f'{name:30}' + ''.join(f'{ratio:15.2f}' for ratio in compare(ways, options.rounds, options.seconds)), flush=True)
        for sessions, _ in ways:
            for script, _ in sessions:
                os.unlink(script)


def cursor_of(**options):
    """A cursor of a superuser's connection."""
    connection = psycopg2.connect(user=os.environ.get('PGUSER', 'postgres'), **options)
    connection.autocommit = True
    return connection.cursor()


def main():
    """Parse the arguments, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--tenants', type=int, default=50)
    parser.add_argument('--rows', type=int, default=2000)
    parser.add_argument('--sessions', type=int, default=1)
    parser.add_argument('--single')
    options = parser.parse_args()
    cursor = cursor_of()
    single = cursor_of(port=options.single) if options.single else None
    try:
        measure(cursor, single, options)
    finally:
        remove(cursor)
        if single:
            remove(single)


if __name__ == '__main__':
    main()
