/* SPDX-License-Identifier: MIT */
/* Owns the descriptors that stay open in a server that has given up root, or has changed its root
 * directory: files that it could not open any more. No other process has any. They have high
 * numbers and are close-on-exec. The server's own calls about all its descriptors spare them
 * (upgrade/spared_fds.h). The child of a fork closes them, unless it may come to lead: that is so
 * until its generation is ready, or until it waits for its first client. None is a directory: that
 * would be a way out of a chroot(2). */
#ifndef OCTOPUS_KEPT_FD_H
#define OCTOPUS_KEPT_FD_H

#include <stdatomic.h>
#include <stdbool.h>

enum kept { KEPT_LOG, KEPT_PIDFILE, KEPT_COUNT };

/* How many are kept; the wrappers of close and dup2 test only this. */
extern _Atomic int kept_fd_count;

/* Context: any. */
static inline bool kept_fd_exists(void)
{
	return __builtin_expect(atomic_load_explicit(&kept_fd_count, memory_order_relaxed) != 0, 0);
}

/* Keeps the file that FD is, under a number of its own, in the place of an earlier one. FD stays the
 * caller's. Returns 0 or -errno. Context: normal. */
int kept_fd_keep(enum kept which, int fd);

/* Closes it. Context: any. */
void kept_fd_drop(enum kept which);

/* Its number at this moment, or -1: the server may have closed it by a call past libc, or put
 * something else in its place. Context: any. */
int kept_fd_number(enum kept which);

/* Returns a second descriptor of it, close-on-exec, which the caller closes. Returns -EBADF if there
 * is none, -ENOENT if it has no name any more, or another -errno. The server may move the kept one
 * meanwhile. Call it within own_fd.h's brackets. Context: any. */
int kept_fd_borrow(enum kept which);

/* True if FD is one of them. Context: any. */
bool kept_fd_owns(int fd);

/* The lowest one >= FIRST, or -1. Context: any. */
int kept_fd_next(int first);

/* Moves FD, if it is one of them, to another number, because the server wants this one.
 * Context: any. */
void kept_fd_move_away(int fd);

/* Closes them all: this process will not lead. Context: any. */
void kept_fd_drop_all(void);

#endif
