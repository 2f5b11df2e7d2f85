/* SPDX-License-Identifier: MIT */
/* Owns the soft limit of descriptors (RLIMIT_NOFILE, getrlimit(2)): it gives the controller room in
 * a server at its limit. */
#ifndef OCTOPUS_FD_LIMIT_H
#define OCTOPUS_FD_LIMIT_H

#include <stdint.h>

struct fd_limit {
	uint64_t soft, hard;
};

/* Raises the soft limit by a few, as far as the hard limit allows: a server at its limit leaves no
 * descriptor for the controller. Until fd_limit_restore() a server thread may get one of the spare
 * descriptors. Context: the controller. */
void fd_limit_raise(struct fd_limit *ret_before);
void fd_limit_restore(const struct fd_limit *before);

#endif
