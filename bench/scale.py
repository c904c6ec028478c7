#!/usr/bin/python3 -B
"""scale.py - how 100,000 tenants and 10 TB spread over the workers of a Citus cluster.

A calculation, not a measurement.  Tenants have sizes of a lognormal distribution.  Citus
puts a tenant into the shard of the hash of its id, which is as good as random, and shards
on workers in turn.  Prints the table of docs/scale-out.md.

usage: bench/scale.py [TENANTS [TERABYTES]]
"""
import random
import sys

TABLES = 8               # tables of tenants and the audit, colocated: so many shards of each number
SIGMA = 2.0              # the largest hundredth of tenants has more than a third of all rows
MEMBERS = 20             # members of a tenant
DECIDING = 600           # bytes of a member in tables that decide, with indexes
GB = 1e9


def spread(tenants, total, shards, workers, dice):
    """The bytes of the largest shard group, of each worker, and of the largest tenant."""
    sizes = [dice.lognormvariate(0, SIGMA) for _ in range(tenants)]
    factor = total / sum(sizes)
    groups = [0.0] * shards
    for size in sizes:
        groups[dice.randrange(shards)] += size * factor
    nodes = [sum(groups[n::workers]) for n in range(workers)]
    return max(groups), nodes, max(sizes) * factor


def main():
    if '--help' in sys.argv[1:]:
        sys.exit(__doc__)
    tenants = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    total = (float(sys.argv[2]) if len(sys.argv) > 2 else 10) * 1e12
    print('%d tenants, %.0f TB; %.1f GB of tables that decide, on each node' % (
        tenants, total / 1e12, tenants * MEMBERS * DECIDING / GB))
    print('| workers | shards | mean worker | largest worker | mean group | largest group | largest tenant | tables on a worker |')
    print('|---|---|---|---|---|---|---|---|')
    for workers, shards in ((4, 64), (8, 128), (16, 256), (32, 512)):
        group, nodes, tenant = spread(tenants, total, shards, workers, random.Random(1))
        print('| %d | %d | %.0f GB | %.0f GB | %.0f GB | %.0f GB | %.0f GB | %d |' % (
            workers, shards, total / workers / GB, max(nodes) / GB, total / shards / GB, group / GB, tenant / GB,
            TABLES * shards // workers + 6))


main()
