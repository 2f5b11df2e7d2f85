/* SPDX-License-Identifier: MIT */
/* Owns the search for this process's connections: the descriptors whose local address is a
 * listener's. So a connection counts by whatever route it came (accepted, dup'ed, passed). */
#ifndef OCTOPUS_CONNECTIONS_H
#define OCTOPUS_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/idle.h"
#include "generation/hints.h"

/* True while a connection is left. Watches one of them at a time, and searches for the next only
 * when that one has gone, so that a whole drain examines each once. Context: the controller, once
 * the process has stopped accepting. */
bool connections_remain(void);

/* The result of a scan of all connections. */
struct connections_scan {
	int left;
	int idle;        /* of these, between two requests */
	int64_t next_ms; /* in how many ms the next one may be ended; INT64_MAX: unknown */
	uint32_t peer_count;
	struct hint_peer peers[HINT_PEERS]; /* the clients of the first few */
};

/* Scans all connections. Shuts down the reading side of those that have been idle for long enough,
 * so that the server finds its client gone and closes them as always, and follows the others
 * (follow.h). Context: the controller, once the process has stopped accepting. */
void connections_scan(const struct idle_graces *graces, struct connections_scan *ret_scan);

/* When to scan again, by clock_now_ms(), after a scan from BEGUN to NOW: soon enough for a
 * connection that becomes idle, and late enough that scans take a small part of the time.
 * Context: any. */
int64_t connections_next_scan(const struct connections_scan *scan, int64_t begun, int64_t now);

/* The watched descriptor, or -1. The thread that closes it rings the bell. The wrapper of close()
 * tests only this. Context: any. */
extern _Atomic int connections_watched_fd;

#endif
