#!/usr/bin/env python3
"""Plans of casnet compared with those of the same queries by hand, node by node.

usage: shapes.py DATABASE [--broken]

Each workload is planned for a large and a small tenant: by custom plans, by generic ones,
and by what the server keeps after six executions.  A plan must have the nodes, indexes,
conditions and estimated rows of the query by hand, in which the tenant is a constant.  A
query keeps no call of tenant_with().  With --broken, only the number of differences
counts: there must be some.
"""
import json
import re
import sys

import psycopg2

import workloads

MODES = ['custom', 'generic', 'cached']
# What is compared of a node.  Costs differ even if nothing else does.
FIELDS = ['Node Type', 'Parent Relationship', 'Relation Name', 'Index Name', 'Scan Direction',
          'Join Type', 'Strategy', 'Operation', 'Subplan Name', 'Conflict Resolution',
          'Conflict Arbiter Indexes', 'Plan Rows', 'Plan Width', 'Sort Key', 'Group Key']
CONDITIONS = ['Index Cond', 'Recheck Cond', 'Filter', 'Join Filter', 'Hash Cond', 'Merge Cond',
              'One-Time Filter', 'Conflict Filter', 'Order By']


def plain(condition, tenant):
    """The condition with one name for the tenant and the tags, whichever form they have."""
    tags = {str(n): workloads.tag_id(tenant, n) for n in (3, 7)}
    condition = re.sub(r"casnet_internal\.tag_id\('tag (\d+)'::text\)", lambda m: "'%s'::uuid" % tags[m.group(1)],
                       condition)
    condition = condition.replace("'{%s,%s}'::uuid[]" % (tags['3'], tags['7']),
                                  "ARRAY['%s'::uuid, '%s'::uuid]" % (tags['3'], tags['7']))
    condition = condition.replace("'%s'::uuid" % workloads.tenant_id(tenant), 'TENANT')
    return re.sub(r"(tenant_id = )(\$\d+|casnet\.tenant_with\('[^']*'::text\))", r'\1TENANT', condition)


def shape(node, tenant, depth=0):
    """The lines of a plan: one for each node, with the fields that are compared."""
    fields = [field for field in FIELDS + CONDITIONS if field in node]
    # Below BitmapOr, the server repeats a condition with a stable function as a filter.
    if [child['Node Type'] for child in node.get('Plans', [])] == ['BitmapOr']:
        fields = [field for field in fields if field != 'Filter']
    parts = ['%s=%s' % (field, plain(str(node[field]), tenant)) for field in fields]
    lines = ['  ' * depth + ' '.join(parts)]
    for child in node.get('Plans', []):
        lines += shape(child, tenant, depth + 1)
    return lines


def calls(node):
    """The conditions of a plan that call a function for the tenant, in words."""
    found = ['%s of %s: %s' % (field, node['Node Type'], node[field])
             for field in ('Index Cond', 'Filter', 'Join Filter', 'One-Time Filter')
             if 'tenant_with' in str(node.get(field, ''))]
    for child in node.get('Plans', []):
        found += calls(child)
    return found


def connect(database, way, tenant):
    """A session of the role; of casnet, as the owner of the tenant."""
    connection = psycopg2.connect(dbname=database, user='plans_' + way)
    connection.autocommit = False
    cursor = connection.cursor()
    if way == 'casnet':
        cursor.execute('SET casnet.user_id = %s', (workloads.item_id(0, tenant),))
        cursor.execute('SET casnet.tenant_id = %s', (workloads.tenant_id(tenant),))
    connection.commit()
    return connection


def explain(connection, types, values, text, mode):
    """The plan that EXECUTE of the statement has in that mode; it is not kept."""
    cursor = connection.cursor()
    cursor.execute('SET LOCAL plan_cache_mode = %s',
                   ('auto' if mode == 'cached' else 'force_%s_plan' % mode,))
    cursor.execute('PREPARE q%s AS %s' % ('(%s)' % ', '.join(types) if types else '', text))
    arguments = '(%s)' % ', '.join(workloads.literals(types, values)) if types else ''
    if mode == 'cached':
        for _ in range(6):
            cursor.execute('EXECUTE q' + arguments)
    cursor.execute('EXPLAIN (FORMAT JSON) EXECUTE q' + arguments)
    plan = cursor.fetchone()[0]
    connection.rollback()
    cursor.execute('DEALLOCATE q')
    connection.commit()
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]['Plan']


def compare(name, template, types, values, tenant, mode, connections):
    """What is wrong with the plan of casnet, as lines; none if nothing is."""
    text = workloads.statements(template, 'casnet', tenant)[0]
    plan = explain(connections['casnet'], types, values, text, mode)
    found = shape(plan, tenant)
    due = [shape(explain(connections['hand'], types, values, form, mode), tenant)
           for form in workloads.statements(template, 'hand', tenant)]
    wrong = []
    if found not in due:
        wrong += ['is', *['  ' + line for line in found]]
        for form in due:
            wrong += ['is not', *['  ' + line for line in form]]
    if text.startswith('SELECT'):
        wrong += ['calls a function in ' + call for call in calls(plan)]
    if wrong:
        wrong = ['FAILED: %s, tenant %d, %s plan' % (name, tenant, mode), text, *wrong]
    return wrong


def main():
    """Compare everything; the status says whether all is as it must be."""
    database = sys.argv[1]
    broken = '--broken' in sys.argv[2:]
    good = bad = 0
    for tenant in (1, workloads.SMALL):
        connections = {way: connect(database, way, tenant) for way in ('casnet', 'hand')}
        for name, types, values, template in workloads.workloads(tenant):
            for mode in MODES:
                wrong = compare(name, template, types, values, tenant, mode, connections)
                good += not wrong
                bad += bool(wrong)
                if wrong and not broken:
                    print('\n'.join(wrong))
        for connection in connections.values():
            connection.close()
    print('%d plans as by hand, %d not' % (good, bad))
    return 0 if (bad > 0 if broken else bad == 0 and good > 0) else 1


if __name__ == '__main__':
    sys.exit(main())
