"""Runs of pgbench side by side: one runs for a slice while the others are stopped.

Other programs on the machine then affect all runs alike.  So their ratios are stable,
where those of runs of seconds, one after the other, are not.
"""
import bisect
import glob
import math
import os
import signal
import time

WARM = 1                # seconds in which plans are made and pages met
SLICE = 0.05            # seconds that one runs, at least


def ends_of(prefix):
    """When the transactions of a run ended, in order, from its logs, which are removed."""
    ends = []
    for path in glob.glob(glob.escape(prefix) + ".*"):
        with open(path, encoding="utf-8") as file:
            for line in file:
                columns = line.split()
                ends.append(int(columns[4]) + int(columns[5]) / 1e6)
        os.unlink(path)
    return sorted(ends)


def rate(ends, start, stop):
    """(transactions, seconds) between the first and the last that ended in a slice."""
    first, last = bisect.bisect_left(ends, start), bisect.bisect_right(ends, stop) - 1
    return (last - first, ends[last] - ends[first]) if last > first else (0, 0)


def side_by_side(start, finish, folder, number, seconds, slice_seconds=SLICE, gap=0.002):
    """For each of the runs, a list of (transactions, seconds) of its slices.

    start(i, options) starts pgbench for the i-th of the number of runs, with these
    options besides its own; finish(process) waits for it, and fails if it failed.  Each
    runs for the given seconds in all.  gap is how long a server can be busy with the
    last transaction of a slice.
    """
    turns = max(1, round(seconds / slice_seconds))
    length = WARM + 0.2 + number * turns * (slice_seconds + gap + 0.002)
    prefixes = [os.path.join(folder, "log%d" % i) for i in range(number)]
    processes = [start(i, ("-T", str(math.ceil(length)), "-l", "--log-prefix=" + prefix))
                 for i, prefix in enumerate(prefixes)]
    slices = [[] for _ in processes]
    try:
        time.sleep(WARM)
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        time.sleep(gap)
        order = list(range(number))
        for _ in range(turns):
            for i in order:
                begin = time.time()
                processes[i].send_signal(signal.SIGCONT)
                time.sleep(slice_seconds)
                processes[i].send_signal(signal.SIGSTOP)
                slices[i].append((begin, time.time()))
                time.sleep(gap)
            order.reverse()
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
    for process in processes:
        finish(process)
    return [[rate(ends, *one) for one in slices[i]]
            for i, ends in enumerate(map(ends_of, prefixes))]


def total(counted):
    """Transactions per second in all slices of a run together."""
    count, clock = (sum(column) for column in zip(*counted))
    return count / clock if count else None
