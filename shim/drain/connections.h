/* SPDX-License-Identifier: MIT */
/* Connections: how many this process still has that came in through its listeners, by whatever route
 * (accepted, dup'ed, passed): the kernel tells by their local address. */
#ifndef OCTOPUS_CONNECTIONS_H
#define OCTOPUS_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/idle.h"
#include "generation/generation.h"

/* True while one is left. Watches one of them at a time, so that a whole drain costs one look at
 * each: only when the watched one has gone is the next one found. To be called once the process has stopped accepting.
 * Context: the controller. */
bool connections_remain(void);

/* What a look at each of them has shown. */
struct connections_look {
	int left;
	int idle;        /* of these: nothing is owed on them, by either side */
	int64_t next_ms; /* the next one may be ended then; INT64_MAX: none is known */
	char peers[CONNECTIONS_PEERS]; /* the first few: `127.0.0.1:5000, 127.0.0.1:5002` */
};

/* Looks at all: ends the reading side of those that have been idle for long enough, so that the server finds its
 * client gone and closes them as it always does, and has the others followed (farewell.h). Context: the
 * controller, once the process has stopped accepting. */
void connections_look(const struct idle_graces *graces, struct connections_look *ret_look);

/* When to look again, by clock_now_ms(), after a look from BEGUN to NOW: often enough for a connection that
 * becomes idle, seldom enough for the looks to take a small part of the time. Context: any. */
int64_t connections_next_look(const struct connections_look *look, int64_t begun, int64_t now);

/* The descriptor that is being watched, or -1: whoever closes it rings the bell.
 * The one thing that the wrapper of close() tests. Context: any. */
extern _Atomic int connections_watched_fd;

#endif
