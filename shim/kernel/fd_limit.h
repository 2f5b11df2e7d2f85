/* SPDX-License-Identifier: MIT */
/* Owns the room for descriptors of a server that is at its limit (RLIMIT_NOFILE, getrlimit(2)). */
#ifndef OCTOPUS_FD_LIMIT_H
#define OCTOPUS_FD_LIMIT_H

#include <stdint.h>

struct fd_limit {
	uint64_t soft, hard;
};

/* Raises the soft limit by a few, as far as the hard one allows: a server at its limit leaves no descriptor for the
 * controller's work. A thread of the server's may get one of these until fd_limit_restore().
 * Context: the controller. */
void fd_limit_raise(struct fd_limit *ret_before);
void fd_limit_restore(const struct fd_limit *before);

#endif
