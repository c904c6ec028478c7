#!/usr/bin/python3
"""Counts the instructions of what casnet does for every statement.

usage: hotpath.py DATA-FOLDER BINDIR TOKENS JSON ENVIRONMENT

A server in single-user mode runs under callgrind, which counts only inside the
functions of COUNTED, and writes a file at each call of pg_backend_pid().  So a
step is what those functions took between two marks.  TOKENS is a file with tokens of
one user, one a line; ENVIRONMENT is JSON.
"""
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

COUNTED = ["casnet_tenant_with", "SPI_execute_plan_with_paramlist", "set_config_by_name"]
TIMES = 5
CALLS = 1000
MARK = "SELECT pg_catalog.pg_backend_pid();"
AS_USER, AS_SUPERUSER = "SET ROLE hotpath;", "RESET ROLE;"

KEPT = "tenant_with() of a policy, answer kept"
KEPT_TEXT = "tenant_with() in the text of a statement, answer kept"
LOOKUP = "primary-key lookup by SPI, plan kept"
LOOKUP_AFTER = "primary-key lookup by SPI, after a change of the table"
CHANGED = "tenant_with() after a change of somebody's membership"
ROLES = "tenant_with() after a change of a role"
MET = "tenant_with() of a user and tenant not met before"
PLAIN = "set_config() of a plain setting as long as a token"
FIRST = "token first seen: set_config() and tenant_with()"
AGAIN = "token seen before: set_config() and tenant_with()"
ORDER = [KEPT, KEPT_TEXT, LOOKUP, LOOKUP_AFTER, CHANGED, ROLES, MET, PLAIN, AGAIN, FIRST]
ALLOCATES = re.compile("alloc|MemoryContext", re.IGNORECASE)


def user(n):
    """The id of a user, by hotpath.sql."""
    return "00000000-0000-7000-9000-%012d" % n


def tenant(n):
    """The id of a tenant."""
    return "00000000-0000-7000-8000-%012d" % n


def become(n):
    """The session is that user, in the tenant of the same number."""
    return ["SET casnet.user_id = '%s';" % user(n), "SET casnet.tenant_id = '%s';" % tenant(n)]


def steps(tokens):
    """A list of (name or None, lines): what runs; steps with a name are counted."""
    lookup = "SELECT hotpath.lookup('%s', '%s');" % (user(5), tenant(5))
    one, many = "SELECT * FROM hotpath.one;", "SELECT * FROM hotpath.many;"
    text = "SELECT casnet.tenant_with('view_records') FROM pg_catalog.generate_series(1, %d);"
    change = ["UPDATE casnet.user_tenants SET role = role WHERE user_id = '%s';" % user(900)]
    change_role = ["UPDATE casnet.role_permissions SET role = role WHERE role = 'viewer';"]
    set_token, set_plain = "SELECT set_config('casnet.token', '%s', false);", "SELECT set_config('my.a', '%s', false);"
    # everything runs once before it is counted
    found = [(None, [lookup] * 8 + become(5) + [AS_USER, one, many, text % 1, set_plain % tokens[0],
                                                set_token % tokens[0], one, set_token % "", AS_SUPERUSER])]
    for n in range(TIMES):
        token = tokens[n + 1]
        found += [
            (None, [AS_USER, one]),
            ("stored one", [one]), ("stored many", [many]),
            ("text one", [text % 1]), ("text many", [text % (CALLS + 1)]),
            (None, [AS_SUPERUSER]), (LOOKUP, [lookup]),
            (None, change + [AS_USER]), (CHANGED, [one]), (None, [AS_SUPERUSER]),
            (None, change), (LOOKUP_AFTER, [lookup]),
            (None, change_role + [AS_USER]), (ROLES, [one]), (None, [AS_SUPERUSER]),
            (None, become(100 + n) + [AS_USER]), (MET, [one]), (None, [AS_SUPERUSER] + become(5) + [AS_USER, one]),
            (PLAIN, [set_plain % token]), (FIRST, [set_token % token, one]),
            (None, [set_token % tokens[0], one]), (AGAIN, [set_token % token, one]),
            (None, [set_token % "", AS_SUPERUSER]),
        ]
    return found


def totals(path, names):
    """The instructions of a dump, and how often one function called another in it.

    A dump spells out a name once, perhaps an earlier dump does; names keeps them.
    """
    calls, caller, target, count = {}, None, None, 0
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            match = re.match(r"(c?)fn=\((\d+)\)(?: (.*))?", line)
            if match and match.group(3):
                names[match.group(2)] = match.group(3)
            if match and match.group(1):
                target = names[match.group(2)]
            elif match:
                caller = names[match.group(2)]
            match = re.match(r"calls=(\d+)", line)
            if match:
                calls[caller, target] = calls.get((caller, target), 0) + int(match.group(1))
            match = re.match(r"(?:totals|summary): (\d+)", line)
            if match:
                count = int(match.group(1))
    return count, calls


def called_by(function, calls):
    """The functions that one calls CALLS times or more, directly or through others."""
    found, new = set(), {function}
    while new:
        found |= new
        new = {target for (caller, target), n in calls.items()
               if caller in new and n >= CALLS} - found
    return found - {function}


def run(folder, bindir, todo):
    """The counts: a list of (name, instructions, calls) for each step with a name."""
    lines = []
    for _, step in todo:
        lines += step + [MARK]
    with tempfile.TemporaryDirectory(prefix="hotpath.") as work:
        output = os.path.join(work, "callgrind")
        result = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + output,
             "--dump-before=pg_backend_pid"] +
            ["--toggle-collect=" + name for name in COUNTED] +
            [os.path.join(bindir, "postgres"), "--single", "-D", folder, "postgres"],
            input="\n".join(lines) + "\n", text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        if result.returncode != 0 or "ERROR:" in result.stdout:
            errors = [line for line in result.stdout.splitlines() if "ERROR:" in line]
            sys.exit("hotpath.py: the single-user server failed\n" + "\n".join(errors))
        parts = sorted(glob.glob(output + ".*"), key=lambda name: int(name.rsplit(".", 1)[1]))
        if len(parts) != len(todo):
            sys.exit("hotpath.py: %d dumps for %d marks" % (len(parts), len(todo)))
        names = {}
        counted = [(name, *totals(part, names)) for (name, _), part in zip(todo, parts)]
    return [step for step in counted if step[0]]


def main():
    """Count, judge the goals, and write the JSON."""
    folder, bindir, token_file, path, environment = sys.argv[1:6]
    with open(token_file, encoding="utf-8") as file:
        tokens = file.read().split()
    counted = {}
    inner = set()
    for name, count, calls in run(folder, bindir, steps(tokens)):
        counted.setdefault(name, []).append(count)
        if name == "stored many":
            inner |= called_by("casnet_tenant_with", calls)
    for name, key in ((KEPT, "stored"), (KEPT_TEXT, "text")):
        counted[name] = [(many - one) / CALLS for one, many in
                         zip(counted[key + " one"], counted[key + " many"])]
    points = []
    for name in ORDER:
        low, high = round(min(counted[name])), round(max(counted[name]))
        # most counts are the same each time
        points.append([name, round(statistics.median(counted[name]))] + ([low, high] if low < high else []))
    median = {name: value for name, value, *_ in points}
    allocating = sorted(name for name in inner if ALLOCATES.search(name))
    goals = [
        {"goal": "tenant_with() with a kept answer: below 60 instructions",
         "value": median[KEPT], "reached": median[KEPT] < 60},
        {"goal": "tenant_with() with a kept answer: no allocation",
         "value": ", ".join(allocating) or "none", "reached": not allocating},
        {"goal": "tenant_with() after a change: at most twice a primary-key lookup by SPI",
         "value": round(median[CHANGED] / median[LOOKUP], 2),
         "reached": median[CHANGED] <= 2 * median[LOOKUP]},
    ]
    chart = {"name": "hotpath", "title": "What casnet does for a statement", "kind": "bars",
             "unit": "instructions", "axis": "log", "x": "step",
             "caption": "Counted with callgrind inside the functions named. A lookup by SPI is what a"
                        " policy with a subquery does at the least.",
             "series": [{"name": "instructions", "points": points}]}
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"environment": json.loads(environment), "charts": [chart], "goals": goals}, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)
    for name, value, *bounds in points:
        print("%-58s %8d%s" % (name, value, "  (%d to %d)" % tuple(bounds) if bounds else ""))
    print("called by tenant_with() with a kept answer: " + (", ".join(sorted(inner)) or "nothing"))
    for goal in goals:
        print("%s: %s, %s" % (goal["goal"], goal["value"], "reached" if goal["reached"] else "NOT REACHED"))


if __name__ == "__main__":
    main()
