/* SPDX-License-Identifier: MIT */
/* Owns how closely a wait is looked at, before it is known that the process waits on a listener. A
 * look costs system calls, and some processes never wait on one: a cache manager, a child that serves
 * one connection. Each thread has looks of its own, so that no other one uses them up. Pure. */
#ifndef OCTOPUS_PROBES_H
#define OCTOPUS_PROBES_H

#include <stdint.h>

enum probe {
	PROBE_NOTHING,
	PROBE_LIKELY, /* only at descriptors that are known to have been listeners */
	PROBE_ALL,
};

/* What a thread has looked at so far. All zero at first. */
struct probes {
	uint32_t round, count;
	int64_t next_ns, gap_ns;
};

/* Returns how closely to look at the wait that begins at NOW_NS. The first waits of each ROUND, a
 * number of the process's which changes when there is a new listener, are looked at, and then fewer and
 * fewer. Context: any. */
enum probe probes_next(struct probes *own, uint32_t round, int64_t now_ns);

#endif
