/* SPDX-License-Identifier: MIT */
/* Owns the question whether another server has started this one: a helper of it that listens, too (a
 * metrics exporter, epmd), or a new version that was not handed anything. Such a process is a server of
 * its own, but the pid file is not its. */
#ifndef OCTOPUS_OUTER_H
#define OCTOPUS_OUTER_H

#include <stdbool.h>
#include <sys/types.h>

/* True if PID leads a generation: it has news that it can write (news.h). False, too, if the kernel does not
 * let this process look. Context: any. */
bool outer_leads(pid_t pid);

/* Returns the nearest ancestor of this process that leads a generation, or that the pid file names; 0 if
 * there is none, or if it has another pid file (OCTOPUS_PIDFILE). Leaves errno alone. Context: any. */
pid_t outer_find(void);

#endif
