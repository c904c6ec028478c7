#!/usr/bin/python3
"""Measures what bench/peers.sh loaded; that script runs it, on its server.

For each workload and tenant, it fails unless every way gives the same rows, and saves
the plans.  Then it measures all ways with pgbench in rounds.  casnet and the limit run
side by side, one being stopped while the other runs for some milliseconds; the others
run after them.  Results are written after each workload, so --resume continues a run
that was stopped.
"""
import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time

import psycopg2

import sides

# Ways: the role, where its tables are, and how the query names the tenant: not at
# all, as a constant, or as a parameter.
WAYS = {
    "casnet": ("bench_casnet", "casnet.", None),
    "limit": ("bench_hand", "casnet.", "constant"),
    "where": ("bench_hand", "casnet.", "parameter"),
    "setting": ("bench_setting", "plain.", None),
    "subselect": ("bench_subselect", "plain.", None),
    "in": ("bench_in", "plain.", None),
    "in_where": ("bench_in", "plain.", "parameter"),
    "set": ("bench_set", "plain.", None),
    "set_where": ("bench_set", "plain.", "parameter"),
    "any": ("bench_any", "plain.", None),
    "row": ("bench_row", "plain.", None),
    "row_where": ("bench_row", "plain.", "parameter"),
    "schema": ("bench_schema", "", None),
}
NAMES = {
    "casnet": "casnet",
    "limit": "limit",
    "where": "WHERE by the application",
    "setting": "current_setting",
    "subselect": "(SELECT current_setting)",
    "in": "IN (SELECT memberships)",
    "in_where": "IN (SELECT memberships) + WHERE",
    "set": "IN (SELECT function)",
    "set_where": "IN (SELECT function) + WHERE",
    "any": "ANY (ARRAY(SELECT function))",
    "row": "function for each row",
    "row_where": "function for each row + WHERE",
    "schema": "schema per tenant",
}
PROBES = 8
LIVE = ("in", "in_where", "set", "set_where", "any", "row", "row_where")

READS = ("point", "page", "deep", "count", "tags_all", "tags_any", "tags_none",
         "search", "tasks", "events", "join")
PLANNING = ("point_generic", "page_generic", "join_generic",
            "point_planned", "page_planned", "join_planned")
WRITES = ("insert", "insert_task", "link_1000", "update", "delete", "upsert", "insert_1000")
SESSIONS = ("trusted", "token", "trusted_pgbouncer", "token_pgbouncer")
SECTIONS = {"reads": READS, "planning": PLANNING, "writes": WRITES, "session": SESSIONS,
            "parallel": ("parallel",), "connect": ("connect",), "mixed": ("mixed",)}
TITLES = {
    "point": "one record by id", "page": "newest 20 records", "deep": "a page in the middle",
    "count": "count", "tags_all": "all of two tags", "tags_any": "any of two tags",
    "tags_none": "none of two tags", "search": "full-text search", "tasks": "tasks due",
    "events": "events of a month", "join": "join of three tables",
    "point_generic": "one record, generic plan", "page_generic": "newest 20, generic plan",
    "join_generic": "join, generic plan", "point_planned": "one record, planned each time",
    "page_planned": "newest 20, planned each time", "join_planned": "join, planned each time",
    "insert": "insert a record", "insert_task": "insert a task",
    "insert_1000": "insert 1,000 records", "link_1000": "tag 1,000 records",
    "update": "update a record", "delete": "delete a record", "upsert": "upsert a tag",
    "trusted": "user and tenant, one record", "token": "token and tenant, one record",
    "trusted_pgbouncer": "user and tenant, one record, PgBouncer",
    "token_pgbouncer": "token and tenant, one record, PgBouncer",
    "parallel": "parallel aggregate", "connect": "connect, and one record",
    "mixed": "mixed, 32 clients",
}
IDS = 10                # records that point reads take in turn
WRITTEN = 20000         # records, spread over a tenant, that writes draw from
SLOW = 0.5              # seconds: a longer statement is executed only a few times
MIXED_CLIENTS = 32


class Bench:
    """The options, and what every function needs."""

    def __init__(self, options):
        self.options = options
        self.rounds = options.rounds
        self.ways = chosen_ways(options.ways)
        self.postmaster = int(open(os.path.join(options.data, "postmaster.pid")).readline())
        self.entries = []
        self.superuser = connect_as("postgres", "")
        self.superuser.autocommit = True
        self.large = 1
        self.small = self.ask("SELECT count(*) / 2 FROM bench.size")
        self.token = {n: self.ask("SELECT casnet_internal.issue_token(%s, %s, '1 day')",
                                  (item(0, n), tenant_id(n))) for n in (self.large, self.small)}
        self.size = {n: self.ask("SELECT records FROM bench.size WHERE n = %s", (n,))
                     for n in (self.large, self.small)}
        if options.rounds < 1:
            fail("there is nothing to do in no rounds")

    def ask(self, query, values=()):
        """One value, read by the superuser."""
        cursor = self.superuser.cursor()
        cursor.execute(query, values)
        return cursor.fetchone()[0]

    def do(self, *statements):
        """Run statements as the superuser."""
        cursor = self.superuser.cursor()
        for statement in statements:
            cursor.execute(statement)


def chosen_ways(text):
    """The ways that are measured: all, or casnet, the limit and those that are named."""
    named = [word for word in text.split(",") if word]
    for word in named:
        if word not in WAYS:
            fail("there is no way %s" % word)
    return [way for way in WAYS if not named or way in named or way in ("casnet", "limit")]


def fail(text):
    """Print what is wrong, and exit."""
    sys.exit("error: " + text)


def say(text):
    """One line of progress."""
    print(text, flush=True)


def tenant_id(n):
    """The tenant of that rank, see load.sql."""
    return "00000000-0000-7000-8000-%012x" % n


def item(n, i):
    """The i-th row of a kind of a tenant, see load.sql."""
    return "0189%04x-%04x-7000-8000-%012x" % (n >> 16, n & 65535, i)


def connect_as(role, settings):
    """A connection of a role with the settings of PGOPTIONS."""
    return psycopg2.connect(dbname=os.environ["BENCH_DATABASE"], user=role, options=settings)


def settings_of(way, n):
    """What the session of a way sets once, in the form of PGOPTIONS."""
    role, tables, _ = WAYS[way]
    if way == "casnet":
        pairs = {"casnet.user_id": item(0, n), "casnet.tenant_id": tenant_id(n)}
    elif role == "bench_hand":
        pairs = {}
    elif tables == "":
        pairs = {"search_path": "tenant_%d" % n}
    elif way in LIVE:
        pairs = {"app.user_id": item(0, n)}
    else:
        pairs = {"app.tenant_id": tenant_id(n)}
    return " ".join("-c %s=%s" % pair for pair in pairs.items())


# ---------------------------------------------------------------- statements

class Words:
    """The parts in which the statements of two ways differ."""

    def __init__(self, way, n, plain=False):
        self.way = way
        self.n = n
        _, self.tables, self.names = WAYS[way]
        # The limit of writes has no composite keys and no triggers.
        if plain and way in ("limit", "where"):
            self.tables = "plain."
        self.tenant = ":tenant" if self.names == "parameter" else "'%s'" % tenant_id(n)

    def where(self, *conditions, alias=""):
        """WHERE with these conditions, and with the tenant where the query names it."""
        conditions = [c for c in conditions if c]
        if self.names:
            conditions.insert(0, "%stenant_id = %s" % (alias, self.tenant))
        return " WHERE " + " AND ".join(conditions) if conditions else ""

    def link(self, a, b):
        """The tenant's part of a join, for keys that include the tenant."""
        return "%s.tenant_id = %s.tenant_id AND " % (a, b) if self.tables == "casnet." else ""

    def tag(self, name):
        """The id of a tag: the limit knows it, the others look it up."""
        number = 21 if name == "rare" else int(name.split()[1])
        if self.way == "limit":
            return "'%s'" % item(self.n, 16777216 + number)
        return "(SELECT t.id FROM %stags AS t%s)" % (
            self.tables, self.where("t.name = '%s'" % name, alias="t."))

    def linked(self, *tags):
        """EXISTS (a link of r with one of these tags)."""
        link = "%sl.record_id = r.id" % self.link("l", "r")
        if len(tags) == 1:
            one = "l.tag_id = %s" % self.tag(tags[0])
        elif self.way == "limit":
            one = "l.tag_id IN (%s)" % ", ".join(self.tag(t) for t in tags)
        else:
            names = ", ".join("'%s'" % t for t in tags)
            one = "l.tag_id = ANY (ARRAY(SELECT t.id FROM %stags AS t%s))" % (
                self.tables, self.where("t.name IN (%s)" % names, alias="t."))
        return "EXISTS (SELECT FROM %srecord_tags AS l%s)" % (
            self.tables, self.where(link, one, alias="l."))

    def into(self, table, columns):
        """INSERT INTO, with the tenant's column where the statement must give it."""
        if self.tables == "plain.":
            columns = "tenant_id, " + columns
        return "INSERT INTO %s%s (%s)" % (self.tables, table, columns)

    def values(self, values):
        """The values for that INSERT."""
        if self.tables == "plain.":
            values = ("%s, " % self.tenant if self.names else ":tenant, ") + values
        return values


NEWEST = " ORDER BY created_at DESC, id DESC LIMIT 20"


def read(workload, way, n, plain=False):
    """The query of a workload; with plain, the limit reads the tables that it writes."""
    w = Words(way, n, plain)
    records = w.tables + "records"
    if workload == "point":
        return "SELECT id, title, content, created_at FROM %s%s" % (records, w.where("id = :id"))
    if workload == "page":
        return "SELECT id, title, created_at FROM %s%s%s" % (records, w.where(), NEWEST)
    if workload == "deep":
        return "SELECT id, title, created_at FROM %s%s%s" % (
            records, w.where("(created_at, id) < (:at, :id)"), NEWEST)
    if workload == "count":
        return "SELECT count(*) FROM %s%s" % (records, w.where())
    if workload.startswith("tags_"):
        mode = workload[5:]
        tags = {"all": ("tag 3", "rare"), "any": ("tag 1", "tag 2"),
                "none": ("tag 1", "tag 2")}[mode]
        if way == "casnet":
            conditions = ["id IN (SELECT casnet.records_tagged(%s_of => ARRAY[%s]))" % (
                mode, ", ".join("'%s'" % t for t in tags))]
        elif mode == "all":
            conditions = [w.linked(tag) for tag in tags]
        elif mode == "any":
            conditions = [w.linked(*tags)]
        else:
            conditions = ["NOT " + w.linked(*tags)]
        return "SELECT id, title, created_at FROM %s AS r%s%s" % (
            records, w.where(*conditions, alias="r."), NEWEST)
    if workload == "search":
        if w.tables == "casnet.":
            match = "search_vector OPERATOR(casnet.@~) casnet.search_query('word1900')"
        else:
            match = "search_vector @@ websearch_to_tsquery('plain.search', 'word1900')"
        return "SELECT id, title, created_at FROM %s%s%s" % (records, w.where(match), NEWEST)
    if workload == "tasks":
        return "SELECT id, title, due_date FROM %stasks%s ORDER BY due_date, id LIMIT 20" % (
            w.tables, w.where("status = 'PENDING'", "due_date < '2024-01-01'"))
    if workload == "events":
        return ("SELECT id, title, starts_at FROM %scalendar_events%s ORDER BY starts_at, id" % (
            w.tables, w.where("starts_at >= '2023-03-01'", "starts_at < '2023-04-01'")))
    if workload == "join":
        return ("SELECT r.id, r.title, r.created_at FROM %s AS r "
                "JOIN %srecord_tags AS l ON %sl.record_id = r.id "
                "JOIN %stags AS t ON %st.id = l.tag_id%s "
                "ORDER BY r.created_at DESC, r.id DESC LIMIT 20" % (
                    records, w.tables, w.link("l", "r"), w.tables, w.link("t", "l"),
                    w.where("t.name = 'tag 3'", alias="r.")))
    if workload == "parallel":
        return ("SELECT count(*), sum(length(content)), max(created_at) FROM %s%s" % (
            records, w.where("title NOT LIKE '%7 of%'")))
    raise KeyError(workload)


TEXT = "'Visited at home, spoke to both parents. Seen: word12, word345.'"


def spread(bench, n):
    """(step, count - 1) of the numbers of the records that writes draw from."""
    count = min(bench.size[n], WRITTEN)
    return bench.size[n] // count, count - 1


def any_record(n):
    """The id of a record of the tenant, by a number that pgbench draws."""
    return "('%s' || lpad(to_hex(:random::int), 12, '0'))::uuid" % item(n, 0)[:24]


def write(workload, way, n):
    """The statement of a workload that writes, and whether it is rolled back."""
    w = Words(way, n, True)
    if workload == "insert":
        return w.into("records", "title, content") + " VALUES (%s)" % w.values(
            "'New case', " + TEXT), False
    if workload == "insert_task":
        return w.into("tasks", "title, status, due_date, record_id, assignee_id") + (
            " VALUES (%s)" % w.values("'New task', 'PENDING', now(), %s, :user" % any_record(n))), False
    if workload == "insert_1000":
        return w.into("records", "title, content") + " SELECT %s FROM generate_series(1, 1000) AS i" % (
            w.values("'New case ' || i, " + TEXT)), False
    if workload == "link_1000":
        return w.into("record_tags", "record_id, tag_id") + (
            " SELECT %s FROM (SELECT id FROM %srecords%s ORDER BY %s LIMIT 1000) AS r "
            "ON CONFLICT DO NOTHING" % (
                w.values("r.id, '%s'" % item(n, 16777216 + 21)), w.tables, w.where(),
                "created_at, id")), True
    if workload == "update":
        return "UPDATE %srecords SET title = 'Changed'%s" % (
            w.tables, w.where("id = " + any_record(n))), False
    if workload == "delete":
        return "DELETE FROM %srecords%s" % (
            w.tables, w.where("id = " + any_record(n))), True
    if workload == "upsert":
        return w.into("tags", "name") + (
            " VALUES (%s) ON CONFLICT (%sname) DO UPDATE SET updated_at = now()" % (
                w.values("'tag 7'"), "tenant_id, " if w.tables else "")), False
    raise KeyError(workload)


def variables(bench, way, n, number):
    """The values of the statements' parameters, for one of IDS."""
    ident = item(n, 1 + (number * 7919 + 13) * 5 % bench.size[n])
    at = bench.ask("SELECT created_at FROM casnet.records WHERE tenant_id = %s AND id = %s",
                   (tenant_id(n), item(n, max(1, bench.size[n] // 2))))
    return {"tenant": tenant_id(n), "user": item(0, n), "id": ident,
            "at": at.strftime("%Y-%m-%dT%H:%M:%S.%f+00"), "token": bench.token[n],
            "way": way, "random": "17"}


VARIABLE = re.compile(r"(?<!:):([a-z_]+)")


def prepared(statement, values):
    """The statement with $1..., and the literals in their order."""
    names = []

    def number(match):
        if match.group(1) not in names:
            names.append(match.group(1))
        return "$%d" % (names.index(match.group(1)) + 1)

    text = VARIABLE.sub(number, statement)
    return text, ["'%s'" % values[name] for name in names]


# ---------------------------------------------------------------- equal rows

def execute_call(statement, values):
    """PREPARE of a statement, and its EXECUTE."""
    text, literals = prepared(statement, values)
    call = "EXECUTE q" + ("(%s)" % ", ".join(literals) if literals else "")
    return "PREPARE q AS " + text, call


def repetitions():
    """As many turns as fit into a tenth of a second, at least one and at most 30."""
    start = time.monotonic()
    for number in range(30):
        yield number
        if time.monotonic() - start > 0.1:
            return


def typical(times, timeout):
    """The time of an execution: the first ones have other plans, or cold pages."""
    return statistics.median(times[len(times) // 2:]) if times else timeout


def try_read(bench, way, n, statement, more, timeout):
    """(rows, seconds, plan) of a query; rows is None if it took too long."""
    connection = connect_as(WAYS[way][0], settings_of(way, n) + more)
    cursor = connection.cursor()
    cursor.execute("SET statement_timeout = '%dms'; SET TIME ZONE 'UTC'" % (timeout * 1000))
    prepare, call = execute_call(statement, variables(bench, way, n, 0))
    cursor.execute(prepare)
    connection.commit()
    rows, times = None, []
    try:
        for _ in repetitions():
            start = time.monotonic()
            cursor.execute(call)
            rows = cursor.fetchall()
            times.append(time.monotonic() - start)
    except psycopg2.errors.QueryCanceled:
        connection.rollback()
    cursor.execute("EXPLAIN " + call)
    plan = "\n".join(row[0] for row in cursor.fetchall())
    connection.close()
    return rows, typical(times, timeout), plan


def try_write(bench, way, n, statement, timeout):
    """(number of rows, seconds, plan) of a statement that is rolled back."""
    connection = connect_as(WAYS[way][0], settings_of(way, n))
    cursor = connection.cursor()
    cursor.execute("SET statement_timeout = '%dms'" % (timeout * 1000))
    prepare, call = execute_call(statement, variables(bench, way, n, 0))
    cursor.execute(prepare)
    connection.commit()
    count, times = None, []
    try:
        for _ in repetitions():
            start = time.monotonic()
            cursor.execute(call)
            times.append(time.monotonic() - start)
            count = cursor.rowcount
            connection.rollback()
    except psycopg2.errors.QueryCanceled:
        connection.rollback()
    cursor.execute("EXPLAIN " + call)
    plan = "\n".join(row[0] for row in cursor.fetchall())
    connection.close()
    return count, typical(times, timeout), plan


def compare(workload, tenant, results):
    """Fail unless every result that is complete equals the limit's."""
    wanted = results["limit"][0]
    if wanted is None:
        fail("%s, %s tenant: the limit itself takes too long" % (workload, tenant))
    for way, (found, _, _) in results.items():
        if found is not None and found != wanted:
            fail("%s, %s tenant: %s and the limit differ: %.300s and %.300s" % (
                workload, tenant, way, found, wanted))
    if wanted in ([], 0):
        say("%s, %s tenant: nothing is found, by any way" % (workload, tenant))


# ---------------------------------------------------------------- measuring

def start_pgbench(bench, place, role, settings, scripts, values, *arguments):
    """A process of pgbench; scripts are texts with weights, place names its files."""
    command = ["taskset", "-c", str(bench.options.processor),
               os.path.join(bench.options.bindir, "pgbench"), "-n"]
    for i, (script, weight) in enumerate(scripts):
        path = os.path.join(bench.options.work, "%s%d.sql" % (place, i))
        with open(path, "w") as file:
            file.write(script)
        command += ["-f", "%s@%d" % (path, weight)]
    for name, value in values.items():
        command += ["-D", "%s=%s" % (name, value)]
    command += list(arguments) + ["-U", role, os.environ["BENCH_DATABASE"]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=dict(os.environ, PGOPTIONS=settings))


def end_pgbench(process):
    """Transactions per second of a run; fails if anything in it failed."""
    output, errors = process.communicate()
    found = re.search(r"^tps = ([0-9.]+)", output, re.M)
    failed = re.search(r"failed transactions: ([1-9]\d*)", output)
    if process.returncode or not found or failed:
        fail("pgbench failed: %s" % (errors.strip() or output)[-500:])
    return float(found.group(1))


def pgbench(bench, *arguments):
    """Transactions per second of one run."""
    return end_pgbench(start_pgbench(bench, "script", *arguments))


def both_sides(bench, calls, slowest, whole):
    """tps of two runs side by side, [one, two], and their ratio; see measure()."""
    found = sides.side_by_side(
        lambda i, options: start_pgbench(bench, "side%d_" % i, *calls[i], *options), end_pgbench,
        bench.options.work, 2, bench.options.seconds,
        max((5 if whole else 1) * sides.SLICE, 20 * slowest), max(0.002, 1.5 * slowest))
    tps = [sides.total(counted) for counted in found]
    if not all(tps):
        fail("nothing came to an end in a slice")
    ratios = [(a / s) / (b / t) for (a, s), (b, t) in zip(*found) if a and b]
    return tps, tps[0] / tps[1] if whole else statistics.median(ratios)


def scripts_of(bench, way, n, statement, take_back=False):
    """One script for each record; they run in turn."""
    names = set(VARIABLE.findall(statement))
    number = IDS if "id" in names else 1
    values, scripts = {}, []
    for i in range(number):
        given = variables(bench, way, n, i)
        text = re.sub(r"(?<!:):id\b", ":id%d" % i, statement)
        for name in names - {"id", "random"}:
            values[name] = given[name]
        if "id" in names:
            values["id%d" % i] = given["id"]
        text += ";\n"
        if take_back:
            text = "BEGIN;\n" + text + "ROLLBACK;\n"
        if "random" in names:
            text = "\\set random 1 + %d * random(0, %d)\n" % spread(bench, n) + text
        scripts.append((text, 1))
    return scripts, values


def turns(bench, ways, seconds_of):
    """Which peers run in which round: the slow ones run in few."""
    few = sorted({0, bench.rounds // 2, bench.rounds - 1})
    for number in range(bench.rounds):
        chosen = [way for way in ways if number in few
                  and (number == 0 or seconds_of[way] <= 4 * SLOW)]
        yield chosen if number % 2 == 0 else chosen[::-1]


def settled(bench, seconds, call):
    """The time of an execution, after those in which plans are made and pages are read.

    After five executions the plan can be another one, and a thousand times slower.
    """
    count = PROBES
    while seconds * count < bench.options.peer_seconds / 4 and count < 10000:
        seconds = 1 / pgbench(bench, *call, "-t", str(count))
        count *= 5
    return seconds


def measure(bench, ways, seconds_of, call, length_of=None, whole=False):
    """tps of each way, and its ratios to the limit in each round.

    call(way) is what pgbench takes.  casnet and the limit run side by side.  Their ratio in
    a round is that of the median pair of slices.  With whole it is that of all slices
    together, where some transactions are more expensive than others.
    """
    found = {way: [] for way in ways}
    ratios = {way: [] for way in ways}
    peers = [way for way in ways if way not in ("casnet", "limit")]
    calls = {way: call(way) for way in ways}
    for way in peers:
        if length_of is None:
            seconds_of[way] = settled(bench, seconds_of[way], calls[way])
    slowest = max(seconds_of["casnet"], seconds_of["limit"])
    for chosen in turns(bench, peers, seconds_of):
        tps, ratio = both_sides(bench, (calls["casnet"], calls["limit"]), slowest, whole)
        for way, value, share in (("casnet", tps[0], ratio), ("limit", tps[1], 1.0)):
            found[way].append(value)
            ratios[way].append(share)
        for way in chosen:
            length = length_of or ("-t", str(max(1, int(
                bench.options.peer_seconds / max(seconds_of[way], 1e-5)))))
            found[way].append(pgbench(bench, *calls[way], *length))
            ratios[way].append(found[way][-1] / tps[1])
    return found, ratios


def summary(values, digits=5):
    """[median, lowest, highest]."""
    return [float("%.*g" % (digits, v))
            for v in (statistics.median(values), min(values), max(values))]


def keep(bench, workload, tenant, found, ratios, late, plans, seconds_of):
    """Remember the measurements of one workload, and write them."""
    ways = {}
    for way, values in found.items():
        ways[way] = {"tps": summary(values), "ratio": summary(ratios[way]),
                     "rounds": [float("%.5g" % v) for v in values]}
    for way in late:
        bound = 1 / seconds_of[way]
        ways[way] = {"slower_than": float("%.3g" % bound),
                     "ratio_below": float("%.3g" % (bound / ways["limit"]["tps"][0]))}
    bench.entries = [e for e in bench.entries
                     if (e["workload"], e["tenant"]) != (workload, tenant)]
    bench.entries.append({"workload": workload, "tenant": tenant, "rounds": bench.rounds,
                          "seconds": bench.options.seconds, "ways": ways})
    if plans:
        os.makedirs(bench.options.plans, exist_ok=True)
        with open(os.path.join(bench.options.plans, "%s-%s.txt" % (workload, tenant)), "w") as file:
            for way, (statement, plan) in plans.items():
                file.write("%s: %s\n\n%s\n\n" % (way, statement, "\n".join(
                    "    " + line for line in plan.split("\n"))))
    save(bench)
    show(workload, tenant, ways)


def show(workload, tenant, ways):
    """One line for each way."""
    for way, got in ways.items():
        if "tps" in got:
            say("%-18s %-6s %-10s %12.2f tps  %.4g (%.4g to %.4g)" % (
                workload, tenant, way, got["tps"][0], *got["ratio"]))
        else:
            say("%-18s %-6s %-10s slower than %s tps" % (
                workload, tenant, way, got["slower_than"]))


def measure_reads(bench, workload, tenant, n, ways, planning=""):
    """One workload that reads: equal rows, plans, rounds."""
    more = {"_generic": " -c plan_cache_mode=force_generic_plan",
            "_planned": " -c plan_cache_mode=force_custom_plan"}.get(planning, "")
    if workload == "parallel":
        more = " -c max_parallel_workers_per_gather=2"
    statements = {way: read(workload, way, n) for way in ways}
    results = {way: try_read(bench, way, n, statements[way], more, bench.options.timeout)
               for way in ways}
    compare(workload, tenant, results)
    seconds_of = {way: result[1] for way, result in results.items()}
    late = [way for way in ways if results[way][0] is None]

    def call(way):
        scripts, values = scripts_of(bench, way, n, statements[way])
        protocol = "extended" if planning == "_planned" else "prepared"
        return WAYS[way][0], settings_of(way, n) + more, scripts, values, "-M", protocol

    found, ratios = measure(bench, [w for w in ways if w not in late], seconds_of, call)
    keep(bench, workload + planning, tenant, found, ratios, late,
         {way: (statements[way], results[way][2]) for way in ways}, seconds_of)


def written_schemas(bench, n):
    """The schemas in which writes of that tenant end; not every tenant has its own."""
    return [schema for schema in ("casnet", "plain", "tenant_%d" % n)
            if bench.ask("SELECT to_regnamespace(%s) IS NOT NULL", (schema,))]


def warm(bench, n):
    """Read what writes of that tenant touch: at ten times the size, memory holds no more."""
    bench.do("CREATE EXTENSION IF NOT EXISTS pg_prewarm",
             "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off")
    for schema in written_schemas(bench, n):
        bench.do("SELECT count(r.content), count(l.created_at), count(t.title), count(e.title)"
                 " FROM (SELECT ('%s' || lpad(to_hex(1 + %d * i), 12, '0'))::uuid AS id"
                 "         FROM generate_series(0, %d) AS i) AS drawn" % (
                     item(n, 0)[:24], *spread(bench, n)) +
                 " JOIN {0}.records AS r ON r.id = drawn.id AND r.tenant_id = '{1}'"
                 " LEFT JOIN {0}.record_tags AS l ON l.record_id = r.id AND l.tenant_id = '{1}'"
                 " LEFT JOIN {0}.tasks AS t ON t.record_id = r.id AND t.tenant_id = '{1}'"
                 " LEFT JOIN {0}.calendar_events AS e ON e.record_id = r.id"
                 " AND e.tenant_id = '{1}'".format(schema, tenant_id(n)),
                 "SELECT pg_prewarm(indexrelid) FROM pg_index JOIN pg_class ON oid = indexrelid"
                 " WHERE indrelid = '%s.records'::regclass"
                 " AND relam = (SELECT oid FROM pg_am WHERE amname = 'gin')" % schema)
    bench.do("RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin")


def count_all(bench, n):
    """How many rows the written tables have."""
    return {name: bench.ask("SELECT count(*) FROM " + name)
            for table in ("records", "tags", "record_tags", "tasks", "calendar_events")
            for name in ("%s.%s" % (schema, table) for schema in written_schemas(bench, n))}


def tidy(bench, n):
    """Delete what writes left: new rows have ids above those of load.sql."""
    bench.do("SET session_replication_role = replica")
    for schema in written_schemas(bench, n):
        for table in ("tasks", "records"):
            bench.do("DELETE FROM %s.%s WHERE id > '018a0000-0000-0000-0000-000000000000'" % (
                schema, table))
        bench.do("UPDATE %s.records SET title = 'Case ' || ('x' || right(id::text, 12))::bit(48)::bigint"
                 " || ' of tenant %d' WHERE title = 'Changed'" % (schema, n))
        for table in ("tasks", "records", "tags", "record_tags"):
            bench.do("VACUUM (ANALYZE) %s.%s" % (schema, table))
    bench.do("RESET session_replication_role", "DROP TABLE IF EXISTS bench.peers_dirty",
             "CHECKPOINT")


def measure_writes(bench, workload, n, ways):
    """One workload that writes: equal numbers of rows, plans, rounds; then tidy up."""
    before = count_all(bench, n)
    warm(bench, n)
    bench.do("CREATE TABLE IF NOT EXISTS bench.peers_dirty ()")
    statements = {way: write(workload, way, n)[0] for way in ways}
    take_back = write(workload, "limit", n)[1]
    results = {way: try_write(bench, way, n, statements[way], bench.options.timeout)
               for way in ways}
    compare(workload, "large", results)
    seconds_of = {way: result[1] for way, result in results.items()}
    late = [way for way in ways if results[way][0] is None]

    def call(way):
        scripts, values = scripts_of(bench, way, n, statements[way], take_back)
        return WAYS[way][0], settings_of(way, n), scripts, values, "-M", "prepared"

    found, ratios = measure(bench, [w for w in ways if w not in late], seconds_of, call,
                            whole=True)
    tidy(bench, n)
    after = count_all(bench, n)
    if before != after:
        fail("%s left rows behind: %s, and before %s" % (workload, after, before))
    keep(bench, workload, "large", found, ratios, late,
         {way: (statements[way], results[way][2]) for way in ways}, seconds_of)


# ---------------------------------------------------------------- sessions

def open_session(workload, way, n):
    """BEGIN, the identity, one record, COMMIT: as (role, script)."""
    role, tables, _ = WAYS[way]
    one = read("point", way, n)
    local = "SELECT set_config('%s', %s, true);\n"
    if way == "casnet" and workload.startswith("token"):
        role = "bench_token"
        settings = local % ("casnet.token", ":token") + local % ("casnet.tenant_id", ":tenant")
    elif way == "casnet":
        settings = local % ("casnet.user_id", ":user") + local % ("casnet.tenant_id", ":tenant")
    elif way == "limit":
        first = ":token" if workload.startswith("token") else ":user"
        settings = local % ("my.first", first) + local % ("my.second", ":tenant")
    elif tables == "":
        settings = local % ("search_path", ":path")
    elif way in LIVE:
        settings = local % ("app.user_id", ":user")
    else:
        settings = local % ("app.tenant_id", ":tenant")
    return role, "BEGIN;\n" + settings + one + ";\nCOMMIT;\n"


def start_pgbouncer(bench):
    """A transaction pooler in front of the server; (process, folder)."""
    folder = os.path.join(bench.options.work, "pgbouncer")
    os.makedirs(folder, exist_ok=True)
    roles = sorted({role for role, _, _ in WAYS.values()} | {"bench_token"})
    with open(os.path.join(folder, "users.txt"), "w") as file:
        file.write("".join('"%s" ""\n' % role for role in roles))
    with open(os.path.join(folder, "pgbouncer.ini"), "w") as file:
        file.write("[databases]\n* = host=%s port=%s\n[pgbouncer]\n"
                   "listen_addr =\nlisten_port = 6432\nunix_socket_dir = %s\n"
                   "auth_type = trust\nauth_file = %s/users.txt\npool_mode = transaction\n"
                   "default_pool_size = 4\nlogfile = %s/log\n" % (
                       os.environ["PGHOST"], os.environ["PGPORT"], folder, folder, folder))
    options = {}
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "postgres", folder], check=True)
        options = {"user": "postgres", "group": "postgres", "extra_groups": []}
    process = subprocess.Popen(
        ["taskset", "-c", str(bench.options.processor), "pgbouncer", "-q",
         os.path.join(folder, "pgbouncer.ini")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    for _ in range(50):
        if os.path.exists(os.path.join(folder, ".s.PGSQL.6432")):
            return process, folder
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    fail("pgbouncer did not start; see %s/log" % folder)


def measure_sessions(bench, workload, n):
    """A session opened in each transaction, directly or through PgBouncer."""
    ways = ["casnet", "limit"]
    if workload.startswith("trusted"):
        ways += [way for way in ("setting", "subselect", "in", "set", "any", "row", "schema")
                 if way in bench.ways]
    pooled = workload.endswith("_pgbouncer")
    process, folder = start_pgbouncer(bench) if pooled else (None, None)
    place = ("-h", folder, "-p", "6432") if pooled else ()

    def call(way):
        role, script = open_session(workload, way, n)
        scripts, values = [], {}
        names = set(VARIABLE.findall(script))
        for i in range(IDS):
            given = dict(variables(bench, way, n, i), path="tenant_%d" % n)
            scripts.append((script.replace(":id", ":id%d" % i), 1))
            values["id%d" % i] = given["id"]
            values.update((name, given[name]) for name in names if name != "id")
        # a prepared statement belongs to one connection of the pooler
        return role, "", scripts, values, "-M", "extended" if pooled else "prepared", *place

    try:
        seconds_of = dict.fromkeys(ways, 0.0005)
        for way in ways[2:]:
            seconds_of[way] = try_read(bench, way, n, read("point", way, n), "",
                                       bench.options.timeout)[1]
        found, ratios = measure(bench, ways, seconds_of, call)
    finally:
        if process:
            process.terminate()
            process.wait(10)
    keep(bench, workload, "small", found, ratios, [], None, seconds_of)


def measure_connect(bench, n):
    """A connection for each transaction, and its first query."""
    ways = [way for way in bench.ways if not way.endswith("_where")]

    def call(way):
        scripts, values = scripts_of(bench, way, n, read("point", way, n))
        return WAYS[way][0], settings_of(way, n), scripts, values, "-C", "-M", "prepared"

    # In a short slice there may be no two connections, of which a time could be taken.
    found, ratios = measure(bench, ways, dict.fromkeys(ways, 0.02), call, ("-T", "1"), whole=True)
    keep(bench, "connect", "small", found, ratios, [], None, {})


def mixed(bench, way, n):
    """The scripts of the mixed workload with weights, and the variables."""
    mixture = [("point", 40), ("page", 15), ("tasks", 10), ("join", 5), ("search", 5),
               ("insert", 10), ("update", 10), ("upsert", 5)]
    scripts, values = [], {}
    for workload, weight in mixture:
        statement = (read(workload, way, n, True) if workload in READS else
                     write(workload, way, n)[0])
        texts, given = scripts_of(bench, way, n, statement)
        scripts.append((texts[0][0], weight))
        values.update(given)
    return scripts, values


def measure_mixed(bench, n):
    """Reads and writes by 32 concurrent clients."""
    ways = bench.ways
    seconds_of, late = {}, []
    for way in ways:
        seconds_of[way] = max(try_read(bench, way, n, read(w, way, n, True), "",
                                       bench.options.timeout)[1]
                              for w in ("page", "tasks", "join", "search"))
        if seconds_of[way] > SLOW / 5:
            late.append(way)

    def call(way):
        scripts, values = mixed(bench, way, n)
        return (WAYS[way][0], settings_of(way, n), scripts, values, "-M", "prepared",
                "-c", str(MIXED_CLIENTS), "-j", "2")

    if late:
        say("mixed: not measured, because a query of it takes too long: " + ", ".join(late))
    if "casnet" in late or "limit" in late:
        return
    bench.do("CREATE TABLE IF NOT EXISTS bench.peers_dirty ()")
    found, ratios = measure(bench, [w for w in ways if w not in late],
                            dict.fromkeys(ways, 0.02), call, ("-T", "1"), whole=True)
    tidy(bench, n)
    keep(bench, "mixed", "large" if n == 1 else "small", found, ratios, [], None, {})


def measure_parallel(bench, n):
    """The aggregate with two workers, on all processors."""
    if (os.cpu_count() or 1) < 2:
        say("parallel: left out on one processor")
        return
    pinned = os.sched_getaffinity(bench.postmaster)
    os.sched_setaffinity(bench.postmaster, range(os.cpu_count()))
    try:
        measure_reads(bench, "parallel", "large", n, bench.ways)
    finally:
        os.sched_setaffinity(bench.postmaster, pinned)


# ---------------------------------------------------------------- results

ONE_READ = ("1.0 is the same query by a role that no policy holds for, with the tenant as a "
            "constant.")
ONE_WRITE = ("1.0 is the same statement on a table with foreign keys of one column, no "
             "triggers and no policy, with the tenant as a constant.")
ONE_SESSION = ("1.0 sets two settings that mean nothing, and names the tenant as a constant; "
               "a connection of its own sets none.")
RANGE = " Median and range of the rounds."


def ratio_point(label, got):
    """A way's ratio to the limit as a point of a chart."""
    if "ratio" in got:
        return [label] + got["ratio"]
    return [label, got["ratio_below"], None, None, "<"]


def chart(bench, name, title, rows, ways, axis="log", caption=ONE_READ + RANGE, reference=1):
    """A chart of ratios to the limit; rows are (workload, tenant, label)."""
    entries = {(e["workload"], e["tenant"]): e["ways"] for e in bench.entries}
    series = []
    for way in ways:
        points = [ratio_point(label, entries[(workload, tenant)][way])
                  for workload, tenant, label in rows
                  if way in entries.get((workload, tenant), {})]
        if points:
            series.append({"name": NAMES[way], "points": points})
    return {"name": name, "title": title, "unit": "transactions per second over the limit's",
            "axis": axis, "caption": caption, "reference": reference, "x": "workload",
            "series": series}


def wide_table(bench, name, title, rows, ways, caption=ONE_READ):
    """A table of medians only: a line for each way, a column for each workload."""
    across = chart(bench, name, title, rows, ways, caption=caption + " Medians.")
    series = []
    for _, _, label in rows:
        points = []
        for line in across["series"]:
            points += [[line["name"]] + point[1:] for point in line["points"]
                       if point[0] == label]
        if points:
            series.append({"name": label, "points": points})
    return dict(across, series=series, x="way", picture=False, ranges=False)


def rows(workloads, *tenants):
    """(workload, tenant, label) for each of both; the label names the tenant if there are several."""
    return [(w, t, TITLES[w] + (", " + t if len(tenants) > 1 else ""))
            for w in workloads for t in tenants]


def own_charts(bench, suffix):
    """Of casnet beside the limit; the root README shows those of the usual size."""
    both = ("large", "small")

    def own(name, title, of, goal, caption):
        return dict(chart(bench, name + suffix, title, of, ["casnet"], "linear",
                          "%s The goal is %.2f.%s" % (caption, goal, RANGE), [[1, ""], [goal, "%.2f" % goal]]),
                    picture=suffix == "")

    return [own("casnet-reads", "casnet's reads over the limit", rows(READS, *both), 0.97, ONE_READ),
            own("casnet-plans", "Generic plans, and plans made each time, over the limit",
                rows(PLANNING, *both), 0.95, ONE_READ),
            own("casnet-writes", "casnet's writes over the limit", rows(WRITES, "large"), 0.95, ONE_WRITE),
            own("casnet-sessions", "A session opened in each transaction",
                rows(SESSIONS, "small"), 0.95, ONE_SESSION),
            own("casnet-others", "A new connection, 32 clients, and a parallel aggregate, over the limit",
                rows(("connect",), "small") + rows(("mixed",), *both) + rows(("parallel",), "large"),
                0.90, ONE_READ)]


def peer_charts(bench):
    """Of casnet and the other ways beside the limit."""
    peers = [way for way in WAYS if way != "limit"]
    tenants = ("large", "small")
    found = []

    for tenant in tenants:
        where = "in the %s tenant, over the limit" % tenant
        found.append(chart(bench, "peers-" + tenant, "Reads " + where,
                           rows(("point", "page", "count"), tenant), peers))
        found.append(wide_table(bench, "peers-reads-" + tenant, "All reads " + where,
                                rows(READS, tenant), peers))
    found.append(wide_table(bench, "peers-planning",
                            "Generic plans, and plans made each time, over the limit",
                            rows(PLANNING, *tenants), peers))
    found.append(wide_table(bench, "peers-writes", "Writes in the large tenant, over the limit",
                            rows(WRITES, "large"), peers, ONE_WRITE))
    found.append(wide_table(bench, "peers-sessions",
                            "A session opened in each transaction, over the limit",
                            rows(SESSIONS + ("connect",), "small"), peers, ONE_SESSION))
    found.append(wide_table(bench, "peers-others",
                            "32 clients, and a parallel aggregate, over the limit",
                            rows(("mixed",), *tenants) + rows(("parallel",), "large"), peers))
    return found


def charts(bench):
    """Every chart that the measurements so far allow; the name of the file ends in the scale."""
    name = bench.options.name
    found = peer_charts(bench) if name.startswith("peers") else own_charts(bench, name[len("limit"):])
    return [c for c in found if c["series"]]


def environment(bench):
    """Where and how this was measured."""
    model = ""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    found = {
        "casnet": bench.ask("SELECT extversion FROM pg_extension WHERE extname = 'casnet'"),
        "PostgreSQL": bench.ask("SHOW server_version").split()[0],
        "records": bench.ask("SELECT sum(records)::int FROM bench.size"),
        "tenants": bench.ask("SELECT count(*)::int FROM bench.size"),
        "large tenant": bench.size[bench.large], "small tenant": bench.size[bench.small],
        "rounds": bench.rounds, "seconds": "%g" % bench.options.seconds, "processor": model or "unknown",
        "processors": os.cpu_count(), "day": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    if len(bench.ways) < len(WAYS):
        found["ways"] = ", ".join(NAMES[way] for way in bench.ways)
    return found


def save(bench):
    """Write the measurements so far."""
    os.makedirs(bench.options.output, exist_ok=True)
    path = os.path.join(bench.options.output, bench.options.name + ".json")
    content = {"environment": environment(bench), "results": bench.entries,
               "charts": charts(bench)}
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def plan_of_work(only):
    """The (workload, tenant) to do, in order."""
    wanted = []
    for word in only:
        if word not in SECTIONS and word not in TITLES:
            fail("there is no section or workload %s" % word)
        wanted += SECTIONS.get(word, (word,))
    everything = [(w, t) for w in READS for t in ("large", "small")]
    everything += [(w, t) for w in PLANNING for t in ("large", "small")]
    everything += [(w, "small") for w in SESSIONS + ("connect",)]
    everything += [("parallel", "large")]
    everything += [(w, "large") for w in WRITES]
    everything += [("mixed", "large"), ("mixed", "small")]
    return [(w, t) for w, t in everything if not wanted or w in wanted]


def measure_one(bench, workload, tenant):
    """One workload of one tenant."""
    n = bench.large if tenant == "large" else bench.small
    if workload in READS:
        measure_reads(bench, workload, tenant, n, bench.ways)
    elif workload in PLANNING:
        name, planning = workload.split("_")
        measure_reads(bench, name, tenant, n, [
            way for way in bench.ways
            if way in ("casnet", "limit", "where", "setting", "subselect", "set_where")],
                      "_" + planning)
    elif workload in WRITES:
        measure_writes(bench, workload, n,
                       [way for way in bench.ways if way not in ("in_where", "set_where", "row_where")])
    elif workload in SESSIONS:
        measure_sessions(bench, workload, n)
    elif workload == "connect":
        measure_connect(bench, n)
    elif workload == "mixed":
        measure_mixed(bench, n)
    else:
        measure_parallel(bench, n)


def main():
    """See the head of this file."""
    parser = argparse.ArgumentParser()
    for name in ("--data", "--work", "--bindir", "--output", "--name", "--plans", "--processor"):
        parser.add_argument(name, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--peer-seconds", type=float, required=True)
    parser.add_argument("--timeout", type=float, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--ways", default="")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    # so that no pooler is left behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(options)
    only = [word for word in options.only.split(",") if word]
    path = os.path.join(options.output, options.name + ".json")
    if (options.resume or only) and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            old = json.load(file)
        size = ("records", "tenants", "PostgreSQL", "ways")
        new = environment(bench)
        if any(old["environment"].get(key) != new.get(key) for key in size):
            fail("%s is of another database or of other ways; give another --output" % path)
        bench.entries = old["results"]
    done = {(e["workload"], e["tenant"]) for e in bench.entries} if options.resume else set()
    start = time.monotonic()
    if bench.ask("SELECT to_regclass('bench.peers_dirty') IS NOT NULL"):
        say("removing what a run that was stopped has left")
        for n in (bench.large, bench.small):
            tidy(bench, n)
    for workload, tenant in plan_of_work(only):
        if (workload, tenant) not in done:
            measure_one(bench, workload, tenant)
    say("measured in %d minutes" % ((time.monotonic() - start) / 60 + 0.5))


if __name__ == "__main__":
    main()
