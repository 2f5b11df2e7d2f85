/* SPDX-License-Identifier: MIT */
#include "kernel/fd_limit.h"

#include <sys/resource.h>

#define FD_ROOM 16

void fd_limit_raise(struct fd_limit *ret_before)
{
	struct rlimit limit = {0, 0};

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	*ret_before = (struct fd_limit){limit.rlim_cur, limit.rlim_max};
	if (limit.rlim_max - limit.rlim_cur < FD_ROOM)
		limit.rlim_cur = limit.rlim_max;
	else
		limit.rlim_cur += FD_ROOM;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void fd_limit_restore(const struct fd_limit *before)
{
	const struct rlimit limit = {before->soft, before->hard};

	(void)setrlimit(RLIMIT_NOFILE, &limit);
}
