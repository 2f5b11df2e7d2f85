/* SPDX-License-Identifier: MIT */
/* Connections: how many this process still has that came in through its listeners, by whatever route
 * (accepted, dup'ed, passed): the kernel tells by their local address. */
#ifndef OCTOPUS_CONNECTIONS_H
#define OCTOPUS_CONNECTIONS_H

#include <stdbool.h>

/* True while one is left. Watches one of them at a time, so that a whole drain costs one look at
 * each: only when the watched one has gone is the next one found. To be called once silent.
 * Context: the controller. */
bool connections_remain(void);

/* Counts them all. Context: the controller, once silent. */
int connections_count(void);

/* The descriptor that is being watched, or -1: whoever closes it rings the bell.
 * The one thing that the wrapper of close() tests. Context: any. */
extern _Atomic int connections_watched_fd;

#endif
