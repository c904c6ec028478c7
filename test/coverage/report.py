#!/usr/bin/python3
"""Report which lines of src/ ran, and compare the others with the list.

usage: report.py [--least PERCENT] [--partial] ROOT GCOV.json...

The documents are those of gcov --json-format.  The list, uncovered beside this file, has
a line "file function: text" for each line that no test runs, below a line "# reason".
These are failures: a line that did not run and is not listed; a listed line that did run
or is gone, unless its reason begins with "sometimes:"; and fewer lines than PERCENT.
With --partial, lines that did not run are shown and are no failure.
"""

import collections
import json
import os
import sys

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'uncovered')


def fail(text):
    """Say what is wrong with the input, and end."""
    sys.exit('report.py: ' + text)


def read_counts(paths):
    """Return {file: (lines, functions, branches)} for the files of src/.

    lines is {number: [count, function]}, functions {name: count}, and branches
    {(number, index): count}.  A line in several documents gets the sum.
    """
    files = {}
    for path in paths:
        with open(path, encoding='utf-8') as stream:
            documents = [json.loads(line) for line in stream if line.strip()]
        for document in documents:
            for entry in document['files']:
                name = entry['file']
                if not name.startswith('src/'):
                    continue
                lines, functions, branches = files.setdefault(name, ({}, {}, {}))
                for function in entry['functions']:
                    key = function['name']
                    functions[key] = functions.get(key, 0) + function['execution_count']
                for line in entry['lines']:
                    number = line['line_number']
                    seen = lines.setdefault(number, [0, line.get('function_name', '')])
                    seen[0] += line['count']
                    for index, branch in enumerate(line['branches']):
                        key = (number, index)
                        branches[key] = branches.get(key, 0) + branch['count']
    return files


def read_list():
    """Return a Counter of (file, function, text), and {key: reason}."""
    listed = collections.Counter()
    reasons = {}
    reason = ''
    with open(LIST, encoding='utf-8') as stream:
        for number, line in enumerate(stream, 1):
            line = line.rstrip('\n')
            if line.startswith('# '):
                reason = line[2:].strip()
                continue
            if not line.strip():
                reason = ''
                continue
            place, colon, text = line.partition(': ')
            words = place.split(' ')
            if not colon or len(words) != 2:
                fail('line %d of the list is not "file function: text"' % number)
            if not reason:
                fail('line %d of the list is below no reason' % number)
            key = (words[0], words[1], text.strip())
            listed[key] += 1
            reasons[key] = reason
    return listed, reasons


def part(counts):
    """Return (how many ran, how many there are) of an iterable of counts."""
    counts = list(counts)
    return sum(1 for count in counts if count), len(counts)


def percent(pair):
    """Return the percentage as text."""
    return '%5.1f %%' % (100.0 * pair[0] / pair[1]) if pair[1] else '      -'


def row(name, parts):
    """Print a row of the table."""
    print('%-20s' % name + ''.join(' %5d/%-5d %s' % (p[0], p[1], percent(p)) for p in parts))


def main():
    """Print the table and what is wrong; exit 1 if anything is."""
    arguments = sys.argv[1:]
    least = 0.0
    partial = False
    while arguments and arguments[0].startswith('--'):
        option = arguments.pop(0)
        if option == '--least':
            least = float(arguments.pop(0))
        elif option == '--partial':
            partial = True
        else:
            fail('unknown option ' + option)
    root = arguments.pop(0)
    files = read_counts(arguments)
    if not files:
        fail('no file of src/ was counted')
    for name in sorted(os.listdir(os.path.join(root, 'src'))):
        if name.endswith('.c') and 'src/' + name not in files:
            fail('src/%s was not counted' % name)

    print('%-20s %-19s %-19s %-19s' % ('', ' lines', ' functions', ' branches'))
    totals = [[0, 0], [0, 0], [0, 0]]
    uncovered = collections.Counter()
    numbers = {}
    for name in sorted(files):
        lines, functions, branches = files[name]
        parts = [part(line[0] for line in lines.values()),
                 part(functions.values()), part(branches.values())]
        row(name[4:], parts)
        for total, counts in zip(totals, parts):
            total[0] += counts[0]
            total[1] += counts[1]
        with open(os.path.join(root, name), encoding='utf-8') as stream:
            source = stream.read().split('\n')
        for number in sorted(lines):
            count, function = lines[number]
            if count == 0:
                key = (name[4:], function, source[number - 1].strip())
                uncovered[key] += 1
                numbers.setdefault(key, []).append(number)
    row('all', totals)

    listed, reasons = read_list()
    unknown = uncovered - listed
    stale = listed - uncovered
    stale = {key for key in stale if not reasons[key].startswith('sometimes:')}
    print('%d lines did not run; %d of them are listed with a reason'
          % (sum(uncovered.values()), sum((uncovered & listed).values())))
    status = 0
    if unknown:
        print('\nran in no test, and not in test/coverage/uncovered:')
        for key in sorted(unknown, key=lambda k: (k[0], numbers[k])):
            print('%s:%s %s: %s%s' % (key[0], ','.join(map(str, numbers[key])), key[1], key[2],
                                      ' (%d of them)' % unknown[key] if unknown[key] > 1 else ''))
        status = 0 if partial else 1
    if stale:
        print('\nin test/coverage/uncovered, but it ran or is gone:')
        for key in sorted(stale):
            print('%s %s: %s (%s)' % (key + (reasons[key],)))
        status = 0 if partial else 1
    if 100.0 * totals[0][0] < least * totals[0][1] and not partial:
        print('\nfewer than %g percent of the lines ran' % least)
        status = 1
    sys.exit(status)


main()
