/* SPDX-License-Identifier: MIT */
/* Owns the question which descriptors the server does not know of, so that its own calls about
 * descriptors must spare them: those that wait to be claimed (waiting.h), and those that are kept
 * since the server gave up root (base/kept_fd.h). */
#ifndef OCTOPUS_SPARED_FDS_H
#define OCTOPUS_SPARED_FDS_H

#include <stdbool.h>

#include "base/kept_fd.h"
#include "upgrade/waiting.h"

/* True while there is any. The wrappers test only this. Context: any. */
static inline bool spared_fds_exist(void)
{
	return waiting_exists() || kept_fd_exists();
}

/* True if FD is one of them. Context: any. */
static inline bool spared_fds_have(int fd)
{
	return waiting_owns(fd) || kept_fd_owns(fd);
}

/* The lowest one >= FIRST, or -1. Context: any. */
static inline int spared_fds_next(int first)
{
	const int waits = waiting_next(first), is_kept = kept_fd_next(first);

	if (waits < 0 || is_kept < 0)
		return waits < 0 ? is_kept : waits;
	return waits < is_kept ? waits : is_kept;
}

#endif
