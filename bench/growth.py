#!/usr/bin/python3
"""Measures how casnet's cost grows, one curve after the other.

usage: growth.py --bindir DIR --work DIR --json FILE --processor N --rounds N
                 --seconds N --only L [--resume] [--small]

Each curve has a database of its own, which this program makes and drops.  PGHOST and
PGPORT name the server.
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import threading
import time

import psycopg2

import sides

DATABASE = "growth"
CAPTION = "Lower is better. By hand is a role that no policy holds for, the tenant in the query."


def fail(text):
    """Print what is wrong, and exit."""
    sys.exit("growth.py: " + text)


def uuid(kind, n):
    """The SQL of an id; n is SQL too.  Kinds: tenants 8, users 9, records a."""
    return "('00000000-0000-7000-%s000-' || lpad((%s)::text, 12, '0'))::uuid" % (kind, n)


def literal(kind, n):
    """An id as text."""
    return "00000000-0000-7000-%s000-%012d" % (kind, n)


class Bench:
    """The server, the options, and the measurements so far."""

    def __init__(self, options):
        """Read what the JSON has already."""
        self.options = options
        self.rounds = options.rounds
        self.scripts = 0
        self.content = {"environment": {}, "charts": []}
        if os.path.exists(options.json):
            with open(options.json, encoding="utf-8") as file:
                self.content = json.load(file)

    def run(self, database, *statements):
        """Run statements as the superuser; returns the rows of the last one, if any."""
        connection = psycopg2.connect(dbname=database, user="postgres")
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows

    def make_database(self):
        """Make an empty database with casnet, and the roles of both ways."""
        self.run("postgres", "DROP DATABASE IF EXISTS %s WITH (FORCE)" % DATABASE,
                 "CREATE DATABASE " + DATABASE)
        self.run(DATABASE, "SET client_min_messages = warning", "CREATE EXTENSION casnet",
                 "DO $$ BEGIN CREATE ROLE growth_casnet LOGIN IN ROLE casnet_authenticator;"
                 " CREATE ROLE growth_hand LOGIN BYPASSRLS IN ROLE casnet_user;"
                 " EXCEPTION WHEN duplicate_object THEN NULL; END $$",
                 "GRANT casnet_authenticator TO growth_casnet", "GRANT casnet_user TO growth_hand")

    def tenants(self, first, last):
        """Make tenants of these numbers, each with a user of its number and three records."""
        numbers = "generate_series(%d, %d) AS n" % (first, last)
        self.run(DATABASE, "SET session_replication_role = replica",
                 "INSERT INTO casnet.tenants (id, name) SELECT %s, 'tenant ' || n FROM %s"
                 % (uuid("8", "n"), numbers),
                 "INSERT INTO casnet.users (id, username, email)"
                 " SELECT %s, 'user' || n, n || '@example.org' FROM %s" % (uuid("9", "n"), numbers),
                 "INSERT INTO casnet.user_tenants (user_id, tenant_id, role)"
                 " SELECT %s, %s, 'member' FROM %s" % (uuid("9", "n"), uuid("8", "n"), numbers),
                 "INSERT INTO casnet.records (tenant_id, id, title, content)"
                 " SELECT %s, %s, 'Case', 'Visited at home.' FROM %s, generate_series(0, 2) AS k"
                 % (uuid("8", "n"), uuid("a", "n + 10000000 * k"), numbers),
                 "RESET session_replication_role")
        self.settle()

    def settle(self):
        """VACUUM and ANALYZE, so that nothing is left to clean."""
        self.run(DATABASE, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")

    def pgbench(self, way, script, session="", clients=1, options=()):
        """Start pgbench with a script, as the role of that way."""
        self.scripts += 1
        path = os.path.join(self.options.work, "script%d.sql" % self.scripts)
        with open(path, "w", encoding="utf-8") as file:
            file.write(script + "\n")
        command = ["taskset", "-c", self.options.processor,
                   os.path.join(self.options.bindir, "pgbench"), "-n", "-M", "prepared",
                   "-c", str(clients), "-j", "1", "-f", path, *options]
        environment = dict(os.environ, PGOPTIONS=session,
                           PGUSER="postgres" if way == "writer" else "growth_" + way)
        return subprocess.Popen(command + [DATABASE], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def save(self, chart):
        """Put the chart into the JSON, replacing an older one."""
        chart.setdefault("environment", environment(self))
        charts = [old for old in self.content["charts"] if old["name"] != chart["name"]] + [chart]
        names = [section + suffix for section in SECTIONS for suffix in ("", "-lists")]
        charts.sort(key=lambda c: names.index(c["name"][len("growth-"):]))
        self.content = {"environment": {}, "charts": charts}
        with open(self.options.json + ".new", "w", encoding="utf-8") as file:
            json.dump(self.content, file, indent=1)
            file.write("\n")
        os.replace(self.options.json + ".new", self.options.json)


def result_of(process):
    """The transactions a second that pgbench reports; none if it had no turn."""
    output = process.communicate()[0]
    match = re.search(r"^(?:tps = |number of transactions actually processed: (?=0$))([0-9.]+)", output, re.M)
    if process.returncode != 0 or not match or "failed: 0" not in output and "failed:" in output:
        fail("pgbench failed\n" + output[-2000:])
    return float(match.group(1))


def environment(bench):
    """Where and how this was measured."""
    rows = bench.run(DATABASE, "SELECT extversion, current_setting('server_version')"
                               " FROM pg_extension WHERE extname = 'casnet'")
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        match = re.search(r"^model name\s*:\s*(.*)", file.read(), re.M)
    model = match.group(1) if match else "unknown"
    return {"casnet": rows[0][0], "PostgreSQL": rows[0][1].split()[0], "rounds": bench.rounds,
            "seconds": bench.options.seconds, "processor": model, "processors": os.cpu_count(),
            "day": time.strftime("%Y-%m-%d", time.gmtime())}


def point(x, values):
    """[x, median, low, high] with three digits."""
    return [x] + [float("%.3g" % value) for value in
                  (statistics.median(values), min(values), max(values))]


def session(user, tenant):
    """The options of a connection of that user."""
    return "-c casnet.user_id=%s -c casnet.tenant_id=%s" % (literal("9", user), literal("8", tenant))


def read(way, tenant, record):
    """One record by its id; tenant and record are SQL."""
    where = "" if way == "casnet" else "tenant_id = %s AND " % tenant
    return "SELECT id, title FROM casnet.records WHERE %sid = %s;" % (where, record)


def same_user(way):
    """A point read of user 1 in tenant 1."""
    return read(way, "'%s'" % literal("8", 1), "'%s'::uuid" % literal("a", 1))


def other_user(way, number, user, tenant, record):
    """A transaction that sets its user, drawn from 1 to that number, and reads a record."""
    names = ("casnet.user_id", "casnet.tenant_id") if way == "casnet" else ("my.a", "my.b")
    return "\n".join([
        "\\set n random(1, %d)" % number, "BEGIN;",
        "SELECT set_config('%s', (%s)::text, true), set_config('%s', (%s)::text, true);"
        % (names[0], uuid("9", user), names[1], uuid("8", tenant)),
        read(way, uuid("8", tenant), uuid("a", record)), "COMMIT;"])


def ratios(bench, x, series):
    """The time of casnet over by hand, for each of {name: {label: (way, script, options)}}.

    The label is "casnet" or "by hand".  All of them run side by side.
    """
    runs = [(name, label, run) for name, ways in series.items() for label, run in ways.items()]
    found = {name: [] for name in series}
    for _ in range(bench.rounds):
        counted = sides.side_by_side(
            lambda i, options: bench.pgbench(*runs[i][2], options=options), result_of,
            bench.options.work, len(runs), bench.options.seconds)
        tps = {(name, label): sides.total(one) for (name, label, _), one in zip(runs, counted)}
        for name in series:
            found[name].append(tps[name, "by hand"] / tps[name, "casnet"])
    print("%8d  %s" % (x, "  ".join("%s %.3f" % (name, statistics.median(values))
                                   for name, values in found.items())), flush=True)
    return {name: point(x, values) for name, values in found.items()}


def both(number, user, tenant, record):
    """The series of most curves."""
    ways = (("casnet", "casnet"), ("hand", "by hand"))
    return {
        "point read": {label: (way, same_user(way), session(1, 1) if way == "casnet" else "")
                       for way, label in ways},
        "session and point read": {label: (way, other_user(way, number, user, tenant, record), "")
                                   for way, label in ways}}


def chart_of(name, title, x, points, unit="times what it takes by hand", **more):
    """A chart of points: a list of {series: point}."""
    names = list(points[0])
    chart = {"name": "growth-" + name, "title": title, "unit": unit, "axis": "log", "x": x,
             "x_axis": "log", "kind": "lines", "caption": CAPTION, "reference": [[1, "by hand"]],
             "series": [{"name": n, "points": [p[n] for p in points]} for n in names]}
    chart.update(more)
    return chart


def tenants(bench, xs):
    """Tenants in the database; each transaction is of a user of another tenant."""
    bench.make_database()
    points, done = [], 0
    for x in xs:
        bench.tenants(done + 1, x)
        done = x
        points.append(ratios(bench, x, both(x, ":n", ":n", ":n")))
    bench.save(chart_of("tenants", "Tenants in the database", "tenants", points, caption=CAPTION +
                        " Each session is of a random tenant; a backend keeps 1,024 verdicts."))


def memberships(bench, xs):
    """Memberships of one user, who changes from one tenant to another."""
    bench.make_database()
    bench.tenants(1, max(xs))
    points, lists = [], []
    for x in xs:
        bench.run(DATABASE, "INSERT INTO casnet.user_tenants (user_id, tenant_id, role)"
                            " SELECT '%s', %s, 'member' FROM generate_series(1, %d) AS n"
                            " ON CONFLICT DO NOTHING" % (literal("9", 1), uuid("8", "n"), x))
        bench.settle()
        points.append(ratios(bench, x, both(x, "1", ":n", ":n")))
        by_hand = ("SELECT count(*) FROM casnet.tenants WHERE id IN"
                   " (SELECT tenant_id FROM casnet.user_tenants WHERE user_id = '%s');" % literal("9", 1))
        lists.append(ratios(bench, x, {
            "one's tenants": {"casnet": ("casnet", "SELECT count(*) FROM casnet.tenants;", session(1, 1)),
                              "by hand": ("hand", by_hand, "")}}))
    bench.save(chart_of("memberships", "Memberships of the user", "memberships", points))
    bench.save(chart_of("memberships-lists", "A list of all one's tenants", "memberships", lists))


def permissions(bench, xs):
    """Permissions that a role gives, besides the built-in ones."""
    bench.make_database()
    bench.tenants(1, 10000 if not bench.options.small else 2000)
    number = bench.run(DATABASE, "SELECT count(*)::int FROM casnet.tenants")[0][0]
    points = []
    for x in xs:
        bench.run(DATABASE, "INSERT INTO casnet.role_permissions (role, permission)"
                            " SELECT 'member', 'own_' || n FROM generate_series(1, %d - (SELECT count(*)::int"
                            " FROM casnet.role_permissions WHERE role = 'member' AND permission NOT LIKE 'own%%')) AS n"
                            " ON CONFLICT DO NOTHING" % x)
        bench.settle()
        points.append(ratios(bench, x, both(number, ":n", ":n", ":n")))
    bench.save(chart_of("permissions", "Permissions of the role", "permissions", points, caption=CAPTION +
                        " Each session is of a user whom the backend has not met or has forgotten."))


def members(bench, xs):
    """Members of one tenant; each transaction is of another member."""
    bench.make_database()
    bench.tenants(1, 1)
    points, done = [], 1
    for x in xs:
        if x > done:
            numbers = "generate_series(%d, %d) AS n" % (done + 1, x)
            bench.run(DATABASE, "SET session_replication_role = replica",
                      "INSERT INTO casnet.users (id, username, email)"
                      " SELECT %s, 'user' || n, n || '@example.org' FROM %s" % (uuid("9", "n"), numbers),
                      "INSERT INTO casnet.user_tenants (user_id, tenant_id, role)"
                      " SELECT %s, '%s', 'member' FROM %s" % (uuid("9", "n"), literal("8", 1), numbers))
            bench.settle()
        done = x
        points.append(ratios(bench, x, both(x, ":n", "1", "1")))
    bench.save(chart_of("members", "Members of the tenant", "members", points))


def tables(bench, xs):
    """Protected tables in one query, each with policies and permissions of its own."""
    bench.make_database()
    bench.tenants(1, 20)
    bench.run(DATABASE, "SET client_min_messages = warning", "CREATE SCHEMA app",
              "GRANT USAGE ON SCHEMA app TO PUBLIC")
    for n in range(1, max(xs) + 1):
        bench.run(DATABASE, "SET client_min_messages = warning",
                  "CREATE TABLE app.t%d (id int NOT NULL, title text)" % n,
                  "SELECT casnet.protect('app.t%d')" % n,
                  "CREATE INDEX ON app.t%d (tenant_id, id)" % n,
                  "INSERT INTO app.t%d (tenant_id, id, title) SELECT %s, i, 'x' FROM"
                  " generate_series(1, 20) AS n, generate_series(1, 50) AS i" % (n, uuid("8", "n")))
    bench.settle()
    points = []
    for x in xs:
        series = {"one row of each table": {}}
        for way, label in (("casnet", "casnet"), ("hand", "by hand")):
            where = "" if way == "casnet" else "tenant_id = '%s' AND " % literal("8", 1)
            parts = " UNION ALL ".join("SELECT title FROM app.t%d WHERE %sid = :id" % (n, where)
                                       for n in range(1, x + 1))
            series["one row of each table"][label] = \
                (way, "\\set id random(1, 50)\n%s;" % parts, session(1, 1) if way == "casnet" else "")
        points.append(ratios(bench, x, series))
    bench.save(chart_of("tables", "Protected tables in one query", "tables", points))


class Writers:
    """Threads that change memberships at a given rate while they are switched on.

    They and their backends run on processors other than the readers', if there are any.
    """

    NUMBER = 4
    CHANGE = ("UPDATE casnet.user_tenants SET role = CASE role WHEN 'member' THEN 'viewer' ELSE 'member' END"
              " WHERE user_id = %s" % uuid("9", "%s"))

    def __init__(self, bench):
        """Connect, and wait."""
        self.processors = set(range(os.cpu_count())) - {int(bench.options.processor)}
        self.on = threading.Event()
        self.rate = 1
        self.count = 0
        self.ended = False
        self.since = self.before = 0
        self.threads = [threading.Thread(target=self.change, args=(i,)) for i in range(self.NUMBER)]
        for thread in self.threads:
            thread.start()

    def switch(self, on):
        """Go on, or wait."""
        if on:
            self.since = time.monotonic()
            self.on.set()
        elif self.on.is_set():
            self.on.clear()
            self.before += time.monotonic() - self.since

    def clock(self):
        """Seconds for which they were on."""
        return self.before + (time.monotonic() - self.since if self.on.is_set() else 0)

    def change(self, i):
        """What one thread does; each has users of its own, so none waits for another."""
        connection = psycopg2.connect(dbname=DATABASE, user="postgres")
        connection.autocommit = True
        cursor = connection.cursor()
        if self.processors:
            os.sched_setaffinity(connection.get_backend_pid(), self.processors)
        user, last = 500 + i, 0
        while not self.ended:
            self.on.wait()
            due = last + self.NUMBER / self.rate
            early = due - self.clock()
            if early > 0:
                time.sleep(min(early, 0.01))
            elif not self.ended:
                cursor.execute(self.CHANGE % user)
                self.count += 1
                user = user + self.NUMBER if user + self.NUMBER <= 1000 else 500 + i
                # a late thread makes up for at most a twentieth of a second
                last = max(due, self.clock() - 0.05)
        connection.close()

    def end(self):
        """Stop all threads."""
        self.ended = True
        self.on.set()
        for thread in self.threads:
            thread.join()


def with_changes(bench, way, x, writers):
    """(Readers' tps with x changes a second over that without, changes a second).

    The readers run all the time; stretches with and without changes alternate.
    """
    pairs, stretch = 2 if bench.options.small else 20, 0.25
    prefix = os.path.join(bench.options.work, "readers")
    readers = bench.pgbench(way, same_user(way), session(1, 1) if way == "casnet" else "", clients=32,
                            options=("-T", str(math.ceil(2 * sides.WARM + 2 * pairs * stretch + 1)), "-l",
                                     "--log-prefix=" + prefix))
    time.sleep(2 * sides.WARM)
    marks = {True: [], False: []}
    writers.rate, writers.count = x, 0
    for number in range(2 * pairs):
        begin = time.time()
        on = number % 2 == 0
        writers.switch(on)
        time.sleep(stretch)
        marks[on].append((begin, time.time()))
    writers.switch(False)
    result_of(readers)
    ends = sides.ends_of(prefix)
    tps = {on: sides.total([sides.rate(ends, *mark) for mark in marks[on]]) for on in marks}
    return tps[True] / tps[False], writers.count / (pairs * stretch)


def changes(bench, xs):
    """Changes of memberships a second, while 32 sessions read."""
    bench.make_database()
    bench.tenants(1, 1004)
    found = {"casnet": {x: [] for x in xs}, "by hand": {x: [] for x in xs}}
    achieved = {x: [] for x in xs}
    writers = Writers(bench)
    try:
        for turn in range(bench.rounds):
            for x in xs:
                for way, label in (("casnet", "casnet"), ("hand", "by hand"))[::1 if turn % 2 == 0 else -1]:
                    ratio, number = with_changes(bench, way, x, writers)
                    found[label][x].append(ratio)
                    achieved[x].append(number)
            bench.settle()
    finally:
        writers.end()
    points = [{label: point(x, found[label][x]) for label in found} for x in xs]
    for x, row in zip(xs, points):
        print("%8d  %s  achieved %s" % (x, row, [round(n) for n in achieved[x]]), flush=True)
    bench.save(chart_of("changes", "Changes of memberships a second, 32 sessions reading",
                        "changes a second", points, unit="tps over tps without changes", axis="linear",
                        reference=[[0.95, "goal at 100 a second"]],
                        caption="Higher is better. 1.0 is what the same sessions read while nothing changes;"
                                " stretches of a quarter of a second with changes and without alternate."
                                " The changes are made on another processor.",
                        achieved={str(x): [round(n) for n in achieved[x]] for x in xs}))


def memory(bench, xs):
    """Memory of a backend that has met this many users."""
    bench.make_database()
    bench.tenants(1, max(xs))
    meet = """DO $$ DECLARE found bigint; BEGIN FOR n IN 1 .. %d LOOP
        PERFORM set_config('%s', (%s)::text, false), set_config('%s', (%s)::text, false);
        %s END LOOP; END $$"""
    points = []
    for x in xs:
        row = {}
        for way, label in (("casnet", "casnet"), ("hand", "by hand")):
            names = ("casnet.user_id", "casnet.tenant_id") if way == "casnet" else ("my.a", "my.b")
            query = ("SELECT count(*) INTO found FROM casnet.records%s;"
                     % ("" if way == "casnet" else " WHERE tenant_id = %s" % uuid("8", "n")))
            rows = bench.run(DATABASE, "SET ROLE growth_" + way,
                             meet % (x, names[0], uuid("9", "n"), names[1], uuid("8", "n"), query),
                             "RESET ROLE",
                             "SELECT sum(total_bytes)::bigint, sum(total_bytes) FILTER (WHERE name LIKE 'casnet%')"
                             " FROM pg_backend_memory_contexts")
            row["backend, " + label] = [x, round(rows[0][0] / 1024)]
            if way == "casnet":
                row["of that, casnet's own"] = [x, round((rows[0][1] or 0) / 1024)]
        print("%8d  %s" % (x, row), flush=True)
        points.append(row)
    bench.save(chart_of("memory", "Memory of a backend", "users and tenants met", points, unit="kB", reference=[],
                        caption="All memory contexts of a backend that has served so many users, each in"
                                " another tenant; shared buffers and code are not in it."))


SECTIONS = {
    "tenants": (tenants, [1000, 10000, 100000], [100, 2000]),
    "memberships": (memberships, [1, 10, 100, 1000, 10000], [1, 100]),
    "permissions": (permissions, [20, 200, 2000], [20, 200]),
    "members": (members, [1, 10, 100, 1000, 10000, 100000], [1, 1000]),
    "tables": (tables, [1, 2, 5, 10, 20, 50], [1, 5]),
    "changes": (changes, [10, 100, 300, 1000], [100]),
    "memory": (memory, [1, 10, 100, 1000, 10000], [1, 100]),
}


def main():
    """See the head of this file."""
    parser = argparse.ArgumentParser()
    for name in ("--bindir", "--work", "--json", "--processor"):
        parser.add_argument(name, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--small", action="store_true")
    bench = Bench(parser.parse_args())
    wanted = [word for word in bench.options.only.split(",") if word] or list(SECTIONS)
    for name in wanted:
        if name not in SECTIONS:
            fail("there is no curve %s" % name)
    done = {chart["name"] for chart in bench.content["charts"]}
    start = time.monotonic()
    for name in wanted:
        if bench.options.resume and "growth-" + name in done:
            continue
        measure, xs, few = SECTIONS[name]
        print("==> %s" % name, flush=True)
        measure(bench, few if bench.options.small else xs)
    print("measured in %.1f minutes" % ((time.monotonic() - start) / 60))


if __name__ == "__main__":
    main()
