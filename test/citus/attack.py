#!/usr/bin/python3 -B
"""attack.py - the attacks of test/attack through the coordinator, and on each worker.

Through the coordinator, each attempt ends as on one server, or Citus or casnet refuses it by
name.  On a worker no session of an application has an identity, so nothing may be seen or
changed there: not in the tables, and not in the shards by their names.

scripts/citus.sh runs this on a fresh database that has casnet, with the PG* variables of the
coordinator and the ports of the workers in CASNET_WORKERS.  Four kinds of session attack;
with CASNET_LONG=1, all kinds do, for a quarter of an hour.
"""
import argparse
import collections
import copy
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'attack'))

import attack as suite
import commands
import elsewhere
import fixture
import forged
import functions
import matrix as m
from nodes import SHARDS, WORKERS, ask, connect

DATABASE = os.environ['PGDATABASE']
LONG = os.environ.get('CASNET_LONG') == '1'
ROLE = 'attack_app'
SPREAD = ['persons', 'records', 'tags', 'record_persons', 'record_tags', 'tasks', 'calendar_events',
          'audit_on_nodes']
# Tables of an application cannot be protected while Citus distributes the tables.
m.ENTRIES[:] = [e for e in m.ENTRIES if not e.name.startswith('attack_notes')] + [
    m.Entry('audit_on_nodes', 'internal', schema='casnet_internal')]
forged.PARTS[:] = []
m.NARROW.discard('view_attack_notes')
# What is otherwise there: no table is protected, and a new tenant takes another transaction.
functions.CALLS['casnet_internal.is_distributed()'][0].value = lambda actor: True
functions.CALLS['casnet_internal.check_documents(regclass,name,jsonb)'].clear()
functions.CALLS['create_tenant(text,text,uuid)'].pop()

# How Citus says that it does not do something, besides 0A000.
REFUSALS = re.compile(
    r'^XX000 cannot execute a distributed query from a query on a shard'
    r'|^XX000 non-IMMUTABLE functions are not yet supported in MERGE'
    r'|^XX000 MERGE INTO an distributed table from Postgres table is not yet supported'
    r'|^XX000 operation is not allowed on this node'
    r'|^XX000 cannot modify ... because it is a shard of a distributed table'
    r'|^XX000 failure on connection marked as essential'            # TRUNCATE on a worker
    r'|^(42501|08006) .*permission denied for function assign_distributed_transaction_id'
    r'|^42704 unrecognized configuration parameter'                 # one's own settings stay on the coordinator
    r'|^22023 tid .* is not valid'                                  # of a table whose rows are in shards
    # The judge sees no rows that a function has written as another role.
    r'|^25001 cannot perform query on placements that were modified')
# No end of an attempt, whatever was due.
NEVER = ('XX', '57', '58', '08', '53', '40', '25P02')

# The rows of one group of shards, which a function on their worker sees within a transaction.
PEEK = ['''
CREATE TABLE attack_judge.groups (tenant_id uuid PRIMARY KEY)''', '''
SELECT create_distributed_table('attack_judge.groups', 'tenant_id', colocate_with => 'casnet.records')''', '''
CREATE FUNCTION attack_judge.rows_of(shards text[], OUT key text, OUT hash text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE shard text; grouped text;
    BEGIN
        FOREACH shard IN ARRAY shards LOOP
            CONTINUE WHEN to_regclass(shard) IS NULL;
            grouped := (SELECT coalesce(min('t.' || attname), '0') FROM pg_attribute
                         WHERE attrelid = to_regclass(shard) AND attname = 'tenant_id');
            RETURN QUERY EXECUTE format('SELECT %L || %s, md5(string_agg(t::text, chr(10) ORDER BY t::text))'
                ' FROM %s AS t GROUP BY 1', regexp_replace(split_part(shard, '.', 2), '_\\d+$', '') || '/', grouped, shard);
        END LOOP;
    END$$''', '''
CREATE FUNCTION attack_judge.peek(tenant uuid, OUT key text, OUT hash text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        RETURN QUERY SELECT r.* FROM attack_judge.rows_of(ARRAY(
            SELECT p.logicalrelid::text || '_' || get_shard_id_for_distribution_column(p.logicalrelid, tenant)
              FROM pg_dist_partition AS p WHERE p.partmethod = 'h'
               AND p.logicalrelid <> 'attack_judge.groups'::regclass)) AS r;
    END$$''', '''
CREATE FUNCTION attack_judge.here(OUT key text, OUT hash text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        RETURN QUERY SELECT r.* FROM attack_judge.rows_of(ARRAY(
            SELECT logicalrelid::text || '_' || shardid FROM pg_dist_shard
             WHERE logicalrelid <> 'attack_judge.groups'::regclass)) AS r;
    END$$''', '''
GRANT SELECT ON attack_judge.groups TO attack_app''', '''
GRANT USAGE ON SCHEMA attack_judge TO attack_app''']


def distribute(cursor):
    """Distribute the tables, and make the judge: one function here and one on workers."""
    cursor.execute('SELECT casnet.distribute(%s)', (SHARDS,))
    fixture.make_judge(cursor, without=SPREAD)
    for statement in PEEK:
        cursor.execute(statement)
    cursor.execute("SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = 'casnet.records'::regclass")
    wanted, found = cursor.fetchone()[0], set()
    while len(found) < wanted:
        cursor.execute('SELECT x, get_shard_id_for_distribution_column(%s, x) FROM (SELECT gen_random_uuid() AS x) AS y',
                       ('attack_judge.groups',))
        anchor, shard = cursor.fetchone()
        if shard not in found:
            found.add(shard)
            cursor.execute('INSERT INTO attack_judge.groups VALUES (%s)', (anchor,))


def kind_of(outcome):
    """The code and message of an error, without names and numbers."""
    first = outcome.error.split('\n')[0]
    return '%s %s' % (outcome.sqlstate, re.sub(r'"[^"]*"|\d+', '...', first)[:300])


class Session(suite.Session):
    """A session whose answers do not tell shards and nodes apart."""

    def attempt(self, *arguments, **more):
        """Run the statements in a transaction that is rolled back."""
        outcome = super().attempt(*arguments, **more)
        outcome.text = [re.sub(r'_\d{6,}\b|127\.0\.0\.1:\d+', '', text) for text in outcome.text]
        return outcome


suite.Session = Session


class ThroughCoordinator(suite.Campaign):
    """As on one server, but that Citus can refuse a statement."""

    judged = ['SELECT * FROM attack_judge.state()',
              'SELECT p.key, p.hash FROM attack_judge.groups AS g, attack_judge.peek(g.tenant_id) AS p']

    def __init__(self, *arguments, **more):
        fixture.JUDGED = self.judged
        super().__init__(*arguments, **more)
        self.refused = collections.Counter()
        self.examples = {}

    def judge_attempt(self, place, command, actor, statements, outcome, due, trouble='', **more):
        """A refusal by name is fine, and so is another refusal than the one that was due."""
        dues = (due,) if isinstance(due, str) else due
        state, message = outcome.sqlstate, kind_of(outcome)
        refused = state == '0A000' or REFUSALS.match(message)
        other = state != '00000' and '00000' not in dues and not state.startswith(NEVER)
        if state not in dues and (refused or other):
            what = message if refused else '%s in the place of %s' % (state, ' or '.join(dues))
            self.refused[what] += 1
            self.examples.setdefault(what, '%s, as %s: %s' % (command, actor.name, statements[-1]))
            due = state
            if refused and 'differ' not in trouble:
                trouble = ''
        super().judge_attempt(place, command, actor, statements, outcome, due, trouble, **more)


class OnWorker(ThroughCoordinator):
    """Nobody has an identity there, so nothing may be seen or changed."""

    judged = ['SELECT * FROM attack_judge.here()']

    def __init__(self, port, options):
        super().__init__(DATABASE, ROLE, options, port=port)
        self.judge.execute("SET citus.show_shards_for_app_name_prefixes = '*'")

    def allowed(self, actor):
        """The id of the active tenant, which is the session's own setting."""
        return {m.tenant_id(actor.tenant)} if actor.tenant else set()

    def judge_attempt(self, place, command, actor, statements, outcome, due, trouble='', may_change=False,
                      extra=(), expected=()):
        """Any refusal by name will do."""
        if not outcome.sqlstate.startswith(NEVER) or REFUSALS.match(kind_of(outcome)):
            due = outcome.sqlstate
        # Of a statement with a table that is not there, the message shows a part with an id.
        trouble = trouble if 'differ' in trouble and outcome.sqlstate != '42P01' else ''
        suite.Campaign.judge_attempt(self, place, command, actor, statements, outcome, due, trouble)

    def relations(self):
        """An entry for each relation there, and for each shard the one of its table."""
        known = {e.table: e for e in m.ENTRIES}
        self.judge.execute('''SELECT c.oid::regclass::text, n.nspname, c.relname FROM pg_class AS c
              JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname IN ('casnet', 'casnet_internal') ORDER BY 1''')
        for table, schema, name in self.judge.fetchall():
            shell = known.get('%s.%s' % (schema, re.sub(r'_\d{6,}$', '', name)))
            if shell is None:
                shell = m.Entry(name, 'internal', schema=schema)
            entry = copy.copy(shell)
            entry.table = '%s.%s' % (schema, name)
            yield entry

    def run(self):
        """All commands on all relations, and all functions."""
        for entry in self.relations():
            self.attack_here(entry)
        functions.attack(self)
        for session in self.sessions.values():
            session.close()
        self.note('relation', 'left as it was', None, self.state() == self.before, '',
                  'the attacks changed rows for good')
        self.admin.close()

    def attack_here(self, entry):
        """All commands on a relation of this node."""
        self.prepare(entry)
        for actor in self.actors():
            session, words = self.session(actor), self.words(entry, actor)
            for command in commands.commands(entry):
                if command.kind == commands.PAIR or not self.takes_part(entry, command, actor):
                    continue
                statements = [self.filled(s, words) for s in command.statements]
                given = self.filled(command.copy, words) if command.copy else None
                outcome = session.attempt(statements, None, given, judge=command.kind == commands.WRITE)
                self.judge_attempt(entry.table.split('.')[1], command.name, actor, statements, outcome, '42501')


def note_missing(campaign):
    """functions.attack() asks that all functions be known; on a worker some are not granted."""
    campaign.failures[:] = [f for f in campaign.failures if 'casnet_user cannot call it' not in f]


# Each opens one hole for a while: title, where it is found, how it is opened and closed.
HOLES = [
    ('a policy USING (true)', 'records', 'ALTER POLICY casnet_select ON casnet.records USING (true)', None),
    ('row security switched off', 'tasks', 'ALTER TABLE casnet.tasks DISABLE ROW LEVEL SECURITY',
     'ALTER TABLE casnet.tasks ENABLE ROW LEVEL SECURITY'),
    ('a grant on a hidden table', 'signing_keys', 'GRANT SELECT ON casnet_internal.signing_keys TO casnet_user',
     'REVOKE SELECT ON casnet_internal.signing_keys FROM casnet_user'),
    ('a policy that lets write', 'tags', 'CREATE POLICY more ON casnet.tags FOR INSERT WITH CHECK (true)', 'DROP POLICY more ON casnet.tags'),
    ('a function that is new', 'functions', 'GRANT EXECUTE ON FUNCTION casnet_internal.can_in(uuid, text) TO casnet_user',
     'REVOKE EXECUTE ON FUNCTION casnet_internal.can_in(uuid, text) FROM casnet_user'),
]


def self_test(options):
    """Open holes; return those that no attack noticed."""
    missed = []
    admin = connect()
    for title, place, opened, closed in HOLES:
        if closed is None:
            closed = 'ALTER POLICY casnet_select ON casnet.records USING (%s)' % ask(
                admin, "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'casnet_select'"
                " AND polrelid = 'casnet.records'::regclass")[0][0]
        with admin.cursor() as cursor:
            cursor.execute(opened)
            try:
                less = argparse.Namespace(**dict(vars(options), table=[place], role=['owner', 'intruder'],
                                                 until_noticed=True))
                if place == 'functions':
                    less.command = ['can_in']
                campaign = ThroughCoordinator(DATABASE, ROLE, less)
                campaign.run()
            finally:
                cursor.execute(closed)
        print('self-test: %s: %d attacks noticed' % (title, len(campaign.failures)), flush=True)
        if not campaign.failures:
            missed.append(title)
    admin.close()
    # On one worker alone, in one shard.
    admin = connect(port=WORKERS[0])
    shard = ask(admin, "SELECT p.logicalrelid::text || '_' || s.shardid FROM pg_dist_partition AS p JOIN pg_dist_shard AS s"
                       " USING (logicalrelid) WHERE logicalrelid = 'casnet.users'::regclass")[0][0]
    with admin.cursor() as cursor:
        cursor.execute('SET citus.enable_manual_changes_to_shards = on')
        cursor.execute('ALTER TABLE %s DISABLE ROW LEVEL SECURITY' % shard)
        try:
            campaign = OnWorker(WORKERS[0], options)
            for entry in campaign.relations():
                if entry.table == shard:
                    campaign.attack_here(entry)
        finally:
            cursor.execute('ALTER TABLE %s ENABLE ROW LEVEL SECURITY' % shard)
    print('self-test: row security of a shard switched off: %d attacks noticed' % len(campaign.failures), flush=True)
    for session in campaign.sessions.values():
        session.close()
    admin.close()
    return missed + ([] if campaign.failures else ['a shard'])


# What several sessions do.  The others need what a library that is loaded later does.
SCENARIOS = (elsewhere.reset, elsewhere.hold_cursor, elsewhere.notifications, elsewhere.row_locks,
             elsewhere.unique_locks)


def through_coordinator(options):
    """All attacks through the coordinator."""
    campaign = ThroughCoordinator(DATABASE, ROLE, options)
    for scenario in SCENARIOS:
        scenario(campaign)
    campaign.run()
    return campaign


def main():
    """Build, attack, report."""
    started = time.time()
    with connect() as admin, admin.cursor() as cursor:
        cursor.execute('CREATE ROLE %s LOGIN' % ROLE)
    connection = fixture.connect(DATABASE, options='-c client_min_messages=warning')
    fixture.prepare(connection, DATABASE, ROLE, filled=distribute)
    connection.close()
    print('built in %.0f seconds' % (time.time() - started), flush=True)
    # A name begins with nothing: all commands, without the scenarios of elsewhere.py.
    options = argparse.Namespace(quick=True, long=False, table=None, command=[''], verbose=False,
                                 until_noticed=False, failures=40,
                                 role=[a.name for a in m.ACTORS] if LONG else None)
    missed = self_test(options)
    print('self-test until %.0f seconds' % (time.time() - started), flush=True)
    campaigns = [('through the coordinator', through_coordinator(options))]
    for port in WORKERS:
        print('attacks on the next node from %.0f seconds' % (time.time() - started), flush=True)
        here = OnWorker(port, options)
        here.run()
        note_missing(here)
        campaigns.append(('on the worker at %d' % port, here))
    passed = failed = 0
    for title, campaign in campaigns:
        print('%s: %d attempts' % (title, campaign.done))
        campaign.report()
        for what, number in campaign.refused.most_common():
            print('  %6d refused: %s' % (number, what))
            if os.environ.get('CASNET_EXAMPLES'):
                print('         ' + campaign.examples[what])
        passed += campaign.done - len(campaign.failures)
        failed += len(campaign.failures)
    for what in missed:
        print('FAILED self-test: %s was not noticed' % what)
    print('%.0f seconds' % (time.time() - started))
    print('%d passed, %d failed' % (passed, failed + len(missed)))
    return 1 if failed + len(missed) else 0


if __name__ == '__main__':
    sys.exit(main())
