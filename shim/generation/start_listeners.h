/* SPDX-License-Identifier: MIT */
/* Owns the listeners that this process was started with: from a service manager (LISTEN_FDS,
 * sd_listen_fds(3)), from a supervisor, or as descriptor 0. Nobody binds them here, and not every server
 * calls listen() on them. Whoever started the process may hold them, too. */
#ifndef OCTOPUS_START_LISTENERS_H
#define OCTOPUS_START_LISTENERS_H

#include <stdatomic.h>
#include <stdbool.h>

extern _Atomic int start_listeners_count;

/* True if there was one. Context: any. */
static inline bool start_listeners_exist(void)
{
	return atomic_load_explicit(&start_listeners_count, memory_order_relaxed) > 0;
}

/* Looks which of the descriptors of the start (start_fds.h) listen. Context: init, or the first call of a
 * wrapper. */
void start_listeners_look(void);

/* True if FD is such a listener, under whatever number. Leaves errno alone. Context: any. */
bool start_listeners_has(int fd);

/* True if this process was started with FD, and not forked by the one that was, and no process but the
 * predecessor accepts on it: so it is a server of its own, and no worker of another's.
 * Leaves errno alone. Context: any. */
bool start_listeners_is_own(int fd);

#endif
