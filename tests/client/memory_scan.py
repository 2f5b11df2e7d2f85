# SPDX-License-Identifier: MIT
"""Counts how often a text stands in the memory of a process: memory_scan.py PID TEXT
Prints two numbers: in memory that a core dump contains, and in memory that it leaves out (flag `dd`
of VmFlags, proc(5))."""
import re
import sys

pid, text = sys.argv[1], sys.argv[2].encode()


def regions():
    region, flags = None, ""
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            begin = re.match(r"([0-9a-f]+)-([0-9a-f]+) (rw)", line)
            if begin:
                region = int(begin[1], 16), int(begin[2], 16)
            elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                region = None
            elif region and line.startswith("Rss:"):
                is_used = line.split()[1] != "0"
            elif region and line.startswith("VmFlags:") and is_used:
                yield region, "dd" in line.split()


counts = {False: 0, True: 0}
with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
    for (first, end), is_left_out in regions():
        memory.seek(first)
        try:
            counts[is_left_out] += memory.read(end - first).count(text)
        except OSError:
            pass
print(counts[False], counts[True])
