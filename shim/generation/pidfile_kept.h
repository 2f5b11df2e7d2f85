/* SPDX-License-Identifier: MIT */
/* Owns the pid file of a server that has given up root: it is kept open (base/kept_fd.h), and
 * written in place. A reader finds the old number or the new one, or for some microseconds a text that
 * begins with "#" and is no number. */
#ifndef OCTOPUS_PIDFILE_KEPT_H
#define OCTOPUS_PIDFILE_KEPT_H

#include <stdbool.h>
#include <sys/types.h>

/* True if there is one. Context: any. */
bool pidfile_kept_exists(void);

/* Writes PID into it. Returns 0, -ENOENT if somebody has removed it, or another -errno.
 * Context: any. */
int pidfile_kept_write(pid_t pid);

/* Empties it if it holds PID: without root nobody can remove it. Context: any. */
void pidfile_kept_empty(pid_t pid);

/* Returns the pid in it, or 0. Context: any. */
pid_t pidfile_kept_read(void);

#endif
