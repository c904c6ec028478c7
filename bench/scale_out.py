#!/usr/bin/python3
"""scale_out.py - casnet on Citus beside Citus without policies, through the coordinator.

usage: bench/scale_out.py [--seconds N] [--rounds N] [--tenants N] [--rows N]

Connects as a superuser to the database that PGHOST, PGPORT and PGDATABASE name, where
casnet.distribute() was called.  Makes tenants with records, and a copy of the records without policies in schema plain.  pgbench then runs
each statement for a tenant: on casnet.records without a condition on the tenant, as an
application role with a token, and on plain.records with the tenant as a constant.  The two
take turns.  Prints the median of the ratios of their rates; above 1, casnet is faster.
Removes what it made.
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


def prepare(cursor, tenants, rows):
    """Make the rows; return the id of a record and a token."""
    cursor.execute("SELECT casnet_internal.is_distributed()")
    if not cursor.fetchone()[0]:
        raise SystemExit('the database is not distributed; see --help')
    cursor.execute('CREATE ROLE bench_app LOGIN; GRANT casnet_user TO bench_app')
    cursor.execute('INSERT INTO casnet.users (id, username, email) VALUES (%s, %s, %s)', (USER, 'bench', 'bench@bench.test'))
    cursor.execute("INSERT INTO casnet.tenants (id, name) SELECT gen_random_uuid(), 'bench ' || i FROM generate_series(2, %s) AS i",
                   (tenants,))
    cursor.execute('INSERT INTO casnet.tenants (id, name) VALUES (%s, %s)', (TENANT, 'bench 1'))
    cursor.execute("INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%s, %s, 'owner')", (USER, TENANT))
    cursor.execute("SELECT id FROM casnet.tenants WHERE name LIKE 'bench %'")
    for (tenant,) in cursor.fetchall():
        cursor.execute("INSERT INTO casnet.records (tenant_id, title, content) "
                       "SELECT %s, 'Record ' || i, repeat('some words of a case ', 20) FROM generate_series(1, %s) AS i",
                       (tenant, rows))
    cursor.execute('CREATE SCHEMA plain; CREATE TABLE plain.records (LIKE casnet.records INCLUDING ALL)')
    cursor.execute("SELECT create_distributed_table('plain.records', 'tenant_id', colocate_with => 'casnet.records')")
    cursor.execute('INSERT INTO plain.records (id, tenant_id, title, content, created_at, updated_at) '
                   'SELECT id, tenant_id, title, content, created_at, updated_at FROM casnet.records')
    cursor.execute('GRANT USAGE ON SCHEMA plain TO bench_app; GRANT ALL ON plain.records TO bench_app')
    cursor.execute('VACUUM ANALYZE casnet.records')
    cursor.execute('VACUUM ANALYZE plain.records')
    cursor.execute('SELECT id FROM casnet.records WHERE tenant_id = %s ORDER BY created_at, id LIMIT 1', (TENANT,))
    record = cursor.fetchone()[0]
    cursor.execute("SELECT casnet_internal.issue_token(%s, %s, '8 hours')", (USER, TENANT))
    return record, cursor.fetchone()[0]


def remove(cursor):
    """Remove the rows and the role."""
    cursor.execute('DROP SCHEMA IF EXISTS plain CASCADE')
    cursor.execute("DELETE FROM casnet.tenants WHERE name LIKE 'bench %'")
    cursor.execute('DELETE FROM casnet.users WHERE id = %s', (USER,))
    cursor.execute('DROP ROLE IF EXISTS bench_app')


def rate(script, mode, seconds, options):
    """Transactions per second of one client."""
    environment = dict(os.environ, PGUSER='bench_app', PGOPTIONS=options)
    result = subprocess.run(['pgbench', '-n', '-M', mode, '-T', str(seconds), '-f', script],
                            env=environment, capture_output=True, text=True)
    found = re.search(r'tps = ([0-9.]+)', result.stdout)
    if result.returncode != 0 or not found:
        raise SystemExit(f'pgbench failed: {result.stderr}')
    return float(found.group(1))


def main():
    """Parse the arguments, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--tenants', type=int, default=50)
    parser.add_argument('--rows', type=int, default=2000)
    options = parser.parse_args()
    connection = psycopg2.connect(user=os.environ.get('PGUSER', 'postgres'))
    connection.autocommit = True
    cursor = connection.cursor()
    try:
        record, token = prepare(cursor, options.tenants, options.rows)
        print(f'{options.tenants} tenants with {options.rows} records each; medians of {options.rounds} ratios')
        print(f'{"statement":30} {"simple":>8} {"prepared":>9}')
        for name, statement in STATEMENTS.items():
            scripts = {}
            for way, table, condition in (('casnet', 'casnet.records', ''),
                                          ('plain', 'plain.records', f" AND tenant_id = '{TENANT}'")):
                with tempfile.NamedTemporaryFile('w', suffix='.sql', delete=False) as file:
                    file.write(statement.format(table, id=record, and_tenant=condition, tenant=TENANT) + '\n')
                scripts[way] = file.name
            medians = []
            for mode in ('simple', 'prepared'):
                ratios = []
                for _ in range(options.rounds):
                    casnet = rate(scripts['casnet'], mode, options.seconds, f'-c casnet.token={token}')
                    plain = rate(scripts['plain'], mode, options.seconds, '')
                    ratios.append(casnet / plain)
                medians.append(statistics.median(ratios))
            print(f'{name:30} {medians[0]:8.2f} {medians[1]:9.2f}', flush=True)
            for file in scripts.values():
                os.unlink(file)
    finally:
        remove(cursor)


if __name__ == '__main__':
    main()
