/* SPDX-License-Identifier: MIT */
#include "kernel/fd_limit.h"

#include <stddef.h>
#include <sys/resource.h>

#include "base/raw_syscall.h"

#define FD_ROOM 16

/* setrlimit() is a wrapper of ours. */
static void set(struct rlimit limit)
{
	(void)RAW4(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
}

void fd_limit_raise(struct fd_limit *ret_before)
{
	struct rlimit limit = {0, 0};

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	*ret_before = (struct fd_limit){limit.rlim_cur, limit.rlim_max};
	if (limit.rlim_max - limit.rlim_cur < FD_ROOM)
		limit.rlim_cur = limit.rlim_max;
	else
		limit.rlim_cur += FD_ROOM;
	set(limit);
}

void fd_limit_restore(const struct fd_limit *before)
{
	set((struct rlimit){before->soft, before->hard});
}
